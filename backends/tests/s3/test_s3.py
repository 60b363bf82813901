"""The S3 store: what Metaflow asks of it, what is wrong in one line, and nothing left."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from metaflow_backends.errors import BackendError
from metaflow_backends.host.ports import listening
from metaflow_backends.launch import bring_up, take_down
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Settings
from metaflow_backends.s3 import S3, Store, server, store
from metaflow_backends.spawning import end_all, stop
from metaflow_backends.state import Folder

pytestmark = pytest.mark.timeout(120)
SETTINGS = Settings(name="s3", start_timeout=60.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("store")
    owner = Ownership.of(home)
    made = Store.start(home, owner=owner, timeout=60.0)
    yield made
    end_all(owner.tagged(), grace=1.0)


def test_a_conditional_create_has_exactly_one_winner(made):
    s3 = made.client()
    s3.put_object(Bucket=made.bucket, Key="once", Body=b"first", IfNoneMatch="*")

    with pytest.raises(s3.exceptions.ClientError, match="Precondition"):
        s3.put_object(Bucket=made.bucket, Key="once", Body=b"second", IfNoneMatch="*")

    assert s3.get_object(Bucket=made.bucket, Key="once")["Body"].read() == b"first"


def test_more_than_a_page_of_keys_is_listed_whole(made):
    s3 = made.client()
    keys = [f"page/{number:04}" for number in range(1100)]
    for key in keys:
        s3.put_object(Bucket=made.bucket, Key=key, Body=b"")

    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=made.bucket, Prefix="page/")

    assert [found["Key"] for page in pages for found in page["Contents"]] == keys


def test_nobody_gets_in_without_the_key(made):
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    anonymous = boto3.client("s3", endpoint_url=made.endpoint, region_name="us-east-1",
                             config=Config(signature_version=UNSIGNED, proxies={}))  # fmt: skip

    with pytest.raises(anonymous.exceptions.ClientError, match="AccessDenied"):
        anonymous.list_objects_v2(Bucket=made.bucket)


def test_a_missing_bucket_is_one_line_within_seconds(made):
    gone = Store(made.endpoint, made.access_key, made.secret_key, made.process, "no-such-bucket")
    began = time.monotonic()

    health = gone.health()

    assert not health.alive
    assert health.reason.startswith(f"{made.endpoint}: bucket 'no-such-bucket': ")
    assert "\n" not in health.reason
    assert time.monotonic() - began < 10


def test_settings_of_the_callers_own_aws_do_not_get_in(tmp_path, monkeypatch):
    """A CA bundle that is not there, a proxy, and keys of somebody else."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/no/such/bundle.pem")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-else")
    folder = Folder.of(tmp_path, "s3")
    with folder.lock(10):
        state = bring_up(S3(), SETTINGS, folder)
        health = S3().health(state.running)
        take_down(state, folder, S3())

    assert health.alive, health.reason
    assert state.running.environment["AWS_CA_BUNDLE"] is None
    assert state.running.environment["http_proxy"] is None
    assert state.running.environment["AWS_ACCESS_KEY_ID"] != "somebody-else"


def test_the_store_of_one_start_is_gone_after_it(tmp_path):
    folder = Folder.of(tmp_path, "s3")
    with folder.lock(10):
        state = bring_up(S3(), SETTINGS, folder)
        take_down(state, folder, S3())

    port = int(state.running.endpoints["s3"].rpartition(":")[2])
    assert not listening("127.0.0.1", port)
    assert Ownership.of(folder.home_of(state)).tagged() == ()
    assert not S3().health(state.running).alive


def test_stores_of_two_checkouts_start_at_once_and_share_nothing(tmp_path):
    homes = [tmp_path / name / "home" for name in ("one", "two")]
    owners = [Ownership.of(home) for home in homes]
    with ThreadPoolExecutor(2) as pool:
        starting = [
            pool.submit(Store.start, home, owner=owner, timeout=60.0)
            for home, owner in zip(homes, owners, strict=True)
        ]
        one, two = (start.result() for start in starting)
    one.client().put_object(Bucket=one.bucket, Key="mine", Body=b"1")
    found = two.client().list_objects_v2(Bucket=two.bucket)["KeyCount"]
    foreign = Store(two.endpoint, one.access_key, one.secret_key, two.process, two.bucket)
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        foreign.client().list_objects_v2(Bucket=two.bucket)
    for owner in owners:
        end_all(owner.tagged(), grace=1.0)

    assert found == 0
    assert one.endpoint != two.endpoint
    assert [owner.tagged() for owner in owners] == [(), ()]


def test_a_port_that_is_taken_meanwhile_is_left_to_whoever_has_it(home, monkeypatch):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        real, calls = store.free_ports, []

        def first_taken(address, count):
            calls.append(count)
            ports = real(address, count)
            return (*ports[:-2], taken, ports[-1]) if len(calls) == 1 else ports

        monkeypatch.setattr(store, "free_ports", first_taken)
        owner = Ownership.of(home)
        made = Store.start(home, owner=owner, timeout=60.0)
        health = made.health()
        stop(made.process, 1.0)

    assert len(calls) == 2
    assert health.alive


def test_a_taken_port_is_seen_however_much_is_said_after_it(home, monkeypatch):
    real, died = store.wait_healthy, []

    def once(check, timeout, log, process):
        if died:
            return real(check, timeout, log, process)
        died.append(process)
        with log.open("a") as stream:
            stream.write("bind: address already in use\n" + "goroutine 7 [running]\n" * 200)
        raise BackendError("ended before it answered")

    monkeypatch.setattr(store, "wait_healthy", once)
    made = Store.start(home, owner=Ownership.of(home), timeout=60.0)
    health = made.health()
    stop(made.process, 1.0)

    assert died
    assert health.alive


def test_a_server_that_does_not_come_up_says_why(home, monkeypatch):
    monkeypatch.setattr(server, "arguments", lambda *_: ["no-such-command"])

    with pytest.raises(BackendError, match="no-such-command"):
        Store.start(home, owner=Ownership.of(home), timeout=60.0)


@pytest.mark.parametrize("lacking", ["boto3", "requests"])
def test_a_missing_library_is_named_with_its_cure(monkeypatch, lacking):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == lacking else real(name)
    )

    probe = S3().probe(SETTINGS)

    assert probe.reason == f"{lacking} cannot be imported"
    assert probe.cure == "pip install 'metaflow-backends[devstack]'"
