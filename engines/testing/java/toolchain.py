"""The JDK and JUnit on this machine, and how a program is started with them in the jail."""

import functools
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.sandbox.types import Command, Limits
from engines.testing.types import CannotTest

DRIVER = Path(__file__).resolve().parent / "driver"
_OLDEST = 17
_ADDRESS_SPACE_BYTES = 16 << 30
"""The JVM reserves gigabytes that it never touches; `-Xmx` and `total_memory_bytes` bound it."""
_MEMORY_BYTES = 1 << 30
_VERSION_LIMIT_S = 30.0
_FLAGS = (
    "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
    "-XX:CompressedClassSpaceSize=64m", "-XX:ReservedCodeCacheSize=48m", "-Dfile.encoding=UTF-8",
)  # fmt: skip
_JUNIT_FOLDERS = ("lib", "libs", "target/dependency", "build/libs")
_DEBIAN_JUNIT = (
    "junit-jupiter-api", "junit-jupiter-engine", "junit-jupiter-params", "junit-platform-commons",
    "junit-platform-console", "junit-platform-engine", "junit-platform-launcher",
    "junit-platform-reporting", "opentest4j", "apiguardian-api", "picocli", "univocity-parsers",
)  # fmt: skip


@dataclass(frozen=True)
class Jdk:
    """A JDK: its folder and its version."""

    home: Path
    version: int

    def started(
        self, program: str, arguments: Sequence[str], work: Path, readable: tuple[Path, ...],
        env: Mapping[str, str], cpu_s: float,
    ) -> Command:  # fmt: skip
        """`java` or `javac` in the jail; the work folder is where it may write."""
        prefix = "-J" if program == "javac" else ""
        flags = [f"{prefix}{flag}" for flag in (*_FLAGS, f"-Djava.io.tmpdir={work}")]
        return Command(
            argv=(str(self.home / "bin" / program), *flags, *arguments),
            work=work,
            readable=(self.home, *_settings(self.home), DRIVER, *readable),
            env={"JAVA_HOME": str(self.home), **env},
            limits=Limits(
                wall_s=900.0,
                cpu_s=cpu_s,
                memory_bytes=_ADDRESS_SPACE_BYTES,
                total_memory_bytes=_MEMORY_BYTES,
                processes=128,
            ),
        )


def _settings(home: Path) -> tuple[Path, ...]:
    """Debian keeps a JDK's settings in /etc, behind links."""
    places = [(home / "conf" / name).resolve() for name in ("security", "net.properties")]
    folders = {place if place.is_dir() else place.parent for place in places if place.exists()}
    return tuple(sorted(folder for folder in folders if not folder.is_relative_to(home)))


def find_jdk(path: str | None = None) -> Jdk:
    """The JDK on the search path.

    Raises:
        CannotTest: there is none, or it is too old; the message says what to install.
    """
    program = shutil.which("javac", path=path)
    if program is None:
        raise CannotTest(
            "Tests for Java need a JDK, which is not installed where tests run. Install JDK "
            f"{_OLDEST} or later beside the worker (`apt install default-jdk-headless`), then ask "
            "again."
        )
    version = _version(program)
    if version < _OLDEST:
        raise CannotTest(
            f"Tests for Java need JDK {_OLDEST} or later; `{program}` is {version}. Install a "
            "newer one beside the worker, then ask again."
        )
    return Jdk(Path(program).resolve().parents[1], version)


@functools.cache
def _version(program: str) -> int:
    said = subprocess.run(  # noqa: S603 - the program found on the search path
        [program, "-version"], capture_output=True, text=True, check=False, env={},
        timeout=_VERSION_LIMIT_S,
    )  # fmt: skip
    found = re.search(r"javac (?:1\.)?(\d+)", said.stdout + said.stderr)
    return int(found[1]) if found else 0


def find_junit(root: Path, system: Path = Path("/usr/share/java")) -> tuple[Path, ...]:
    """JUnit's console runner and what it needs: from the repository, else the system's; or none."""
    for folder in (root / name for name in _JUNIT_FOLDERS):
        found = sorted(folder.glob("junit-platform-console-standalone*.jar"))
        if found:
            return (found[0].resolve(),)
    if alone := sorted(system.glob("junit-platform-console-standalone*.jar")):
        return (alone[0].resolve(),)
    jars = [system / f"{name}.jar" for name in _DEBIAN_JUNIT]
    return tuple(jar.resolve() for jar in jars) if all(jar.exists() for jar in jars) else ()
