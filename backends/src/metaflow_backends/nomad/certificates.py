"""Certificates for one start: an authority, and one certificate each for agents and users."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIFETIME = dt.timedelta(days=30)
# A clock that is set back an hour, e.g. in a container, must not make them invalid.
SLACK = dt.timedelta(hours=1)
AGENT_NAMES = ("server.global.nomad", "client.global.nomad", "localhost")


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key (mode 0600), both as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """What a cluster with mutual TLS needs."""

    ca: Path
    agent: Pair
    user: Pair

    @classmethod
    def below(cls, folder: Path) -> Certificates:
        """Name the files in this folder, whether they exist or not."""
        agent = Pair(folder / "agent.pem", folder / "agent-key.pem")
        user = Pair(folder / "user.pem", folder / "user-key.pem")
        return cls(ca=folder / "ca.pem", agent=agent, user=user)


def make(folder: Path, addresses: Sequence[str]) -> Certificates:
    """Make an authority and what it signs; the authority's own key is never written."""
    from cryptography.hazmat.primitives.asymmetric import ec

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Certificates.below(folder)
    authority = ec.generate_private_key(ec.SECP256R1())
    root = _sign("metaflow-backends", authority, authority, None, ())
    _write(made.ca, _pem(root))
    for pair, names in ((made.agent, (*AGENT_NAMES, *addresses)), (made.user, ("user",))):
        key = ec.generate_private_key(ec.SECP256R1())
        _write(pair.key, _pem_of_key(key))
        _write(pair.certificate, _pem(_sign(names[0], key, authority, root, names)))
    return made


def _sign(name: str, key: Any, authority: Any, root: Any, names: Sequence[str]) -> Any:  # noqa: ANN401 - of cryptography, imported late
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(root.subject if root else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + LIFETIME)
    )
    for extension, critical in _extensions(key, authority, names, root=root is None):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(authority, hashes.SHA256())


def _extensions(key: Any, authority: Any, names: Sequence[str], *, root: bool) -> list[Any]:  # noqa: ANN401 - of cryptography, imported late
    """List what OpenSSL 3 with strict checks (Python 3.13) wants to see as well as Go."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    identifiers = [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False),
        (x509.BasicConstraints(ca=root, path_length=0 if root else None), True),
        (_key_usage(root=root), True),
    ]
    if root:
        return identifiers
    usages = [Usage.SERVER_AUTH, Usage.CLIENT_AUTH]
    alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
    return [*identifiers, (x509.ExtendedKeyUsage(usages), False), (alternatives, False)]


def _key_usage(*, root: bool) -> Any:  # noqa: ANN401 - of cryptography, imported late
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=root,
        crl_sign=root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> Any:  # noqa: ANN401 - of cryptography, imported late
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: Any) -> bytes:  # noqa: ANN401 - of cryptography, imported late
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.PEM))


def _pem_of_key(key: Any) -> bytes:  # noqa: ANN401 - of cryptography, imported late
    from cryptography.hazmat.primitives import serialization as serial

    return bytes(
        key.private_bytes(serial.Encoding.PEM, serial.PrivateFormat.PKCS8, serial.NoEncryption())
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file that nobody else can read at any moment."""
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(target, "wb") as stream:
        stream.write(content)
