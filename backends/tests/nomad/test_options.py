from __future__ import annotations

import pytest
from metaflow_backends.nomad.options import Options, Profile
from metaflow_backends.options import OptionError
from metaflow_backends.protocol import Settings

SOCKET = "unix:///var/run/docker.sock"


def _options(**options) -> Options:
    return Options.of(Settings(name="nomad", options=options))


def test_nothing_has_to_be_said():
    expected = Options(profile=Profile.PLAIN, clients=3, port=None, docker="auto", datastore=True)

    assert expected == _options()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ("client-1",)),
        ({"profile": "acl", "clients": 2}, ("client-1",)),
        ({"profile": "multi"}, ("client-1", "client-2", "client-3")),
        ({"profile": "multi", "clients": 2}, ("client-1", "client-2")),
    ],
    ids=["plain", "acl", "multi", "two"],
)
def test_only_multi_has_several_clients(options, names):
    expected = names

    assert expected == _options(**options).client_names


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"profil": "acl"}, "nomad: unknown option 'profil'; did you mean 'profile'?"),
        ({"profile": "asl"}, "nomad: profile is 'asl'; did you mean 'acl'?"),
        ({"profile": 3}, "nomad: profile is 3; there is: acl, multi, plain, tls"),
        ({"clients": 0}, "nomad: clients is 0, and must be a whole number from 1 to 9"),
        ({"clients": True}, "nomad: clients is True, and must be a whole number from 1 to 9"),
        ({"port": 80}, "nomad: port is 80, and must be a whole number from 1024 to 65535"),
        (
            {"docker": "podman"},
            "nomad: docker is 'podman', and must be auto, none or an address like " + SOCKET,
        ),
        ({"datastore": "no"}, "nomad: datastore is 'no', and must be true or false"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_option_is_named(options, sentence):
    with pytest.raises(OptionError) as caught:
        _options(**options)

    assert sentence == str(caught.value)
