"""git, as a program that trusts nothing: no prompts, hooks, filters, helpers or foreign settings.

Settings are those of git-config(1); variables those of git(1).
"""

import base64
import os
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from storage.checkouts.types import CheckoutFailed, CheckoutStopped

POLL_S = 0.05
_OUTPUT_BYTES = 32 * 2**20
_SETTINGS = """\
[core]
    hooksPath = /dev/null
    attributesFile = /dev/null
    fsmonitor = false
    askPass =
    bigFileThreshold = 32m
[init]
    templateDir =
[safe]
    directory = *
[credential]
    helper =
[http]
    lowSpeedLimit = 1000
    lowSpeedTime = 30
[fetch]
    unpackLimit = 1
    recurseSubmodules = false
[submodule]
    recurse = false
[pack]
    threads = 1
[index]
    threads = 1
[gc]
    auto = 0
[maintenance]
    auto = false
"""


class GitFailed(Exception):
    """git ended with an error; the message is what it said."""


class GitMissing(CheckoutFailed):
    """git is not installed."""


class GitGrew(Exception):
    """git wrote more than it may."""


@dataclass(frozen=True)
class Access:
    """Which protocols git may speak, and the token it shows to one address."""

    protocol: str
    address: str
    token: str | None


class Git:
    """Runs git commands that end on time, on request, or when they write too much."""

    def __init__(
        self, scratch: Path, stop: Callable[[], bool], timeout_s: float, access: Access | None
    ) -> None:
        """`scratch` is an empty folder for the runner's own files.

        Raises:
            GitMissing: There is no such program.
        """
        program = shutil.which("git")
        if program is None:
            raise GitMissing("git is not installed where the worker runs")
        self._program = program
        self._scratch = scratch
        self._stop = stop
        self._deadline = time.monotonic() + timeout_s
        settings = scratch / "settings"
        settings.write_text(_SETTINGS)
        self._environment = _environment(settings, access)

    def run(
        self,
        *arguments: str | Path,
        folder: Path | None = None,
        packs: Path | None = None,
        max_bytes: int = _OUTPUT_BYTES,
    ) -> bytes:
        """Run a command in `folder` and return its output.

        `max_bytes` bounds the files in the folder `packs`, or else the output.

        Raises:
            GitFailed: It ended with an error.
            GitGrew: It wrote too much and was killed.
            CheckoutFailed: It took too long.
            CheckoutStopped: The caller asked for an end.
        """
        output, errors = self._scratch / "output", self._scratch / "errors"
        with output.open("wb") as stdout, errors.open("wb") as stderr:
            process = subprocess.Popen(  # noqa: S603 - no shell, and callers check arguments
                [self._program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=folder or self._scratch,
                env=self._environment,
                start_new_session=True,
            )
            try:
                self._attend(process, packs or output, max_bytes)
            finally:
                _end(process)
        if process.returncode != 0:
            raise GitFailed(errors.read_text(errors="replace").strip())
        return output.read_bytes()

    def _attend(self, process: "subprocess.Popen[bytes]", growing: Path, max_bytes: int) -> None:
        ended = False
        while not ended:
            try:
                process.wait(POLL_S)
                ended = True
            except subprocess.TimeoutExpired:
                if self._stop():
                    raise CheckoutStopped from None
                if time.monotonic() > self._deadline:
                    raise CheckoutFailed("checking out the code took too long") from None
            if _size_bytes(growing) > max_bytes:
                raise GitGrew


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _size_bytes(growing: Path) -> int:
    if not growing.is_dir():
        return growing.stat().st_size if growing.exists() else 0
    total = 0
    for path in growing.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # a temporary file that has got its name meanwhile
            continue
    return total


def _environment(settings: Path, access: Access | None) -> dict[str, str]:
    variables = {
        "PATH": os.defpath,
        "HOME": str(settings.parent),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ALLOW_PROTOCOL": access.protocol if access else "",
    }
    for scheme, proxy in urllib.request.getproxies().items():
        variables[f"{scheme}_proxy"] = proxy
    authorities = ssl.get_default_verify_paths().cafile
    if authorities:
        variables["GIT_SSL_CAINFO"] = authorities
    if access and access.token:
        variables.update(_as_environment(access.address, access.token))
    return variables


def _as_environment(address: str, token: str) -> Mapping[str, str]:
    """The token as a setting that is never on a command line nor in a file."""
    credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{address}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {credentials}",
    }
