from __future__ import annotations

import ssl
import stat
from contextlib import suppress

import pytest
from cryptography import x509
from metaflow_backends.nomad import certificates


@pytest.fixture
def made(tmp_path):
    return certificates.make(tmp_path / "secrets", ["127.0.0.1", "10.1.2.3"])


def _names(path):
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def test_an_agent_proves_its_role_and_its_addresses(made):
    expected = ["server.global.nomad", "client.global.nomad", "localhost", "127.0.0.1", "10.1.2.3"]

    assert expected == _names(made.agent.certificate)


def test_a_user_cannot_pass_for_an_agent(made):
    assert _names(made.user.certificate) == ["user"]


def test_nobody_else_can_read_what_was_made(made):
    folder = made.ca.parent

    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_authoritys_key_is_not_kept(made):
    keys = [path for path in made.ca.parent.iterdir() if b"PRIVATE KEY" in path.read_bytes()]

    assert {made.agent.key, made.user.key} == set(keys)


def test_python_takes_the_chain_with_strict_checks(made):
    """Python 3.13 verifies so by default."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.agent.certificate, made.agent.key)
    client = ssl.create_default_context(cafile=str(made.ca))
    client.verify_flags |= ssl.VERIFY_X509_STRICT

    ends = [ssl.MemoryBIO() for _ in range(2)]
    said = client.wrap_bio(ends[0], ends[1], server_hostname="10.1.2.3")
    heard = server.wrap_bio(ends[1], ends[0], server_side=True)
    for _ in range(3):
        for end in (said, heard):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()

    assert said.getpeercert()["subject"] == ((("commonName", "server.global.nomad"),),)
