"""What every Docker daemon promises that steps run on: real containers through the real API."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = [pytest.mark.backends("docker"), pytest.mark.timeout(120)]


@pytest.fixture
def client(backend):
    import docker

    client = docker.DockerClient(base_url=backend.running.endpoints["docker"], timeout=60)
    yield client
    client.close()


@pytest.fixture
def start(client, backend):
    """Start a container of the task image; it is removed at the end of the test."""
    started = []

    def run(*command, **options):
        image = options.pop("image", backend.running.details["image"])
        started.append(client.containers.run(image, list(command), detach=True, **options))
        return started[-1]

    yield run
    for container in started:
        container.remove(force=True)


def ended(container):
    """Wait for the end of a container and give its exit code."""
    return container.wait(timeout=60)["StatusCode"]


@pytest.mark.smoke
@pytest.mark.parametrize("code", [0, 1, 7, 125, 126, 255])
def test_the_exit_code_arrives(start, code):
    assert ended(start("bash", "-c", f"exit {code}")) == code


@pytest.mark.smoke
def test_both_streams_are_kept_apart_and_in_order(start):
    container = start("bash", "-c", "for i in 1 2 3; do echo out $i; echo err $i >&2; done")
    ended(container)

    assert container.logs(stdout=True, stderr=False) == b"out 1\nout 2\nout 3\n"
    assert container.logs(stdout=False, stderr=True) == b"err 1\nerr 2\nerr 3\n"


def test_ten_thousand_lines_lose_none(start):
    container = start("python", "-c", "for n in range(10000): print('line', n)")
    ended(container)

    lines = container.logs(stdout=True, stderr=False).decode().splitlines()
    assert lines == [f"line {number}" for number in range(10_000)]


def test_bytes_that_are_no_text_are_replaced_one_by_one(start):
    """Docker keeps logs as JSON."""
    container = start("python", "-c", "import sys; sys.stdout.buffer.write(b'\\xff\\x00\\xfe\\n')")
    ended(container)

    assert container.logs(stdout=True, stderr=False).decode() == "\ufffd\x00\ufffd\n"


@pytest.mark.parametrize(
    "value",
    ["", "plain", 'a "quoted" $HOME \\ größe', "two\nlines", "${not_replaced}", "x" * 100_000],
    ids=["empty", "plain", "special", "lines", "dollar", "long"],
)
def test_variables_arrive_to_the_letter(start, value):
    show = "import os; print(ascii(os.environ['GIVEN']), end='')"
    container = start("python", "-c", show, environment={"GIVEN": value})
    ended(container)

    assert container.logs(stdout=True, stderr=False).decode() == ascii(value)


@pytest.mark.smoke
def test_a_container_over_its_memory_is_told_apart_from_one_that_was_killed(start):
    hungry = start("python", "-c", "x = bytearray(400 << 20)", mem_limit="64m", memswap_limit="64m")
    killed = start("sleep", "60")
    killed.kill("SIGKILL")
    codes = (ended(hungry), ended(killed))
    hungry.reload()
    killed.reload()

    assert codes == (137, 137)
    assert hungry.attrs["State"]["OOMKilled"] is True
    assert killed.attrs["State"]["OOMKilled"] is False


def test_memory_and_processors_are_limited_as_asked(start):
    container = start("sleep", "60", mem_limit="96m", nano_cpus=500_000_000)
    container.reload()

    assert container.attrs["HostConfig"]["Memory"] == 96 << 20
    assert container.attrs["HostConfig"]["NanoCpus"] == 500_000_000
    assert container.stats(stream=False)["memory_stats"]["limit"] == 96 << 20


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGKILL", 137)])
def test_a_signal_ends_a_container_as_shells_count_it(start, name, code):
    sleeps = "import time; print('up', flush=True); time.sleep(60)"
    container = start("python", "-c", sleeps, init=True)
    while b"up" not in container.logs():
        time.sleep(0.05)
    container.kill(name)

    # Python turns SIGINT into an exception of its own, and its end into the signal again.
    assert ended(container) == code


def test_stopping_gives_time_to_end_and_then_ends(start):
    polite = start(
        "bash", "-c", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.1; done"
    )
    stubborn = start("bash", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    while b"up" not in polite.logs():
        time.sleep(0.05)
    polite.stop(timeout=20)
    stubborn.stop(timeout=1)

    assert (ended(polite), polite.logs()) == (3, b"up\nbye\n")
    assert ended(stubborn) == 137


def test_an_image_that_is_not_there_is_one_clear_error(client):
    import docker

    with pytest.raises(docker.errors.ImageNotFound, match="no-such-image"):
        client.containers.create("metaflow-extras/no-such-image:1")


def test_a_program_that_is_not_in_the_image_is_one_clear_error(start):
    import docker

    with pytest.raises(docker.errors.APIError, match="no-such-program"):
        start("no-such-program")


def test_files_are_shared_through_a_folder(start, tmp_path):
    (tmp_path / "in").write_text("größe", encoding="utf-8")
    volumes = {str(tmp_path): {"bind": "/shared", "mode": "rw"}}
    copied = ended(start("bash", "-c", "cp /shared/in /shared/out", volumes=volumes))

    assert copied == 0
    assert (tmp_path / "out").read_text(encoding="utf-8") == "größe"


def test_eight_containers_at_once_keep_their_own_output(start):
    def one(number):
        container = start("bash", "-c", f"sleep 0.2; echo {number}; exit {number}")
        return ended(container), container.logs(stdout=True, stderr=False).decode().strip()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, range(8)))

    assert found == [(number, str(number)) for number in range(8)]


def test_what_a_task_imports_is_in_the_image(start):
    container = start("python", "-c", "import boto3, numpy, pandas, requests; print('there')")

    assert ended(container) == 0
    assert container.logs(stdout=True, stderr=False) == b"there\n"


def test_the_report_knows_the_daemon(backend, client):
    assert backend.running.versions["docker"] == client.version()["Version"]
    assert backend.running.provider in {"own", "running"}
    assert backend.backend.health(backend.running).alive
