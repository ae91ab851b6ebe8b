"""Servers behind TLS: who is trusted, and whether a cancel gets through to the connection."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engines.generation.remote.backend import RemoteModel
from engines.generation.remote.endpoint import Bounds, Endpoint
from engines.generation.types import Finish, ModelUnavailable
from tests.engines.generation.remote.asking import asking

PATIENCE_S = 20.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CHUNK = b'data: {"choices": [{"delta": {"content": "one"}}]}\n\n'


@dataclass
class Host:
    """A host that begins an answer on each connection, and waits for its end."""

    port: int
    certificate: Path
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def endpoint(self) -> Endpoint:
        bounds = Bounds(retries=0)
        return Endpoint("big", f"https://127.0.0.1:{self.port}", "x", bounds=bounds)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    certificate = tmp_path / "host.pem"
    certificate.write_bytes(self_signed())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(PATIENCE_S)
        host = Host(listener.getsockname()[1], certificate)
        thread = threading.Thread(target=serve, args=(listener, context, host), daemon=True)
        thread.start()
        yield host
        thread.join(PATIENCE_S)


def serve(listener: socket.socket, context: ssl.SSLContext, host: Host) -> None:
    """One connection."""
    plain, _ = listener.accept()
    plain.settimeout(PATIENCE_S)
    with (
        suppress(OSError),
        closing(plain),
        closing(context.wrap_socket(plain, server_side=True)) as connection,
    ):
        asked = b""
        while b'"stream": true' not in asked:
            asked += connection.recv(65_536)
        connection.sendall(HEAD + CHUNK)
        while connection.recv(1024):
            pass
    host.ended.set()


def self_signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake host")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def test_a_host_that_nobody_vouches_for_is_not_asked(host: Host) -> None:
    with pytest.raises(ModelUnavailable, match="certificate"):
        RemoteModel(host.endpoint).submit(asking()).written()


def test_cancel_ends_a_connection_that_waits_inside_tls(host: Host) -> None:
    model = RemoteModel(replace(host.endpoint, authorities=host.certificate))
    writing = model.submit(asking())
    pieces = writing.pieces(wait_s=PATIENCE_S)
    assert next(pieces) == "one"
    threading.Timer(0.05, writing.cancel).start()
    assert list(pieces) == []
    assert writing.written().finish is Finish.CANCELLED
    assert host.ended.wait(PATIENCE_S)
