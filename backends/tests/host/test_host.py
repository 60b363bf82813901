"""What a machine is and allows; namespaces and groups are real ones."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from metaflow_backends.errors import BackendError
from metaflow_backends.host import cgroups, clean, packages, traps
from metaflow_backends.host.commands import run
from metaflow_backends.host.ground import NAMESPACES, NETWORKS, Ground, free_subnet
from metaflow_backends.host.ports import free_ports, listening
from metaflow_backends.identity import identify, is_running
from metaflow_backends.toolchain.building import go_version


@pytest.fixture
def ground(tmp_path):
    ground = Ground(f"{abs(hash(str(tmp_path))):x}"[:12])
    yield ground
    ground.remove()


@pytest.mark.usefixtures("nothing_left")
def test_a_ground_reaches_the_machine_and_is_reached_and_goes_without_a_trace():
    ground = Ground("0123456789ab")
    ground.make()
    ground.make()
    address, gateway = ground.address, ground.gateway
    (port,) = free_ports(gateway, 1)
    serve = f"import socket; s = socket.create_server(('{gateway}', {port})); s.accept()"
    server = subprocess.Popen([sys.executable, "-c", serve])
    try:
        ask = f"import socket; socket.create_connection(('{gateway}', {port}), 10)"
        run(["sh", "-c", "sleep 1"], timeout=5)
        run(ground.enter([sys.executable, "-c", ask]), timeout=20)
        seen = run(ground.enter(["ip", "-br", "addr"]), timeout=10)
    finally:
        server.kill()
        server.wait()
    ground.remove()
    ground.remove()

    assert address in seen
    assert "eth0" not in seen
    assert not (NAMESPACES / ground.name).exists()


def test_control_groups_are_seen_from_inside_a_ground(ground):
    ground.make()

    listed = run(ground.enter(["ls", "/sys/fs/cgroup"]), timeout=10)

    assert {path.name for path in Path("/sys/fs/cgroup").iterdir()} == set(listed.split())


def test_what_is_mounted_in_a_ground_with_mounts_of_its_own_stays_there(ground, tmp_path):
    ground.make()
    mount = f"mount -t tmpfs none {tmp_path} && grep -c {tmp_path} /proc/self/mountinfo"

    inside = run(ground.enter(["sh", "-c", mount], own_mounts=True), timeout=10)

    assert inside.strip() == "1"
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_a_ground_that_was_not_made_has_no_address():
    with pytest.raises(BackendError, match="mx-nowhere has no link to this machine"):
        _ = Ground("nowhere").address


def test_a_subnet_overlaps_none_that_is_in_use():
    first = free_subnet("a", ())
    second = free_subnet("a", (first,))
    third = free_subnet("a", (ipaddress.ip_network("10.200.0.0/14"),))

    assert free_subnet("a", ()) == first
    assert not first.overlaps(second)
    assert third.subnet_of(ipaddress.ip_network("10.204.0.0/14"))
    with pytest.raises(BackendError, match="every address of"):
        free_subnet("a", NETWORKS)


def test_where_a_company_has_all_addresses_of_ten_others_are_taken():
    company = ipaddress.IPv4Network("10.0.0.0/8")

    found = free_subnet("a", (company,))

    assert found.subnet_of(NETWORKS[1])
    assert not found.overlaps(company)


def test_two_who_make_a_ground_at_once_get_the_same_whole_one(ground):
    """Nomad's clients and their Docker daemon stand on one."""
    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(ground.make) for _ in range(2)]
        for one in made:
            one.result()

    assert ground.address in run(ground.enter(["ip", "-br", "addr"]), timeout=10)


def test_a_ground_that_was_only_half_made_is_made_anew(ground):
    run(["ip", "netns", "add", ground.name], timeout=10)

    ground.make()

    assert ground.address in run(ground.enter(["ip", "-br", "addr"]), timeout=10)


def test_a_group_ends_with_all_that_is_in_it():
    name = "mx-test-group"
    cgroups.make(name)
    child = subprocess.Popen(["sleep", "60"])
    for group in cgroups.find(name):
        (group / "cgroup.procs").write_text(str(child.pid))
    process = identify(child.pid)
    inside = cgroups.members(name)

    cgroups.end(name)
    child.wait()

    assert [found.pid for found in inside] == [child.pid]
    assert not is_running(process)
    assert cgroups.find(name) == ()


