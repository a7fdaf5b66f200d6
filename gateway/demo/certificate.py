"""A certificate that this machine signs for itself, so that browsers on the network give the page a microphone.

Kept in the user's cache for its address, so that the browser's exception for it lasts.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.parts import CannotStart

DAYS = 365
MARGIN = datetime.timedelta(days=7)


def certificate(host: str) -> tuple[str, str]:
    """Paths of the certificate and its key for an address, made now or before. Raises CannotStart."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tandem"
    cert, key = folder / f"demo-{host}.crt", folder / f"demo-{host}.key"
    if not _usable(cert, key):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _make(host, cert, key)
        except OSError as error:
            raise CannotStart(f"cannot keep a certificate in {folder}: {error.strerror}. Set XDG_CACHE_HOME.") from None
    return str(cert), str(key)


def _usable(cert: Path, key: Path) -> bool:
    try:
        found = x509.load_pem_x509_certificate(cert.read_bytes())
        serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError):
        return False
    return found.not_valid_after_utc > datetime.datetime.now(datetime.UTC) + MARGIN


def _make(host: str, cert: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Tandem demo on {socket.gethostname()}"[:64])])
    now = datetime.datetime.now(datetime.UTC)
    addresses = [x509.IPAddress(ipaddress.ip_address(a)) for a in {host, "127.0.0.1"}]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key.touch(mode=0o600)
    key.write_bytes(pem)
    cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
