"""The two versions of a module, imported in one sandboxed process each, given the same calls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from engines.sandbox.sandbox import Sandbox
from engines.testing.behaviour.questions import Question
from engines.testing.behaviour.sights import Sight, read_sight
from engines.testing.budget import Budget
from engines.testing.facts import Fact, items, seconds
from engines.testing.jailed import Jail, Lost, answer, understood
from engines.testing.places import Place

_BATCH = 200


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Manner:
    """How questions are asked."""

    is_separate: bool = False
    """Each from the module's state after import."""
    is_patient: bool = False
    """With more time for each."""
    random_state: int = 1
    """What `random.seed` is given before each."""


QUICK = Manner()


class Side(Jail):
    """One version; `focus` are the goals of interest, numbers as in `goals`."""

    entry = "comparison"
    is_bounded = False
    focus: frozenset[int] = frozenset()
    executed: int

    def look(self, questions: Sequence[Question], manner: Manner = QUICK) -> list[Sight]:
        """Ask all questions; answers in the same order.

        Raises:
            Lost: the process is gone.
        """
        sights: list[Sight] = []
        for start in range(0, len(questions), _BATCH):
            part = questions[start : start + _BATCH]
            request: Fact = {
                "do": "batch",
                "separate": manner.is_separate,
                "patient": manner.is_patient,
                "random_state": manner.random_state,
                "focus": sorted(self.focus),
                "candidates": [
                    [place, one.call.offer.key, list(one.setup), one.source, one.subjects]
                    for place, one in enumerate(part)
                ],
            }
            with understood():
                reply = answer(self._talk, request, _never)
                sights.extend(read_sight(one) for one in items(reply.get("results")))
                self._account.reported(seconds(reply.get("cpu_s")))
        if len(sights) != len(questions):
            raise Lost("results are missing")
        self.executed += len(questions)
        return sights


@dataclass(frozen=True)
class Rooms:
    """How the two sides are opened."""

    sandbox: Sandbox
    base: Place
    head: Place
    budget: Budget
    is_stopped: Callable[[], bool]

    def opened(self, env: Mapping[str, str]) -> "Pair":
        """Import both versions, under these settings.

        Raises:
            CannotTest: one of them cannot be imported.
            Stopped: the person cancelled meanwhile.
        """
        base = Side(self.sandbox, self.base, self.is_stopped, env, self.budget)
        try:
            head = Side(self.sandbox, self.head, self.is_stopped, env, self.budget)
        except BaseException:
            base.close()
            raise
        return Pair(base, head)


@dataclass
class Pair:
    """Both sides under the same settings."""

    base: Side
    head: Side

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.base.close()
        self.head.close()

    @property
    def import_cpu_s(self) -> float:
        """What it costs to open both sides once more."""
        return self.base.import_cpu_s + self.head.import_cpu_s

    @property
    def executed(self) -> int:
        """Calls executed on either side."""
        return self.base.executed + self.head.executed

    def look(
        self, questions: Sequence[Question], manner: Manner = QUICK
    ) -> list[tuple[Sight, Sight]]:
        """How each question comes out on base and head.

        Raises:
            Lost: one of the processes is gone.
        """
        base = self.base.look(questions, manner)
        head = self.head.look(questions, manner)
        return list(zip(base, head, strict=True))
