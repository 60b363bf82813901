"""What every cluster promises that steps run on: real Jobs through the real API."""

from __future__ import annotations

import pytest
from metaflow_backends.k8s.certificates import SERVICE_ADDRESS

pytestmark = [pytest.mark.backends("k8s"), pytest.mark.timeout(180)]


@pytest.mark.smoke
@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_arrives(jobs, code):
    assert jobs("bash", "-c", f"exit {code}").end()["exitCode"] == code


@pytest.mark.smoke
def test_both_streams_are_logged_and_their_files_are_found(jobs, backend):
    pod = jobs("bash", "-c", "echo out; echo err >&2")
    pod.end()
    native = {"kubernetes-pod-name": pod.read()["metadata"]["name"]}
    files = {log.name: log.path for log in backend.backend.logs(backend.running, native)}

    assert sorted(pod.log().split()) == ["err", "out"]
    assert " stdout F out" in files["main.0"].read_text()
    assert " stderr F err" in files["main.0"].read_text()


def test_too_much_memory_is_told_apart_from_other_kills(jobs):
    # Before containerd 2.2 the shim looks for lack of memory only once the process has started:
    # what takes too much in its first moment is told as "Error" (containerd#8180).
    taking = "import time; time.sleep(1); x = bytearray(300 << 20)"
    pod = jobs("python", "-c", taking, limits={"memory": "64Mi"})

    end = pod.end()

    assert (end["exitCode"], end["reason"]) == (137, "OOMKilled")


def test_a_limit_is_what_the_container_sees(jobs):
    paths = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"
    pod = jobs("bash", "-c", f"cat {paths} 2>/dev/null", limits={"memory": "64Mi"})
    pod.end()

    assert pod.log().split()[0] == str(64 << 20)


def test_an_image_that_is_nowhere_says_so(jobs):
    pod = jobs("true", image="docker.io/metaflow-extras/nowhere:1")

    waiting = pod.waits()

    assert "metaflow-extras/nowhere:1" in waiting


def test_a_pod_past_its_deadline_is_ended(jobs):
    pod = jobs("sleep", "600", activeDeadlineSeconds=3, terminationGracePeriodSeconds=0)

    assert pod.until(lambda status: status.get("reason")) == "DeadlineExceeded"


def test_the_service_of_the_api_server_answers_inside(jobs):
    code = f"""
import ssl, urllib.request, urllib.error
context = ssl._create_unverified_context()
url = "https://{SERVICE_ADDRESS}/readyz"
print(urllib.request.urlopen(url, context=context, timeout=20).read())
"""
    pod = jobs("python", "-c", code)
    pod.end()

    assert pod.log().strip() == "b'ok'"


def test_a_pod_reaches_the_store_with_the_keys_of_the_secret(jobs, backend):
    secret = {"secretRef": {"name": backend.running.details["secret"]}}
    endpoint = backend.running.environment["METAFLOW_S3_ENDPOINT_URL"]
    code = (
        "import boto3; "
        f"print(boto3.client('s3', endpoint_url={endpoint!r}).list_buckets()['Buckets'][0]['Name'])"
    )
    pod = jobs("python", "-c", code)
    pod.end()
    assert "Unable to locate credentials" in pod.log()  # a pod that is not given them has none

    with_keys = jobs("python", "-c", code, env_from=[secret])
    with_keys.end()

    assert with_keys.log().strip() == "metaflow"
