"""git as a program that reads a repository nobody vouches for, and always reads the same.

Settings are those of git-config(1); variables those of git(1).
"""

import os
import re
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engines.matching.types import CannotMatch
from engines.watch import Stopped, Watch

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.bigFileThreshold": "256k",
    "core.sshCommand": "false",
    "core.gitProxy": "",
    "core.alternateRefsCommand": "true",
    "credential.helper": "",
}
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Where attributes are read from; else those of the tip would count lines of the past."""
_OLDEST = (2, 31)
"""Takes settings from variables, and knows --diff-merges."""
_CHUNK_BYTES = 2**20
_POLL_S = 0.2
_QUOTED_BYTES = 2000


class GitFailed(Exception):
    """git ended with an error; the message is the last it said."""


class Repository:
    """A git directory, bare or not, or a worktree."""

    def __init__(self, path: Path, watch: Watch) -> None:
        """Raises CannotMatch: git is missing or too old, or this is no repository."""
        program = shutil.which("git")
        if program is None:
            raise CannotMatch("git is not installed here; install it")
        self._program = program
        self._watch = watch
        path = path.absolute()
        inner = path / ".git"
        self._variables = _variables(inner if inner.exists() else path)
        self._cwd = path.anchor
        self._check_version()
        try:
            kind = self.line("rev-parse", "--show-object-format")
        except GitFailed:
            raise CannotMatch(f"{path} is not a git repository; name the folder of one") from None
        if kind == "sha1":
            self._variables["GIT_ATTR_SOURCE"] = _EMPTY_TREE

    def line(self, *arguments: str) -> str:
        """What a command prints, stripped.

        Raises:
            GitFailed: It ended with an error.
            Stopped: The caller asked for an end.
        """
        return b"".join(self._chunks(arguments)).decode(errors="replace").strip()

    def fields(self, *arguments: str) -> Iterator[bytes]:
        """What lies between the NULs that a command prints; raises as `line` does."""
        rest = b""
        for chunk in self._chunks(arguments):
            fields = (rest + chunk).split(b"\0")
            rest = fields.pop()
            yield from fields
        if rest:
            yield rest

    def _check_version(self) -> None:
        said = self.line("version")
        found = re.search(r"(\d+)\.(\d+)", said)
        if found is None or (int(found[1]), int(found[2])) < _OLDEST:
            oldest = ".".join(map(str, _OLDEST))
            raise CannotMatch(f"{said} is too old to read histories; install {oldest} or newer")

    def _chunks(self, arguments: tuple[str, ...]) -> Iterator[bytes]:
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(  # noqa: S603 - no shell reads it
                [self._program, "--bare", "--no-pager", "--no-replace-objects", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self._cwd,
                env=self._variables,
            )
            try:
                yield from self._attended(process)
                process.wait()
            finally:
                process.kill()
                process.wait()
                if process.stdout:
                    process.stdout.close()
            if process.returncode != 0:
                errors.seek(0)
                raise GitFailed(_last_line(errors.read(_QUOTED_BYTES)))

    def _attended(self, process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        while True:
            if self._watch.stop_requested():
                raise Stopped
            if select.select([descriptor], [], [], _POLL_S)[0]:
                chunk = os.read(descriptor, _CHUNK_BYTES)
                if not chunk:
                    return
                yield chunk


def _variables(git_dir: Path) -> dict[str, str]:
    """Everything git learns from its surroundings. GIT_DIR is told, so that no folder above is
    taken for the repository and its owner does not matter.
    """
    variables = {
        "PATH": os.defpath,
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_DIR": str(git_dir),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
    }
    for number, (key, value) in enumerate(_SETTINGS.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "git said nothing"
