"""What every Nomad promises that steps run on: real jobs through the real HTTP API.

Each fact was seen on Nomad 1.11.2 before it was asserted; docs/backends/nomad.md lists them.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import replace

import pytest
from metaflow_backends.nomad import Agent, Api, NomadError, jobs, manager

pytestmark = [pytest.mark.backends("nomad"), pytest.mark.timeout(180)]
DRIVERS = ["raw_exec", "exec", "docker"]
every_driver = pytest.mark.parametrize("driver", DRIVERS)
SLEEPER = ["sleep", "300"]


@pytest.fixture
def api(backend):
    return Api.of(backend.environment)


@pytest.fixture
def owner(backend):
    return manager(backend.running)


@pytest.fixture
def submit(api, backend, owner):
    """Register a job that runs one task; it is purged at the end of the test."""
    names = []

    def register(driver, argv, **fields):
        names.append(f"contract-{secrets.token_hex(4)}")
        if driver == "docker":
            config = {"image": backend.running.details["image"], **fields.pop("config", {})}
        else:
            config = fields.pop("config", {})
        job = fields.pop("job", {})
        task = {**jobs.command(driver, argv, **config), **fields}
        api.register(jobs.batch(names[-1], task, **job))
        return names[-1]

    yield register
    for name in names:
        owner.stop(name, purge=True)


def events(allocation):
    return {event["Type"]: event for event in allocation["TaskStates"]["step"]["Events"]}


def running(allocation):
    return allocation["ClientStatus"] == "running"


def output(api, allocation, stream="stdout"):
    return api.log(allocation["ID"], "step", stream)


@pytest.mark.smoke
@every_driver
@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_arrives(api, submit, driver, code):
    allocation = api.ended(submit(driver, ["sh", "-c", f"exit {code}"]))

    assert events(allocation)["Terminated"]["Details"]["exit_code"] == str(code)
    assert allocation["ClientStatus"] == ("failed" if code else "complete")


@pytest.mark.smoke
@every_driver
def test_both_streams_are_kept_apart(api, submit, driver):
    """The docker driver loses the output of a task that ends at once: it gets a moment."""
    script = "printf 'a\\n\\nb\\n'; printf 'wrong\\n' >&2; sleep 1"

    allocation = api.ended(submit(driver, ["sh", "-c", script]))

    assert output(api, allocation) == b"a\n\nb\n"
    assert output(api, allocation, "stderr") == b"wrong\n"


@pytest.mark.parametrize("driver", ["raw_exec", "exec"])
def test_output_is_kept_byte_for_byte(api, submit, driver):
    """Not by docker: it makes a byte that is no UTF-8 U+FFFD, and drops an unended last line."""
    allocation = api.ended(submit(driver, ["sh", "-c", r"printf 'a\377\n\nb'"]))

    assert output(api, allocation) == b"a\xff\n\nb"


@every_driver
def test_output_is_there_while_the_task_runs(api, submit, driver):
    allocation = api.allocation(submit(driver, ["sh", "-c", "echo early; sleep 300"]), running)
    deadline = time.monotonic() + 10
    while not (seen := output(api, allocation)) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert seen == b"early\n"


OUT_OF_MEMORY = {
    # raw_exec cannot be told from a kill by somebody: the event does not say it.
    "raw_exec": {"exit_code": "137", "signal": "9", "oom_killed": "false"},
    "exec": {"exit_code": "137", "signal": "9", "oom_killed": "true"},
    "docker": {"exit_code": "137", "signal": "0", "oom_killed": "true"},
}


@pytest.mark.smoke
@every_driver
def test_a_task_that_takes_too_much_memory_is_killed(api, submit, driver):
    expected = OUT_OF_MEMORY[driver]

    allocation = api.ended(submit(driver, ["tail", "/dev/zero"]))
    details = events(allocation)["Terminated"]["Details"]

    assert expected == {name: details[name] for name in expected}


@every_driver
def test_the_memory_limit_is_the_one_that_was_asked_for(api, submit, driver):
    path = {
        "raw_exec": "/sys/fs/cgroup/memory/nomad/$NOMAD_ALLOC_ID.step",
        "exec": "/sys/fs/cgroup/memory/nomad/$NOMAD_ALLOC_ID.step",
        "docker": "/sys/fs/cgroup/memory",
    }[driver]
    read = f"cat {path}/memory.limit_in_bytes; sleep 1"
    if driver == "exec":
        read = "echo $((NOMAD_MEMORY_LIMIT * 1048576)); sleep 1"  # its chroot shows no groups

    allocation = api.ended(submit(driver, ["sh", "-c", read]))

    assert output(api, allocation) == b"67108864\n"


@pytest.mark.smoke
@every_driver
def test_a_stopped_job_ends_and_says_so(api, submit, driver):
    name = submit(driver, SLEEPER, KillTimeout=jobs.SECOND)
    api.allocation(name, running)

    api.stop(name)
    allocation = api.ended(name)

    assert allocation["ClientStatus"] == "complete"  # and not "failed": look at what was desired
    assert allocation["DesiredStatus"] == "stop"
    assert allocation["DesiredDescription"] == "alloc not needed due to job update"


def test_a_purged_job_is_gone_with_its_logs(api, submit):
    name = submit("raw_exec", SLEEPER)
    allocation = api.allocation(name, running)

    api.stop(name, purge=True)

    with pytest.raises(NomadError) as caught:
        api.get(f"/job/{name}")
    assert (caught.value.status, caught.value.text) == (404, "job not found")
    with pytest.raises(NomadError) as caught:
        output(api, allocation)
    assert caught.value.status == 404


@pytest.mark.smoke
def test_a_second_registration_makes_no_second_task(api, submit):
    name = submit("raw_exec", SLEEPER)
    api.allocation(name, running)

    with pytest.raises(NomadError) as caught:
        api.register(jobs.batch(name, jobs.command("raw_exec", SLEEPER)))

    assert caught.value.status == 500
    assert caught.value.text == "Enforcing job modify index 0: job already exists"
    assert len(api.allocations(name)) == 1


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"ID": "a b"}, "Job ID contains a space"),
        ({"Namespace": "nons"}, "nonexistent namespace"),
        ({"NodePool": "nopool"}, "nonexistent node pool"),
    ],
    ids=["name", "namespace", "pool"],
)
def test_a_job_that_cannot_be_is_refused_in_words(owner, fields, text):
    with pytest.raises(NomadError) as caught:
        owner.register({**jobs.batch("x", jobs.command("raw_exec", ["true"])), **fields})

    assert caught.value.status == 500  # a validation error is no 400: decide by the text
    assert text in caught.value.text


def placement(api, name):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for evaluation in api.get(f"/job/{name}/evaluations"):
            if failed := evaluation.get("FailedTGAllocs"):
                return failed["step"]
        time.sleep(0.1)
    raise AssertionError("it was placed")


def test_a_job_without_room_is_queued_and_says_for_what(api, submit):
    told = placement(api, submit("raw_exec", ["true"], Resources={"CPU": 100, "MemoryMB": 9**8}))

    assert list(told["DimensionExhausted"]) == ["memory"]
    assert told["NodesFiltered"] == 0


def test_a_driver_that_no_node_has_filters_every_node(api, submit):
    told = placement(api, submit("podman", ["true"]))

    assert told["ConstraintFiltered"] == {"missing drivers": told["NodesEvaluated"]}


def test_a_datacenter_that_is_not_there_leaves_no_node_to_look_at(api, submit):
    told = placement(api, submit("raw_exec", ["true"], job={"Datacenters": ["nowhere"]}))

    assert told["NodesEvaluated"] == 0


@pytest.mark.slow  # a registry that cannot be reached is tried for long
def test_an_image_that_is_missing_is_a_driver_failure(api, submit):
    name = submit("docker", ["true"], config={"image": "nobody/has-this:1"})

    failure = events(api.ended(name))["Driver Failure"]

    assert "Failed to pull `nobody/has-this:1`" in failure["DisplayMessage"]


def test_a_program_that_is_missing_is_a_driver_failure(api, submit):
    allocation = api.ended(submit("raw_exec", ["/no/such/program"]))

    assert "Driver Failure" in events(allocation)


HOSTILE = [
    "${HOME}", "%{if true}", "$${x}", "${T:0:26}", "a'b\"c\\d", "line\nbreak", "", "é☃𝄞",
    "${METAFLOW_INIT_SCRIPT:+x}", "<<EOF\n${x}\nEOF", "`id`", "$(id)", "x" * 30_000,
]  # fmt: skip


@pytest.mark.smoke
@every_driver
def test_hostile_words_arrive_as_they_are(api, submit, driver):
    # Docker keeps back a last line without an end, and may lose it.
    script = 'for word in "$@"; do printf "%s\\0" "$word"; done; echo; sleep 1'

    allocation = api.ended(submit(driver, ["sh", "-c", script, "sh", *HOSTILE]))

    assert output(api, allocation).decode().split("\0") == [*HOSTILE, "\n"]


def test_a_setting_is_not_escaped(api, submit):
    """`Env` has no escape: what Nomad does not know stays, a doubled `$` would stay doubled."""
    expected = "${HOME} %{x} $${y}"

    allocation = api.ended(submit("raw_exec", ["sh", "-c", 'printf %s "$V"'], Env={"V": expected}))

    assert output(api, allocation).decode() == expected


@pytest.mark.smoke
@every_driver
def test_the_keys_of_the_datastore_reach_a_job_and_are_not_in_it(api, submit, backend, driver):
    """The job holds the path of a Variable alone."""
    details = backend.running.details
    secret = details["store"]["secret_key"]
    script = 'printf "%s\\n" "$AWS_SECRET_ACCESS_KEY"; sleep 1'

    name = submit(driver, ["sh", "-c", script], **jobs.with_variable(details["variable"]))
    allocation = api.ended(name)

    assert output(api, allocation).decode() == f"{secret}\n"
    assert secret not in json.dumps(api.get(f"/job/{name}"))
    assert secret not in json.dumps(api.get(f"/allocation/{allocation['ID']}"))


@pytest.mark.slow
def test_a_variable_that_is_missing_leaves_the_task_waiting_and_says_so(api, submit):
    name = submit("raw_exec", ["true"], **jobs.with_variable("nomad/jobs/nobody"))

    def told(allocation):
        states = allocation.get("TaskStates") or {}
        return "Template" in {e["Type"] for e in states.get("step", {}).get("Events", ())}

    allocation = api.allocation(name, told)

    assert allocation["ClientStatus"] == "pending"
    assert (
        "Missing: nomad.var.block(nomad/jobs/nobody@default.global)"
        in (events(allocation)["Template"]["DisplayMessage"])
    )


def test_a_task_of_exec_sees_its_own_root_and_is_nobody(api, submit, backend):
    script = f"id -u; ls -d {backend.running.details['home']} 2>&1; sleep 1"

    allocation = api.ended(submit("exec", ["sh", "-c", script]))
    first, second = output(api, allocation).decode().splitlines()

    assert first == "65534"
    assert "No such file or directory" in second


@pytest.mark.faults
@pytest.mark.parametrize(
    "driver",
    ["docker", "raw_exec", pytest.param("exec", marks=pytest.mark.slow)],  # as raw_exec, in a root
)
def test_a_task_lives_on_while_its_agent_is_killed_and_started_again(
    api, submit, backend, owner, driver
):
    """All lines arrive and the exit code is right."""
    script = "for n in $(seq 40); do echo $n; sleep 0.2; done; exit 5"
    name = submit(driver, ["sh", "-c", script])
    allocation = api.allocation(name, running)
    (node,) = [n["Name"] for n in owner.get("/nodes") if n["ID"] == allocation["NodeID"]]
    agent = Agent.of(backend.running.details, node)

    agent.kill()
    time.sleep(1)
    agent.start()
    allocation = api.ended(name, 90)

    assert events(allocation)["Terminated"]["Details"]["exit_code"] == "5"
    assert output(api, allocation).split() == [str(n).encode() for n in range(1, 41)]


def _status(api):
    try:
        api.get("/status/leader")
    except NomadError as error:
        return error.status
    return 200


def test_the_hundred_and_first_connection_is_refused(api):
    """Nomad's own default, kept: what holds here holds on a cluster of others."""
    held = [replace(api, timeout=5.0) for _ in range(101)]

    codes = [_status(one) for one in held]
    for one in held:
        one._session.close()

    assert 429 in codes
    assert codes.count(200) >= 90


def test_there_is_no_key_of_the_caller_in_a_job(api, submit):
    allocation = api.ended(submit("raw_exec", ["env"]))
    names = {line.partition(b"=")[0].decode() for line in output(api, allocation).splitlines()}

    assert {n for n in names if n in os.environ} <= {"PATH", "PWD", "METAFLOW_BACKENDS_OWNER"}
