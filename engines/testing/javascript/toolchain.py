"""Node on this machine, and how a program of ours is started with it in the jail."""

import functools
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engines.sandbox.types import Command, Limits
from engines.testing.types import CannotTest

DRIVER = Path(__file__).resolve().parent / "driver"
_OLDEST = 20
_STRIPS_TYPES = (22, 13)
_HEAP_MIB = 512
_ADDRESS_SPACE_BYTES = 16 << 30
"""V8 reserves gigabytes that it never touches; `total_memory_bytes` bounds what is used."""
_MEMORY_BYTES = 1 << 30
_VERSION_LIMIT_S = 20.0


@dataclass(frozen=True)
class Node:
    """The program and its version."""

    program: Path
    version: tuple[int, int]

    @property
    def strips_types(self) -> bool:
        """Whether it turns TypeScript into JavaScript by itself."""
        return self.version >= _STRIPS_TYPES

    def command(
        self, entry: str, work: Path, readable: tuple[Path, ...], env: Mapping[str, str],
        cpu_s: float,
    ) -> Command:  # fmt: skip
        """A program of ours: `entry` is a file of `driver/`."""
        return self.started((str(DRIVER / entry),), work, readable, env, cpu_s)

    def started(
        self, arguments: tuple[str, ...], work: Path, readable: tuple[Path, ...],
        env: Mapping[str, str], cpu_s: float,
    ) -> Command:  # fmt: skip
        """Node with arguments."""
        flags = (f"--max-old-space-size={_HEAP_MIB}", "--no-warnings")
        return Command(
            argv=(str(self.program), *flags, *arguments),
            work=work,
            readable=(self.program, DRIVER, *readable),
            # OpenSSL's settings lie in /etc, which is closed; without them Node does not start.
            env={"OPENSSL_CONF": "/dev/null", "UV_THREADPOOL_SIZE": "2", **env},
            limits=Limits(
                wall_s=900.0,
                cpu_s=cpu_s,
                memory_bytes=_ADDRESS_SPACE_BYTES,
                total_memory_bytes=_MEMORY_BYTES,
            ),
        )


def find_node(path: str | None = None) -> Node:
    """Node on the search path.

    Raises:
        CannotTest: there is none, or it is too old; the message says what to install.
    """
    program = shutil.which("node", path=path)
    if program is None:
        raise CannotTest(
            "Tests for JavaScript and TypeScript need Node, which is not installed where tests "
            f"run. Install Node {_OLDEST} or later beside the worker (`apt install nodejs`, or "
            "from nodejs.org), then ask again."
        )
    version = _version(program)
    if version < (_OLDEST, 0):
        raise CannotTest(
            f"Tests for JavaScript and TypeScript need Node {_OLDEST} or later; `{program}` is "
            f"{version[0]}.{version[1]}. Install a newer one beside the worker, then ask again."
        )
    return Node(Path(program).resolve(), version)


@functools.cache
def _version(program: str) -> tuple[int, int]:
    said = subprocess.run(  # noqa: S603 - the program found on the search path
        [program, "--version"], capture_output=True, text=True, check=False, env={},
        timeout=_VERSION_LIMIT_S,
    ).stdout  # fmt: skip
    found = re.match(r"v(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)
