"""The engine's side of the driver inside the sandbox."""

import math
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from engines.sandbox.conversation import Conversation, Ended, Garbled
from engines.sandbox.sandbox import Sandbox
from engines.sandbox.types import Command, Limits
from engines.testing.budget import Budget
from engines.testing.calls import Call
from engines.testing.facts import BadFact, Fact, fact, items, number, optional_text, seconds, text
from engines.testing.observations import Result, read_result
from engines.testing.offers import Offers, read_offers
from engines.testing.places import Place
from engines.testing.types import CannotTest, MissingPackage
from engines.watch import Stopped

_ENGINES = Path(__file__).resolve().parents[1]
_TICK_S = 0.25
_ANSWER_LIMIT_S = 180.0
_CPU_LIMIT_S = 300.0
"""The end of a driver that takes no notice of any budget."""
_BATCH_CALLS = 400
_MEMORY_BYTES = 1 << 30


class Lost(Exception):
    """The driver is gone: the target killed it or used up its limits."""


@dataclass(frozen=True)
class Goal:
    """Something a test can reach, numbered by its place: see `jail/probes.py`."""

    kind: str
    line: int
    text: str


def command(entry: str, place: Place, work: Path, env: Mapping[str, str], cpu_s: float) -> Command:
    """How one of our programs is started in the jail: `entry` is a module of `jail/`."""
    start = (
        f"import sys; sys.path.insert(0, {str(_ENGINES.parent)!r}); "
        f"from engines.testing.jail.{entry} import main; main()"
    )
    return Command(
        argv=(sys.executable, "-P", "-c", start),
        work=work,
        readable=(place.root, _ENGINES, *place.packages),
        env={"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp", **env},  # noqa: S108 - the jail's own
        limits=Limits(
            wall_s=900.0, cpu_s=cpu_s, memory_bytes=_MEMORY_BYTES, total_memory_bytes=4 << 30
        ),
    )


def answer(talk: Conversation, request: Fact, is_stopped: Callable[[], bool]) -> Fact:
    """Send a request and wait for its answer.

    Raises:
        Stopped: the person cancelled meanwhile.
        Lost: no answer can come any more.
    """
    deadline = time.monotonic() + _ANSWER_LIMIT_S
    try:
        talk.send(request)
        while time.monotonic() < deadline:
            try:
                return fact(talk.receive(_TICK_S))
            except TimeoutError:
                if is_stopped():
                    raise Stopped from None
    except (Ended, Garbled, BadFact) as problem:
        raise Lost(str(problem)) from problem
    raise Lost("no answer in time")


@contextmanager
def understood() -> Generator[None]:
    """Where what the driver said is read: what cannot be read counts as no answer.

    Raises:
        Lost: it said something else than was agreed.
    """
    try:
        yield
    except BadFact as problem:
        raise Lost(str(problem)) from problem


def _never() -> bool:
    return False


