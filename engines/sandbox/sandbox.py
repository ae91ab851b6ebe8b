"""The sandbox: runs one program on a rung of isolation that this host was seen to give."""

import threading
from collections.abc import Callable, Sequence

from engines.sandbox.canary import quick_canary
from engines.sandbox.conversation import Conversation
from engines.sandbox.jail import prepared
from engines.sandbox.report import CanaryReport
from engines.sandbox.server import Server
from engines.sandbox.supervision import Supervision, never
from engines.sandbox.types import Command, NoIsolation, Outcome, Preparation, Rung

_REMEDIES = {
    Rung.BUBBLEWRAP: "It needs bubblewrap 0.8 and leave to create namespaces.",
    Rung.LANDLOCK: "It needs Linux 5.13 with Landlock enabled (6.12 when not started as root).",
}


class Sandbox:
    """Runs untrusted programs on one rung; get one from `find_sandbox`, which proves the rung.

    May be used from any thread, and from several at once: each run has its own uid, its own
    temporary folder and its own `work`.
    """

    def __init__(self, rung: Rung) -> None:
        """Use a rung, unproven; `find_sandbox` is the way to a proven one."""
        self.rung = rung
        self._proving = threading.Lock()
        self._warm_report: CanaryReport | None = None

    def run(self, command: Command, *, stop: Callable[[], bool] = never) -> Outcome:
        """Run a program to its end; `stop` is asked ten times a second whether to kill it.

        Raises:
            NoIsolation: The jail could not be set up for this command.
            ValueError: The command cannot be run as it stands.
        """
        with prepared(self.rung, command) as jail, Supervision(jail) as supervision:
            return supervision.pump(stop)

    def warm(self, preparation: Preparation) -> Server:
        """Make a server ready whose runs start warm: a fork of what has been imported once.

        Warm starts are attacked on this host before the first, which takes half a second. Where
        they do not hold, the server starts each run cold: slower, and the same otherwise.

        Raises:
            NoIsolation: The server could not be started.
        """
        return Server(self.rung, preparation, forks=self.warm_report().passed)

    def warm_report(self) -> CanaryReport:
        """What the canary found of warm starts on this rung."""
        with self._proving:
            if self._warm_report is None:
                self._warm_report = quick_canary(self.rung, forks=True)
            return self._warm_report

    def open(self, command: Command) -> Conversation:
        """Start a program that answers messages over GRYPH_CHANNEL.

        Raises:
            NoIsolation: The jail could not be set up for this command.
            ValueError: The command cannot be run as it stands.
        """
        return Conversation(prepared(self.rung, command))


def find_sandbox(rungs: Sequence[Rung] = (Rung.BUBBLEWRAP, Rung.LANDLOCK)) -> Sandbox:
    """Attack each rung on this host in turn and return the first that holds.

    Takes about half a second; keep the sandbox for the life of the process.

    Raises:
        NoIsolation: No rung holds; the message says for each what failed and what helps.
    """
    failures: list[str] = []
    for rung in rungs:
        report = quick_canary(rung)
        if report.passed:
            return Sandbox(rung)
        failures.append(f"{rung}: {report.failures()}. {_REMEDIES[rung]}")
    raise NoIsolation("No isolation for untrusted code on this host. " + " ".join(failures))
