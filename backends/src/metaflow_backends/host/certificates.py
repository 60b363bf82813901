"""Sign certificates for one start of a cluster: an authority, and who takes part."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow_backends.host import private

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIFETIME = dt.timedelta(days=30)
SLACK = dt.timedelta(hours=1)  # a clock that is set back must not make them invalid


@dataclass(frozen=True)
class Subject:
    """Who a certificate speaks for: Kubernetes reads the user and the group out of it."""

    user: str
    group: str = ""
    names: tuple[str, ...] = ()  # host names and addresses, for who also serves


class Authority:
    """Signs certificates; its own key is only written where a program is to sign as well."""

    def __init__(self, folder: Path, name: str = "metaflow-backends") -> None:
        """Make an authority whose files go into `folder` (mode 0700)."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self._key = _new_key()
        self._root = _sign(Subject(name), self._key, self._key, None)
        private.write(folder / "ca.pem", _pem(self._root))

    def certify(self, holder: str, subject: Subject) -> None:
        """Write `<holder>.pem` and `<holder>-key.pem`."""
        key = _new_key()
        private.write(self.folder / f"{holder}-key.pem", _pem_of_key(key))
        made = _sign(subject, key, self._key, self._root)
        private.write(self.folder / f"{holder}.pem", _pem(made))

    def reveal(self) -> None:
        """Write the authority's own key, `ca-key.pem`."""
        private.write(self.folder / "ca-key.pem", _pem_of_key(self._key))


def write_key_pair(folder: Path, holder: str) -> None:
    """Write `<holder>-key.pem` and, without a certificate, the public key `<holder>.pem`."""
    key = _new_key()
    private.write(folder / f"{holder}-key.pem", _pem_of_key(key))
    private.write(folder / f"{holder}.pem", _pem_of_public_key(key))


def _new_key() -> Any:  # noqa: ANN401 - of cryptography, imported late
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _sign(subject: Subject, key: Any, authority: Any, root: Any) -> Any:  # noqa: ANN401 - of cryptography, imported late
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    now = dt.datetime.now(dt.timezone.utc)
    name = _name(subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(root.subject if root else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + LIFETIME)
    )
    for extension, critical in _extensions(key, authority, subject.names, root=root is None):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(authority, hashes.SHA256())


def _name(subject: Subject) -> Any:  # noqa: ANN401 - of cryptography, imported late
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = [x509.NameAttribute(NameOID.COMMON_NAME, subject.user)]
    if subject.group:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject.group))
    return x509.Name(parts)


def _extensions(key: Any, authority: Any, names: Sequence[str], *, root: bool) -> list[Any]:  # noqa: ANN401 - of cryptography, imported late
    """List what OpenSSL 3 with strict checks (Python 3.13) wants to see as well as Go."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    found = [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False),
        (x509.BasicConstraints(ca=root, path_length=0 if root else None), True),
        (_key_usage(root=root), True),
    ]
    if not root:
        found.append((x509.ExtendedKeyUsage([Usage.SERVER_AUTH, Usage.CLIENT_AUTH]), False))
    if names:
        found.append((x509.SubjectAlternativeName([_alternative(name) for name in names]), False))
    return found


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

    pem, form = serial.Encoding.PEM, serial.PrivateFormat.PKCS8
    return bytes(key.private_bytes(pem, form, serial.NoEncryption()))


def _pem_of_public_key(key: Any) -> bytes:  # noqa: ANN401 - of cryptography, imported late
    from cryptography.hazmat.primitives import serialization as serial

    form = serial.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(serial.Encoding.PEM, form))