class Jail:
    """One driver process with the target imported. `goals` and `offers` describe the target,
    unless it was imported as it is. What is asked ends when `until_s` of the budget are spent.
    """

    entry = "driver"
    is_bounded = True
    """Whether the process ends with the budget, whatever it does."""

    def __init__(
        self, sandbox: Sandbox, place: Place, is_stopped: Callable[[], bool],
        env: Mapping[str, str], budget: Budget, *, is_plain: bool = False,
    ) -> None:  # fmt: skip
        """Start the driver and import the target; what it spends is charged to the budget.

        A plain target is imported without probes, as anybody imports it: no goal is ever hit.

        Raises:
            CannotTest: the target cannot be imported; says why.
            Stopped: the person cancelled meanwhile.
        """
        self._work = TemporaryDirectory(prefix="gryph-testing-")
        self._is_stopped = is_stopped
        self._budget = budget
        self._place = place
        self._is_plain = is_plain
        self.until_s = math.inf
        self._env = env
        self._sandbox = sandbox
        self.module = place.module
        self.executed = 0
        self._open()

    def _open(self) -> None:
        self._account = self._budget.account()
        left_s = min(max(1.0, self._budget.left_s), _CPU_LIMIT_S)
        left_s = left_s if self.is_bounded else _CPU_LIMIT_S
        start = command(self.entry, self._place, Path(self._work.name), self._env, left_s)
        self._talk = self._sandbox.open(start)
        try:
            self._import(self._place)
        except BaseException:
            self.close()
            raise

    def reopen(self) -> None:
        """Start anew after the driver was lost, with nothing known of what was reached.

        Raises:
            Lost: it does not start again.
        """
        self._talk.close()
        try:
            self._open()
        except CannotTest as problem:
            raise Lost(str(problem)) from problem

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the driver and remove its folder."""
        self._talk.close()
        self._work.cleanup()

    def _import(self, place: Place) -> None:
        request: Fact = {
            "do": "import",
            "module": place.module,
            "file": str(place.file),
            "root": str(place.root),
            "paths": place.import_paths,
            "borrowed": [[one.name, one.module, one.attribute] for one in place.borrowed],
            "is_plain": self._is_plain,
        }
        try:
            with understood():
                self._read(place, answer(self._talk, request, self._is_stopped))
        except Lost as problem:
            raise CannotTest(
                f"Importing `{place.path}` ended the process ({problem}); no test can import it. "
                'Move what it does on import behind `if __name__ == "__main__":`.'
            ) from problem

    def _read(self, place: Place, reply: Fact) -> None:
        if not reply.get("ok"):
            raise _import_problem(place, reply)
        self.import_cpu_s = seconds(reply.get("cpu_s"))
        self.start_cpu_s = seconds(reply.get("start_cpu_s", 0.0))
        self.plain_import_cpu_s = seconds(reply.get("import_cpu_s"))
        self._account.reported(self.import_cpu_s)
        if self._is_plain:
            return
        self.goals = tuple(_goal(one) for one in items(reply.get("goals")))
        self.reached = frozenset(number(one) for one in items(reply.get("reached")))
        self.offers: Offers = read_offers(reply.get("surface"))

    @property
    def cpu_s(self) -> float:
        """What the driver has spent so far."""
        return self._account.cpu_s

    @property
    def left_s(self) -> float:
        """What may still be asked."""
        return max(0.0, self.until_s - self._budget.spent_s)

    def run(
        self, calls: Sequence[Call], *, everything: bool = False, separate: bool = False
    ) -> list[Result]:
        """Execute calls, in order; results in the same order.

        `everything` asks for the full result of each, not only of those that show something new;
        `separate` gives each the module's state as it was after import.

        Raises:
            Lost: the driver is gone.
        """
        results: list[Result] = []
        for start in range(0, len(calls), _BATCH_CALLS):
            part = calls[start : start + _BATCH_CALLS]
            request: Fact = {
                "do": "batch",
                "everything": everything,
                "separate": separate,
                "candidates": candidates_of(part),
            }
            with understood():
                reply = self.ask(request)
                results.extend(read_result(one) for one in items(reply.get("results")))
        if len(results) != len(calls):
            raise Lost("results are missing")
        self.executed += len(calls)
        return results

    def ask(self, request: Fact) -> Fact:
        """What the driver answers; what it spent is charged.

        Raises:
            Lost: the driver is gone.
        """
        left_s = None if math.isinf(self.until_s) else self.left_s
        with understood():
            reply = answer(self._talk, {**request, "cpu_s": left_s}, _never)
            self._account.reported(seconds(reply.get("cpu_s")))
        return reply


def candidates_of(calls: Sequence[Call], first: int = 0) -> list[list[object]]:
    """Calls as the driver wants them, numbered from `first` on."""
    return [
        [number, one.offer.key, list(one.setup), one.source, one.subject]
        for number, one in enumerate(calls, first)
    ]


def _goal(value: object) -> Goal:
    kind, line, words = items(value)
    return Goal(text(kind), number(line), text(words))


def _import_problem(place: Place, reply: Fact) -> CannotTest:
    line = number(reply.get("line"))
    where = f"`{place.path}`" + (f" line {line}" if line else "")
    missing = optional_text(reply.get("missing"))
    if missing:
        return MissingPackage(where, missing)
    return CannotTest(_import_message(place, where, reply))


def _import_message(place: Place, where: str, reply: Fact) -> str:
    match reply.get("problem"):
        case "hang":
            return (
                f"Importing `{place.path}` did not end within 10 s, so no test can import it. "
                'Move what it waits for behind `if __name__ == "__main__":`.'
            )
        case "exit":
            return (
                f"Importing `{place.path}` exits the process (code {reply.get('message')}). "
                'Move what it does on import behind `if __name__ == "__main__":`.'
            )
        case _:
            pass
    cause = f"{reply.get('type')}: {reply.get('message')}"
    if reply.get("network"):
        return f"Importing {where} wants the network, which tests do not have: `{cause}`."
    return f"Importing {where} fails with `{cause}`; it has to import before it can be tested."
