"""The addresses of several clients follow from those of the ground their server stands on."""

from __future__ import annotations

import ipaddress

import pytest
from metaflow_backends.host import ground
from metaflow_backends.nomad import hub


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.200.0.2", "10.224.0.0/28"),
        ("10.200.0.6", "10.224.0.16/28"),
        ("10.207.255.254", "10.255.255.240/28"),
        ("198.18.0.2", "100.64.0.0/28"),
        ("198.19.255.254", "100.71.255.240/28"),
    ],
)
def test_every_ground_has_a_network_for_its_hub_and_no_two_share_one(address, expected):
    actual = hub.network_of(ipaddress.IPv4Address(address))

    assert str(actual) == expected


def test_there_is_room_for_every_ground():
    sizes = [network.num_addresses // hub.SIZE for network in hub.NETWORKS]

    assert sizes == [network.num_addresses // 4 for network in ground.NETWORKS]
