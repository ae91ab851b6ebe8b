"""One HTTP exchange after another, each on a connection of its own that any thread can cut."""

import socket
import ssl
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import httpx

from engines.generation.remote.endpoint import BadEndpoint, Endpoint

_SLACK_S = 5.0
"""The socket's limits only back up those that the backend's clock keeps."""
_QUESTION_S = 10.0


class BodyTooLong(Exception):
    """A response went over its bound, or is packed so that its length cannot be told."""


@runtime_checkable
class _NetworkStream(Protocol):
    def get_extra_info(self, info: str) -> Any: ...


@dataclass
class Cut:
    """Ends an exchange from another thread, whatever it waits for. Once cut, always cut."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _socket: socket.socket | None = None
    is_made: bool = False

    def make(self) -> None:
        """Shut the connection down; whoever reads from it sees its end."""
        with self._lock:
            self.is_made = True
            self._shut()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """For httpx's `trace` extension: learn of the connection when it is made."""
        stream = info.get("return_value")
        if event.endswith(".complete") and isinstance(stream, _NetworkStream):
            with self._lock:
                self._socket = stream.get_extra_info("socket")
                if self.is_made:
                    self._shut()

    def _shut(self) -> None:
        # `SSLSocket.shutdown` would unmake the TLS state under the thread that reads.
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


@dataclass(frozen=True)
class Response:
    """The head of a response, and its body as it comes."""

    status: int
    headers: httpx.Headers
    chunks: Iterator[bytes]

    def body(self) -> bytes:
        """All of it.

        Raises:
            BodyTooLong: Over the bound.
        """
        return b"".join(self.chunks)


class Connector:
    """Asks one endpoint. Thread-safe.

    Each request has a connection of its own: it can be cut without harm to another, and none is
    found dead. Beside the time that a model writes, the handshake is nothing.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Read the trusted certificates.

        Raises:
            BadEndpoint: The file with certificates cannot be read.
        """
        self._endpoint = endpoint
        self._ssl = httpx.create_ssl_context(trust_env=False)
        if endpoint.authorities is not None:
            try:
                self._ssl.load_verify_locations(endpoint.authorities)
            except (OSError, ssl.SSLError) as error:
                raise BadEndpoint(
                    f"the certificates in {endpoint.authorities} cannot be read ({error})"
                ) from None

    @contextmanager
    def response(self, request: httpx.Request, cut: Cut, *, most_bytes: int) -> Generator[Response]:
        """The response to a request.

        Raises:
            httpx.HTTPError: There is none.
        """
        request.extensions["trace"] = cut.trace
        with self._client() as client:
            response = client.send(request, stream=True)
            try:
                yield Response(
                    response.status_code, response.headers, _bounded(response, most_bytes)
                )
            finally:
                response.close()

    def question(self, url: str, headers: Mapping[str, str]) -> httpx.Request:
        """A request for something that the server knows, which it may take seconds for."""
        return self._request("GET", url, headers, b"", _QUESTION_S)

    def order(self, url: str, headers: Mapping[str, str], content: bytes) -> httpx.Request:
        """A request for an answer of the model, within this endpoint's bounds."""
        bounds = self._endpoint.bounds
        longest_s = max(bounds.first_token_s, bounds.between_tokens_s) + _SLACK_S
        return self._request("POST", url, headers, content, longest_s)

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, longest_s: float
    ) -> httpx.Request:
        timeout = httpx.Timeout(longest_s, connect=self._endpoint.bounds.connect_s)
        return httpx.Request(
            method,
            url,
            headers={
                "Accept": "text/event-stream, application/json",
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "User-Agent": "gryphgen-agentic",
                **headers,
            },
            content=content,
            extensions={"timeout": timeout.as_dict()},
        )

    def _client(self) -> httpx.Client:
        return httpx.Client(
            verify=self._ssl,
            proxy=self._endpoint.proxy,
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )


def _bounded(response: httpx.Response, most_bytes: int) -> Iterator[bytes]:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BodyTooLong("it is packed, though it was asked to be plain")
    taken = 0
    for chunk in response.iter_raw():
        taken += len(chunk)
        if taken > most_bytes:
            raise BodyTooLong(f"it is longer than {most_bytes:,} bytes")
        yield chunk
