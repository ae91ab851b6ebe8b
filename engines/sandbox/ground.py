"""Where the canary attacks: a rung, with cold or with warm starts."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from engines.sandbox.attacks import inside, program
from engines.sandbox.conversation import Conversation
from engines.sandbox.places import SANDBOX_FOLDER
from engines.sandbox.server import Server
from engines.sandbox.types import Entry, Limits, Outcome, Preparation, Rung

_MIB = 1 << 20
LIMITS = Limits(wall_s=30.0, cpu_s=10.0, memory_bytes=512 * _MIB, processes=24, file_bytes=4 * _MIB)


class Ground:
    """Runs the attackers' programs; a context."""

    def __init__(self, rung: Rung, *, forks: bool) -> None:
        """Make ready.

        Raises:
            NoIsolation: The rung cannot be had here.
        """
        self.rung = rung
        root = SANDBOX_FOLDER.parents[1]
        self.server = Server(
            rung, Preparation((inside.__name__, program.__name__), (root,)), forks=forks
        )

    def __enter__(self) -> Self:
        """Close at the end of the context."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server."""
        self.server.close()

    def probe(self, work: Path, names: list[str], targets: Mapping[str, str]) -> Outcome:
        """Make the named attacks from inside."""
        env = {"PROBES": json.dumps(names), "PROBE_TARGETS": json.dumps(targets)}
        return self.server.run(Entry(f"{inside.__name__}:probe", work, env=env, limits=LIMITS))

    def run(self, code: str, limits: Limits = LIMITS, work: Path | None = None) -> Outcome:
        """Run a program of Python code."""
        if work is not None:
            return self.server.run(_program(code, limits, work))
        with self.server.folder() as folder:
            return self.server.run(_program(code, limits, folder))

    @contextmanager
    def talk(self, code: str) -> Generator[Conversation]:
        """Start a program of Python code that has a channel."""
        with self.server.folder() as folder, self.hold(code, folder) as conversation:
            yield conversation

    def hold(self, code: str, work: Path) -> Conversation:
        """The same in a given folder."""
        return self.server.open(_program(code, LIMITS, work))


def _program(code: str, limits: Limits, work: Path) -> Entry:
    return Entry(f"{program.__name__}:execute", work, env={"PROBE_CODE": code}, limits=limits)
