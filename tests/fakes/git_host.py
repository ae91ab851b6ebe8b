"""A host of git repositories on loopback: git's own server behind the smallest of web servers."""

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from typing_extensions import override

_GIT = shutil.which("git") or "git"
_ENVIRONMENT = {
    "PATH": os.defpath,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_AUTHOR_DATE": "2026-11-24T12:00:00Z",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_COMMITTER_DATE": "2026-11-24T12:00:00Z",
}


def git(folder: Path, *arguments: str) -> str:
    """Run a git command and return what it printed."""
    done = subprocess.run(
        [_GIT, *arguments],
        cwd=folder,
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(folder: Path, files: Mapping[str, str | bytes | None]) -> str:
    """Write files (None removes one) into a working tree, made if need be; the commit's sha."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--initial-branch=main")
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=a change")
    return git(folder, "rev-parse", "HEAD")


class GitHost:
    """Repositories in `<root>/git/<owner>/<name>.git`, each with a working tree to push from."""

    def __init__(self, root: Path) -> None:
        """No repositories yet, and nobody is listening."""
        self.root = root / "git"
        self.root.mkdir(parents=True)
        self._trees = root / "trees"
        self.token: str | None = None
        """What has to be shown, as password of any user, to be answered at all."""
        self.hands_out_bare_commits = True
        """Otherwise the server speaks the old protocol, in which only refs can be had."""
        self.answers_with: int | None = None
        """A status that every request gets instead of an answer."""
        self.is_silent = False
        """Whether requests wait for an answer until the server is closed."""
        self.requests: list[str] = []
        self.closing = threading.Event()

    @property
    def file_url(self) -> str:
        """The base of clone addresses without a server."""
        return self.root.as_uri()

    def tree(self, repository: str) -> Path:
        """The working tree from which a repository is pushed."""
        return self._trees / repository

    def bare(self, repository: str) -> Path:
        """Where a repository's objects and refs are."""
        return self.root / f"{repository}.git"

    def push(
        self,
        repository: str,
        files: Mapping[str, str | bytes | None],
        ref: str = "refs/heads/main",
    ) -> str:
        """Commit on top of what was pushed last, point `ref` at it, and return its sha."""
        sha = commit(self.tree(repository), files)
        self.push_tree(repository, ref)
        return sha

    def push_tree(self, repository: str, ref: str = "refs/heads/main") -> None:
        """Point `ref` at the working tree's commit, whatever it pointed at before."""
        bare = self.bare(repository)
        if not bare.exists():
            bare.mkdir(parents=True)
            git(bare, "init", "--quiet", "--bare", "--initial-branch=main")
        git(self.tree(repository), "push", "--quiet", "--force", str(bare), f"HEAD:{ref}")

    @contextmanager
    def served(self) -> Generator[str]:
        """Listen on loopback; the base of clone addresses."""

        class Handler(_Handler):
            host = self

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            self.closing.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def admits(self, authorization: str) -> bool:
        """Whether this header shows the token."""
        if self.token is None:
            return True
        encoded = authorization.removeprefix("Basic ")
        return base64.b64decode(encoded).decode().partition(":")[2] == self.token


class _Handler(BaseHTTPRequestHandler):
    host: ClassVar[GitHost]

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""

    def _answer(self) -> None:
        host = self.host
        host.requests.append(self.path)
        if host.is_silent:
            host.closing.wait()
        elif host.answers_with is not None:
            self._send(host.answers_with, {}, b"")
        elif not host.admits(self.headers.get("Authorization", "")):
            self._send(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        else:
            self._send(*self._ask_git())

    def _ask_git(self) -> tuple[int, dict[str, str], bytes]:
        address = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", "0"))
        asked = {
            **_ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(self.host.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        if self.host.hands_out_bare_commits:
            asked["GIT_PROTOCOL"] = self.headers.get("Git-Protocol", "")
        done = subprocess.run(
            [_GIT, "http-backend"],
            env=asked,
            input=self.rfile.read(length),
            capture_output=True,
            check=False,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = (line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
        headers = dict(lines)
        status = int(headers.pop("Status", "200").split()[0])
        return status, headers, body

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
