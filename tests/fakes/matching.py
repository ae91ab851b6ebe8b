"""A worker that names the same people for every task, so that what people decide can be tested."""

from dataclasses import replace

from jobs.desk import Desk, Done
from jobs.match_buttons import choice_buttons
from jobs.messages import Actions, Reply, Text, say
from jobs.requests import JobRequest, MatchBatch, MatchKnowledge, MatchTask
from storage import matches
from storage.clock import utc_now
from storage.database import Database
from storage.matches import About, Named, Suggested

PEOPLE = (
    Named("ana@home", "Ana Lovelace", "ana", ("4 of 6 files changed in the last 90 days",)),
    Named("bo@home", "Bo Diddley", "bo", ("reviewed 3 of 5",)),
    Named("cy@home", "Cy Twombly"),
)
ABOUT = About(
    ("src/a.py",),
    ("reconnect", "socket"),
    {"ana@home": 0.7, "bo@home": 0.25},
    ("Dee Dee: away until 4 December",),
)
OTHERS = (Named("dee@home", "Dee Dee"),)


class Matching:
    """A worker that names the same people for every task."""

    def __init__(self, database: Database) -> None:
        """Notes whom it names."""
        self._database = database
        self.is_confident = True

    def __call__(self, request: JobRequest, desk: Desk) -> Done:
        """Name them."""
        assert isinstance(request, MatchTask | MatchBatch | MatchKnowledge)
        if isinstance(request, MatchKnowledge):
            return Done("known", Reply(summary="known"))
        is_batch = isinstance(request, MatchBatch)
        if isinstance(request, MatchTask) and request.unasked and not self.is_confident:
            return Done("nobody", say("No confident candidate."))
        tasks = request.tasks if isinstance(request, MatchBatch) else (request.task,)
        for task in tasks:
            found = Suggested(
                job=desk.job,
                repository=request.repository,
                target=matches.target_of(number=task.number, path=task.named, text=task.title),
                named=task.named,
                people=PEOPLE,
                confidence=0.7,
                mode="reviewer" if task.is_pull else "author",
                number=task.number,
                is_pull=task.is_pull,
                about=replace(ABOUT, author=task.author),
                others=OTHERS,
            )
            self._database.write_now(lambda s, found=found: matches.suggest(s, found, utc_now()))
        buttons = [
            choice_buttons(
                desk.job, task.named if is_batch else "", on_host=task.number is not None
            )
            for task in tasks
        ]
        text = Text(markdown="Ana Lovelace")
        blocks = (text, *(Actions(actions=each) for each in buttons))
        return Done("named", Reply(summary="Ana Lovelace", blocks=blocks))
