"""A worker whose `test` takes a moment instead of CPU seconds; everything else is the real one.

`python -m tests.acceptance.campaign.quick_worker`: the campaigns ask for thousands of jobs, and
what they look at is the way there and back.
"""

import asyncio
import logging
import random
import time

from engines.watch import Stopped
from jobs.desk import Desk, Done, NewArtifact
from jobs.messages import Reply, Text
from jobs.requests import (
    ChangePlan,
    ComparePlans,
    JobRequest,
    MatchBatch,
    MatchTask,
    PlanTalk,
)
from jobs.settings import WorkerSettings
from jobs.worker import serve
from storage.logs import set_up_logging

SHORTEST_S, LONGEST_S = 0.05, 2.0
STEP_S = 0.05
LONG = "long"
"""A path with this word takes until it is stopped, two minutes at most."""
LONG_S = 120.0


def run(request: JobRequest, desk: Desk) -> Done:
    """Pass the time that the path decides, telling how far it is and writing a draft.

    Raises:
        Stopped: It was asked to.
    """
    path = _path(request)
    dice = random.Random(path)  # noqa: S311 - the same file takes the same time
    length_s = LONG_S if LONG in path else dice.uniform(SHORTEST_S, LONGEST_S)
    ends = time.monotonic() + length_s
    draft = ""
    while (left_s := ends - time.monotonic()) > 0:
        if desk.watch.stop_requested():
            raise Stopped
        desk.watch.report("looking", 1 - left_s / length_s)
        draft += f"{len(draft)} characters about `{path}`\n\n"
        desk.watch.draft(draft)
        time.sleep(min(STEP_S, left_s))
    text = f"looked at {path}"
    if dice.random() < 0.25:
        desk.keep(NewArtifact("found.txt", "text/plain", text.encode()))
    return Done(text, Reply(summary=text, blocks=(Text(markdown=text),)))


def _path(request: JobRequest) -> str:
    if isinstance(request, PlanTalk | ChangePlan | ComparePlans | MatchTask | MatchBatch):
        return request.kind
    return request.path or ""


def main() -> None:
    """The process' entry."""
    set_up_logging()
    logging.getLogger("arq").setLevel(logging.WARNING)
    asyncio.run(serve(WorkerSettings(), {"test": run}))


if __name__ == "__main__":
    main()
