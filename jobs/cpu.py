"""What a worker of the queue `cpu` does: tests, with models behind endpoints to ask for some,
plans, and matches.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from typing import Any

from engines.generation.routing import Withdrawn
from engines.generation.types import Backend
from jobs import test_changes, test_code
from jobs.desk import Desk, Done, Work
from jobs.earlier import EarlierJobs
from jobs.match_lessons import Lessons
from jobs.model_opening import opener
from jobs.models import Models, Opener
from jobs.requests import ChangePlan, ComparePlans, MatchRequest, PlanFile, PlanTalk
from jobs.workshop import Workshop
from storage.database import Database
from storage.models import LOADED, RegisteredModel

CPU_WORKS: Mapping[str, Work] = {"test": test_code.run, "changes": test_changes.run}
"""The registry of the queue, by kind of request; without models to ask."""

_PLANNING = {
    "plan": "of_file",
    "plan-talk": "of_talk",
    "change-plan": "change",
    "compare-plans": "compare",
}
"""What of `jobs.plan_work.Planner` serves which kind of request."""
PlanRequest = PlanFile | PlanTalk | ChangePlan | ComparePlans


_MATCHING = {"match": "task", "match-batch": "batch", "match-knowledge": "knowledge"}
"""What of `jobs.match_work.Finder` serves which kind of request."""


@contextmanager
def cpu_works(shop: Workshop) -> Generator[tuple[Mapping[str, Work], Models]]:
    """The jobs of the queue, and the models that they may ask."""
    opened = endpoints_only(opener(shop.keys, shop.settings, shop.redactor))
    models, lessons = Models(shop.database, opened), Lessons()
    try:
        tests = {**CPU_WORKS, "test": partial(test_code.run, models=models)}
        plans = planning_works(EarlierJobs(shop.database, shop.store))
        yield {**tests, **plans, **matching_works(shop.database, lessons)}, models
    finally:
        lessons.close()
        models.close()


def planning_works(earlier: EarlierJobs) -> Mapping[str, Work]:
    """The jobs behind `plan`, which may look at each other's plans."""

    def work(method: str) -> Work:
        def run(request: PlanRequest, desk: Desk) -> Done:
            # Only here: who asks for no plan has no use for what it imports.
            planner: Any = import_module("jobs.plan_work").Planner(earlier)
            done: Done = getattr(planner, method)(request, desk)
            return done

        return run

    return {kind: work(method) for kind, method in _PLANNING.items()}


def matching_works(database: Database, lessons: Lessons) -> Mapping[str, Work]:
    """The jobs behind `match`, which look up what people said of themselves, and have learned later
    what they do not wait for.
    """

    @cache
    def finder() -> Any:  # only once somebody asks: no other job has a use for what it imports
        pasts = import_module("jobs.match_history").Pasts(lessons)
        return import_module("jobs.match_work").Finder(database, pasts)

    def work(kind: str) -> Work:
        def run(request: MatchRequest, desk: Desk) -> Done:
            done: Done = getattr(finder(), _MATCHING[kind])(request, desk)
            return done

        return run

    return {kind: work(kind) for kind in _MATCHING}


def endpoints_only(opened: Opener) -> Opener:
    """Opens no weights: the device and its memory are those of the queue `gpu`."""

    def open_(model: RegisteredModel) -> Backend:
        if model.kind in LOADED:
            raise Withdrawn(
                "its weights are loaded by the worker of the queue gpu, and tests are written on "
                "the others: serve it as an endpoint for them"
            )
        return opened(model)

    return open_
