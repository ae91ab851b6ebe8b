"""What a repository's closed issues teach about its open ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from engines.planning.calendars import Hours, WorkingTime
from engines.planning.estimates import LONGEST_DAYS, Estimate, parse_work, say_work
from engines.planning.history import Finished, History, learn
from jobs.plan_estimates import estimate_in
from jobs.requests import ClosedIssue

MOST_CV = 2.0
"""More uncertainty than that is never planned with."""


@dataclass
class Learned:
    """Estimates as earlier issues came out, and which issues they were used for."""

    history: History
    day: int
    """Working minutes."""
    corrected: list[int] = field(default_factory=list[int])
    """Numbers of issues whose estimates were corrected."""
    typical: list[int] = field(default_factory=list[int])
    """Numbers of issues that are taken for as long as others like them."""

    def estimate(self, number: int, said: str, labels: Sequence[str]) -> tuple[str, float] | None:
        """What is to be planned with, as an amount and its uncertainty; None where nothing was
        learned.
        """
        if said:
            found = self.history.corrected(parse_work(said, self.day))
            kept = self.corrected
        else:
            found, kept = self.history.typical(labels), self.typical
        if found is None:
            return None
        kept.append(number)
        return self._told(found)

    def _told(self, found: Estimate) -> tuple[str, float]:
        minutes = min(max(1, found.mean), LONGEST_DAYS * self.day)
        return say_work(minutes, self.day), round(min(MOST_CV, found.cv), 3)


def learned_from(closed: Sequence[ClosedIssue], hours: Hours, zone: tzinfo) -> Learned:
    """What they teach, in working time by these hours."""
    if not closed:
        return Learned(learn(()), hours.day)
    start = min(one.taken_up_at for one in closed).astimezone(zone)
    time = WorkingTime(start, hours, {})
    finished = [
        Finished(
            max(1, time.tick(one.closed_at) - time.tick(one.taken_up_at)),
            parse_work(said, hours.day) if (said := estimate_in(one.body, one.labels)) else None,
            one.labels,
        )
        for one in closed
    ]
    return Learned(learn(finished), hours.day)