def test_groups_of_version_two_are_one_tree(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    (tmp_path / "cgroup.procs").write_text("")
    cgroups.make("ours", root=tmp_path)
    (tmp_path / "ours/below").mkdir()

    assert cgroups.find("ours", root=tmp_path) == (tmp_path / "ours",)
    assert cgroups.members("ours", root=tmp_path) == ()
    cgroups.end("ours", root=tmp_path)
    assert cgroups.find("ours", root=tmp_path) == ()


def test_what_would_mislead_a_daemon_is_taken_out(monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", "/x")
    monkeypatch.setenv("HTTPS_PROXY", "http://x")
    monkeypatch.setenv("KUBECONFIG", "/x")
    monkeypatch.setenv("HARMLESS", "1")

    overlay = clean.environment({"EXTRA": "2"})
    whole = clean.whole({"EXTRA": "2"})

    assert {n: overlay[n] for n in ("AWS_CA_BUNDLE", "HTTPS_PROXY", "KUBECONFIG", "EXTRA")} == {
        "AWS_CA_BUNDLE": None, "HTTPS_PROXY": None, "KUBECONFIG": None, "EXTRA": "2",
    }  # fmt: skip
    assert whole["HARMLESS"] == "1"
    assert not {"AWS_CA_BUNDLE", "HTTPS_PROXY", "KUBECONFIG"} & whole.keys()


def test_packages_that_are_there_are_not_missing():
    assert packages.missing(["util-linux", "no-such-package-anywhere"]) == (
        "no-such-package-anywhere",
    )
    assert packages.cure(["a", "b"]) == "apt-get install -y --no-install-recommends a b"


def test_only_root_installs_packages(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(BackendError, match="only root can install packages: sudo apt-get install"):
        packages.install(["no-such-package-anywhere"], print)


COMMANDS = {
    "not there": (["no-such-program"], "there is no program no-such-program on PATH"),
    "too long": (["sleep", "30"], "sleep 30: did not end within 0.2 s"),
    "fails": (["sh", "-c", "echo a; echo b >&2; exit 3"], "exit code 3: b"),
}


@pytest.mark.parametrize(("argv", "said"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_goes_wrong_says_how(argv, said):
    with pytest.raises(BackendError, match=said):
        run(argv, timeout=0.2 if argv[0] == "sleep" else 20)


def test_ports_are_different_and_nobody_listens_on_them():
    ports = free_ports("127.0.0.1", 8)

    assert len(set(ports)) == 8
    assert not any(listening("127.0.0.1", port) for port in ports)


GOOD = traps.Machine(
    root=True,
    capabilities=1 << traps.CAP_SYS_RESOURCE,
    cgroups="v2",
    environment={"PATH": "/bin", "no_proxy": "*"},
    free=100 << 30,
    inotify=8192,
    docker_socket=True,
    docker_answers=True,
    overlay=True,
    bridged=True,
    unwritable=(),
    go="1.26.8",
)
BAD = {
    "no root": {"root": False},
    "no CAP_SYS_RESOURCE": {"capabilities": 0x1FFFEFFFFFF},
    "control groups v1": {"cgroups": "hybrid"},
    "variables that mislead daemons": {"environment": {"AWS_CA_BUNDLE": "x", "http_proxy": "y"}},
    "little free disk": {"free": 1 << 30},
    "few inotify instances": {"inotify": 128},
    "a Docker socket nobody answers on": {"docker_answers": False},
    "no Go, or an old one": {"go": ""},
    "no overlay file system": {"overlay": False},
    "bridges that pass by the rules": {"bridged": False},
    "folders that cannot be written": {"unwritable": ("/run/metaflow-extras",)},
}


def test_a_good_machine_has_no_traps():
    assert [trap.name for trap in traps.traps(GOOD) if trap.found] == []


@pytest.mark.parametrize(("name", "facts"), BAD.items(), ids=BAD)
def test_each_trap_is_found_where_it_is_and_says_what_helps(name, facts):
    found = [trap for trap in traps.traps(replace(GOOD, **facts)) if trap.found]

    assert [trap.name for trap in found] == [name]
    assert all(trap.why and trap.cure for trap in found)


def test_every_trap_has_a_test():
    assert {trap.name for trap in traps.traps(GOOD)} == set(BAD)


GROUPS = {
    "v1": ("1 2 0:3 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu", "v1"),
    "v2": ("1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", "v2"),
    "hybrid": ("1 2 0:3 / /a rw - cgroup c rw\n1 2 0:3 / /b rw - cgroup2 c rw", "hybrid"),
    "none": ("1 2 0:3 / / rw - ext4 /dev/x rw", "none"),
}


@pytest.mark.parametrize(("mountinfo", "kind"), GROUPS.values(), ids=GROUPS)
def test_the_version_of_control_groups_is_read_off_the_mounts(mountinfo, kind):
    expected = kind

    actual = traps.cgroups(mountinfo)

    assert expected == actual


def test_this_machine_can_be_looked_at():
    assert len(traps.traps()) == len(BAD)


def test_a_folder_on_a_disk_that_is_read_only_is_a_trap(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path)]
    run(command, timeout=10)

    try:
        found = traps.Machine.here().unwritable
    finally:
        run(["umount", str(tmp_path)], timeout=10)

    assert str(tmp_path / "metaflow-extras") in found


def test_an_old_go_is_as_good_as_none(tmp_path, monkeypatch):
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    go_version.cache_clear()

    found = traps.Machine.here().go

    go_version.cache_clear()
    assert found == ""
