from __future__ import annotations

from pathlib import Path

import pytest
from metaflow_backends.nomad import configuration
from metaflow_backends.nomad.configuration import Drivers, Gpus, Place, Security

PLACE = Place("one", Path("/home/one"), "10.1.2.3", 4646, 4647, 4648)
SECURE = Security(acl=False, ca=Path("ca"), certificate=Path("cert"), key=Path("key"))


def _client(security=Security(), drivers=Drivers()) -> dict:  # noqa: B008 - both are frozen
    return configuration.client(PLACE, security, drivers, ["10.1.2.2:4647"])


@pytest.mark.parametrize(
    "agent", [configuration.server(PLACE, Security()), _client()], ids=["server", "client"]
)
def test_an_agent_listens_at_its_place_alone_and_keeps_its_state(agent):
    expected = {
        "name": "one",
        "data_dir": "/home/one",
        "region": "global",
        "datacenter": "dc1",
        "bind_addr": "10.1.2.3",
        "advertise": {"http": "10.1.2.3", "rpc": "10.1.2.3", "serf": "10.1.2.3"},
        "ports": {"http": 4646, "rpc": 4647, "serf": 4648},
        "log_level": "INFO",
        "disable_update_check": True,
        "acl": {"enabled": False},
    }

    assert expected == {k: v for k, v in agent.items() if k not in {"server", "client", "plugin"}}


def test_a_server_is_no_client_and_a_client_no_server():
    assert "client" not in configuration.server(PLACE, Security())
    assert "server" not in _client()


@pytest.mark.parametrize(("clients", "grace"), [(1, "10s"), (3, "2s")])
def test_an_only_client_has_time_to_take_up_what_it_ran(clients, grace):
    settings = configuration.server(PLACE, Security(), clients=clients)["server"]

    assert settings["heartbeat_grace"] == grace
    assert settings["min_heartbeat_ttl"] == "2s"


def test_the_connection_limits_are_nomads_own():
    """What a flow meets on a cluster of others it must meet here: 100 connections, then 429."""
    assert "limits" not in configuration.server(PLACE, Security())
    assert "limits" not in _client()


def test_images_and_containers_of_others_are_left_alone():
    expected = {"image": False, "dangling_containers": [{"enabled": False}]}

    plugins = _client(drivers=Drivers(docker="unix:///d.sock"))["plugin"]
    (config,) = plugins["docker"][0]["config"]

    assert [expected] == config["gc"]
    assert config["endpoint"] == "unix:///d.sock"
    assert config["allow_privileged"] is False


@pytest.mark.parametrize(
    ("drivers", "denied", "plugins"),
    [
        (Drivers(), "qemu,java,docker", {"raw_exec"}),
        (Drivers(docker="unix:///d.sock"), "qemu,java", {"raw_exec", "docker"}),
    ],
    ids=["without docker", "with docker"],
)
def test_a_driver_that_cannot_work_is_not_looked_for(drivers, denied, plugins):
    client = _client(drivers=drivers)

    assert denied == client["client"]["options"]["driver.denylist"]
    assert plugins == set(client["plugin"])


def test_no_cloud_is_asked_who_we_are():
    """The fingerprint of AWS ends the agent if AWS_CA_BUNDLE is set."""
    denied = _client()["client"]["options"]["fingerprint.denylist"].split(",")

    assert {"env_aws", "env_gce", "env_azure", "consul", "vault"} <= set(denied)


@pytest.mark.parametrize(
    ("chroot", "expected"),
    [((), None), ((Path("/base"), Path("/task")), {"/base": "/", "/task": "/"})],
    ids=["default", "ours"],
)
def test_tasks_of_exec_see_the_chroot_that_is_given(chroot, expected):
    assert expected == _client(drivers=Drivers(chroot=chroot))["client"].get("chroot_env")


def test_tls_is_mutual_and_checks_who_is_a_server():
    expected = {
        "http": True,
        "rpc": True,
        "ca_file": "ca",
        "cert_file": "cert",
        "key_file": "key",
        "verify_server_hostname": True,
        "verify_https_client": True,
    }

    assert expected == configuration.server(PLACE, SECURE)["tls"]
    assert expected == _client(SECURE)["tls"]
    assert "tls" not in configuration.server(PLACE, Security())


def test_acls_are_on_only_where_wanted():
    assert configuration.server(PLACE, Security(acl=True))["acl"] == {"enabled": True}


def test_cards_that_are_not_there_come_from_a_plugin_and_need_no_runtime():
    drivers = Drivers(docker="unix:///run/d.sock", gpus=Gpus(2, Path("/tools/fake-gpu")))

    client = _client(drivers=drivers)

    assert client["plugin_dir"] == "/tools/fake-gpu"
    assert client["plugin"]["fake-gpu"] == [{"config": [{"count": 2}]}]
    assert client["plugin"]["docker"][0]["config"][0]["nvidia_runtime"] == "runc"
    assert "plugin_dir" not in _client()
