"""Builds an environment by pip: wheels only, so that nothing of a package runs while it is built.

The one step of the sandbox that has a network, and so the one that has nothing else: an empty
environment, a home of its own, an index that the administrator chose. pip unpacks; it does not
run a package's code, for an sdist (whose setup.py would run) is never taken.
"""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from engines.sandbox.environments.types import BuilderAway, Built, Declared, Refusal
from engines.sandbox.loan import extent
from engines.watch import Stopped, Unwatched, Watch

_ROUNDS = 8
_TICK_S = 0.2
_MEMORY_BYTES = 2 << 30
_LOG_CHARS = 8_000
_LEFT_OUT = re.compile(r"No matching distribution found for (\S[^\n(]*)")
_NEEDED_BY = re.compile(r"satisfies the requirement [^\n(]+\(from ([\w.-]+)")
_CLASHING = re.compile(r"The conflict is caused by:|ResolutionImpossible")
_CLASH = re.compile(r"^ +(([\w.-]+) \S+ depends on [^\n]+)", re.MULTILINE)
_AWAY = re.compile(r"connection broken by|ConnectTimeout|ReadTimeout|Failed to establish|SSLError")
_READABLE_BY_ALL = 0o022
_TRIES, _ANSWER_LIMIT_S = 2, 15
"""What an index is given to answer: one that is away must not hold up a job for minutes."""
_NO_WHEEL = (
    "the index has no wheel of it for this Python, and source packages are not built, since their "
    "build runs foreign code. Ask for a version with a wheel, or have a wheel added to the index."
)


@dataclass(frozen=True)
class PipBuilder:
    """How pip is run."""

    index_url: str = ""
    """Empty: what the machine's own pip.conf says, unless `find_links` is given."""
    find_links: Path | None = None
    """A folder of wheels; without `index_url` the only source."""
    certificates: Path | None = None
    timeout_s: float = 300.0
    max_bytes: int = 1 << 30
    watch: Watch = field(default_factory=Unwatched)

    @property
    def identity(self) -> str:
        """What the outcome depends on beside the requirements."""
        return f"pip {self.index_url} {self.find_links or ''}"

    def wait(self) -> None:
        """Called while another process builds the same.

        Raises:
            Stopped: the watch said so.
        """
        if self.watch.stop_requested():
            raise Stopped
        self.watch.report("waiting for packages that another job installs")
        time.sleep(_TICK_S)

    def build(self, wanted: Declared, folder: Path) -> Built:
        """Install what can be had into `folder`.

        Raises:
            BuilderAway: The index does not answer, pip is missing, or the bounds were reached.
            Stopped: the watch said so.
        """
        requirements = list(wanted.requirements)
        number = f"{len(requirements)} package" + ("" if len(requirements) == 1 else "s")
        self.watch.report(f"installing {number} that `{wanted.source}` asks for")
        missing: list[Refusal] = []
        log = ""
        for _ in range(_ROUNDS):
            if not requirements:
                break
            code, log = self._install(requirements, wanted.constraints, folder)
            if code == 0:
                break
            left_out = _left_out(log, requirements)
            missing += [Refusal(one, _reason(log)) for one in left_out]
            requirements = [one for one in requirements if one not in left_out]
        return Built(tuple(missing), log)

    def _install(
        self, requirements: Sequence[str], constraints: Sequence[str], folder: Path
    ) -> tuple[int, str]:
        with TemporaryDirectory(prefix="gryph-pip-") as name:
            home = Path(name)
            (home / "requirements.txt").write_text("\n".join(requirements) + "\n")
            (home / "constraints.txt").write_text("\n".join(constraints) + "\n")
            arguments = [sys.executable, "-I", "-m", "pip", "--isolated", "install"]
            arguments += ["--no-input", "--disable-pip-version-check", "--no-compile"]
            arguments += ["--no-cache-dir", "--progress-bar", "off", "--only-binary", ":all:"]
            arguments += ["--retries", str(_TRIES - 1), "--timeout", str(_ANSWER_LIMIT_S)]
            arguments += ["--target", str(folder), "--requirement", str(home / "requirements.txt")]
            arguments += ["--constraint", str(home / "constraints.txt"), *self._sources()]
            return self._watched(arguments, home, folder)

    def _sources(self) -> list[str]:
        sources: list[str] = []
        if self.find_links is not None:
            sources += ["--find-links", str(self.find_links)]
            sources += [] if self.index_url else ["--no-index"]
        if self.index_url:
            sources += ["--index-url", self.index_url]
        if self.certificates is not None:
            sources += ["--cert", str(self.certificates)]
        return sources

    def _watched(self, arguments: list[str], home: Path, folder: Path) -> tuple[int, str]:
        log = home / "log"
        env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8"}
        if self.index_url or self.find_links:
            env["PIP_CONFIG_FILE"] = os.devnull
        with log.open("wb") as said:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter; the file is ours, too
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=home,
                start_new_session=True,
                umask=_READABLE_BY_ALL,
            )
            try:
                self._bound(process.pid)
                self._wait(process, (home, folder))
            finally:
                _end(process)
        text = log.read_text(errors="replace")[-_LOG_CHARS:]
        if "No module named pip" in text:
            raise BuilderAway("pip is missing beside the worker's Python; install it there.")
        if process.returncode and _AWAY.search(text):
            raise BuilderAway("The package index does not answer; try again later.")
        return process.returncode, text

    def _bound(self, pid: int) -> None:
        with suppress(ProcessLookupError):  # it has ended already
            resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (self.max_bytes, self.max_bytes))

    def _wait(self, process: subprocess.Popen[bytes], folders: tuple[Path, ...]) -> None:
        until_s = time.monotonic() + self.timeout_s
        while process.poll() is None:
            if self.watch.stop_requested():
                raise Stopped
            if time.monotonic() > until_s:
                raise BuilderAway(f"Installing took longer than {self.timeout_s:.0f} s.")
            if sum(extent(folder).used_bytes for folder in folders) > self.max_bytes:
                raise BuilderAway(f"The packages take more than {self.max_bytes >> 20} MiB.")
            try:
                process.wait(_TICK_S)
            except subprocess.TimeoutExpired:
                continue


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _left_out(log: str, requirements: list[str]) -> list[str]:
    """Which requirements made pip fail; all, when it cannot be told."""
    found = [*_LEFT_OUT.findall(log), *_NEEDED_BY.findall(log)]
    names = [_name(one) for one in (*found, *(name for _, name in _CLASH.findall(log)))]
    direct = [one for one in requirements if _name(one) in names]
    return direct or requirements


def _name(requirement: str) -> str:
    return re.split(r"[\s\[=<>!~;@]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")


def _reason(log: str) -> str:
    if _CLASHING.search(log):
        clash = _CLASH.search(log)
        cause = f": {clash[1]}" if clash else ""
        return f"what the requirements ask for cannot be had together{cause}"
    inner = [found.strip() for found in _LEFT_OUT.findall(log)]
    needed = f" ({inner[0]})" if inner else ""
    return _NO_WHEEL.replace("no wheel of it", f"no wheel of it{needed}")
