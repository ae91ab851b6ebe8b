"""A host that speaks git's protocol as it pleases, and one that notes who comes by."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from typing_extensions import override

ADVERTISED = "application/x-git-upload-pack-advertisement"
RESULT = "application/x-git-upload-pack-result"
_ABLE = "shallow allow-tip-sha1-in-want allow-reachable-sha1-in-want ofs-delta agent=eve/1"


@dataclass(frozen=True)
class Answer:
    """What a host says to one request; the pieces may be without end."""

    pieces: Iterable[bytes] = ()
    kind: str = "text/plain"
    status: int = 200
    location: str = ""


Host = Callable[[str, bytes], Answer]
"""From the path with its query, and the body, to an answer."""


@dataclass
class Visits:
    """Who came by: the requests' paths and headers, as they arrived."""

    closing: threading.Event = field(default_factory=threading.Event)
    paths: list[str] = field(default_factory=list[str])
    headers: list[str] = field(default_factory=list[str])


@contextmanager
def serving(host: Host, visits: Visits) -> Generator[str]:
    """Listen on loopback; the base of clone addresses."""

    class Handler(_Handler):
        pass

    Handler.host, Handler.visits = staticmethod(host), visits
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        visits.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    host: ClassVar[Host]
    visits: ClassVar[Visits]

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""

    def _answer(self, body: bytes) -> None:
        self.visits.paths.append(self.path)
        self.visits.headers.append(str(self.headers))
        answer = type(self).host(self.path, body)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        try:
            for piece in answer.pieces:
                if self.visits.closing.is_set():
                    break
                self.wfile.write(piece)
        except (BrokenPipeError, ConnectionResetError):
            return


def line(text: str | bytes) -> bytes:
    """One packet line of the protocol."""
    content = text.encode() if isinstance(text, str) else text
    return b"%04x" % (len(content) + 4) + content


def advertisement(sha: str, more: Iterable[bytes] = (), able: str = _ABLE) -> Iterator[bytes]:
    """What a host says it has: one branch, and `more` lines."""
    yield line("# service=git-upload-pack\n") + b"0000"
    yield line(f"{sha} HEAD\0{able} symref=HEAD:refs/heads/main\n")
    yield line(f"{sha} refs/heads/main\n")
    yield from more
    yield b"0000"


def handing_out(sha: str, pack: Callable[[], Iterable[bytes]]) -> Host:
    """A host with one commit, whose pack is made anew for each who asks."""

    def host(path: str, body: bytes) -> Answer:
        if "info/refs" in path:
            return Answer(advertisement(sha), ADVERTISED)
        return Answer(_handed_out(sha, body, pack), RESULT)

    return host


def _handed_out(sha: str, body: bytes, pack: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    if b"deepen" in body:
        yield line(f"shallow {sha}\n") + b"0000"
    if body.endswith(line("done\n")):
        yield line("NAK\n")
        yield from pack()
