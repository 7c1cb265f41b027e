"""A certificate authority of its own, and HTTPS servers whose certificates it has signed."""

import ssl
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.embedded.directories import free_port

START_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Authority:
    """`ca_file`: what a client must trust. `certificate_file` (with its key): of a server on localhost and 127.0.0.1."""

    ca_file: Path
    certificate_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def create_authority(directory: Path, *names: str) -> Authority:
    """A new authority, and a certificate for localhost, 127.0.0.1 and `names`."""
    directory.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    built = x509.CertificateBuilder().not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    ca = (
        built.subject_name(ca_name)
        .issuer_name(ca_name)
        .public_key(ca_key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    alternatives = [x509.DNSName(name) for name in ("localhost", *names)]
    certificate = (
        built.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(ca_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .add_extension(
            x509.SubjectAlternativeName([*alternatives, x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    authority = Authority(directory / "ca.pem", directory / "server.pem", directory / "server.key")
    authority.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    authority.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    authority.key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return authority


@contextmanager
def https_server(app: Any, authority: Authority | None) -> Generator[int]:
    """Serve an ASGI application on 127.0.0.1 from a thread of its own; gives the port. Plain HTTP without an authority."""
    port = free_port()
    tls: dict[str, Any] = {}
    if authority is not None:
        tls = {"ssl_certfile": str(authority.certificate_file), "ssl_keyfile": str(authority.key_file)}
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off", loop="asyncio", **tls)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="https-server", daemon=True)
    thread.start()
    ends_s = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if time.monotonic() > ends_s:
            raise TimeoutError("the server has not started")
        time.sleep(0.01)
    try:
        yield port
    finally:
        server.force_exit = True
        server.should_exit = True
        thread.join(START_TIMEOUT_S)
