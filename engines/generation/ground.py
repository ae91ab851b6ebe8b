"""Where written code is checked: the sandbox, the packages, the tools, and what they may take."""

import importlib.util
import shutil
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path

from engines.generation.places import Places
from engines.generation.tasks import Limits
from engines.sandbox.environments.types import Environment
from engines.sandbox.sandbox import Sandbox
from engines.watch import Stopped, Watch


@dataclass(frozen=True)
class Tools:
    """Programs that check text; None where the installation has none."""

    ruff: Path | None = None
    node: Path | None = None
    pyright: Path | None = None
    """The folder of its JavaScript, with `index.js`."""


def find_tools() -> Tools:
    """What this installation has. Nothing is downloaded."""
    scripts = sysconfig.get_path("scripts")
    ruff = shutil.which("ruff", path=scripts) or shutil.which("ruff")
    node = shutil.which("node")
    return Tools(
        Path(ruff) if ruff else None, Path(node).resolve() if node else None, _pyright_folder()
    )


def _pyright_folder() -> Path | None:
    """In the Python package of that name, or where npm put it."""
    found = importlib.util.find_spec("pyright")
    places = (
        [Path(one) / "dist" for one in (found.submodule_search_locations or ())] if found else []
    )
    if program := shutil.which("pyright"):
        places.append(Path(program).resolve().parent)
    return next((one for one in places if (one / "index.js").is_file()), None)


@dataclass(frozen=True)
class Ground:
    """What one installation checks with; serves many tasks at once."""

    sandbox: Sandbox | None
    tools: Tools
    environment: Environment | None = None
    """The packages that the checkout needs; None where this installation's own serve."""
    no_sandbox_because: str = "no sandbox was given"
    places: Places = field(default_factory=Places)
    """Taken by everything that is run."""

    @property
    def packages(self) -> tuple[Path, ...]:
        """Folders to put on the import path after the checkout."""
        return self.environment.paths if self.environment else ()


class OutOfBudget(Exception):
    """What was given is used up: time, or places in the sandbox; the message says which."""


@dataclass
class Budget:
    """What one task may still take, and whether it is still wanted. For one thread."""

    limits: Limits
    watch: Watch
    _began_s: float = field(default_factory=time.monotonic)
    _spent_cpu_s: float = 0.0

    @property
    def seconds(self) -> float:
        """Wall time since it began."""
        return time.monotonic() - self._began_s

    @property
    def left_s(self) -> float:
        """Of wall time."""
        return self.limits.deadline_s - self.seconds

    @property
    def left_cpu_s(self) -> float:
        """Of processor time in the sandbox."""
        return self.limits.cpu_s - self._spent_cpu_s

    def spend(self, cpu_s: float) -> None:
        """Charge what a run in the sandbox took."""
        self._spent_cpu_s += cpu_s

    def check(self) -> None:
        """Often.

        Raises:
            Stopped: The person cancelled.
            OutOfBudget: No time is left.
        """
        if self.watch.stop_requested():
            raise Stopped
        if self.left_s <= 0:
            raise OutOfBudget(f"the {self.limits.deadline_s:.0f} s for it are over")

    def check_cpu(self) -> None:
        """Before each run in the sandbox. Raises as `check`."""
        self.check()
        if self.left_cpu_s <= 0:
            raise OutOfBudget(f"the {self.limits.cpu_s:.0f} CPU s for checks are used up")
