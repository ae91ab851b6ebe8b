"""The buttons under a match, the same wherever it is told."""

from jobs.messages import Action
from storage.ids import JobId

VERB = "match"
TAKE, DECLINE, SUGGEST, ASSIGN = "take", "decline", "suggest", "assign"
BUSY, AWAY, NOT_MINE = "busy", "away", "not-mine"
"""Reasons of a refusal that buttons offer."""


def choice_buttons(job: JobId, named: str = "", *, on_host: bool) -> tuple[Action, ...]:
    """Take, Decline, Suggest someone and, for what is on a code host, Assign.

    `named` is the task where the job has several ("#12").
    """
    made = (
        Action(verb=VERB, label="Take", job=job, words=_words(TAKE, named), primary=True),
        Action(verb=VERB, label="Decline", job=job, words=_words(DECLINE, named)),
        Action(verb=VERB, label="Suggest someone", job=job, words=_words(SUGGEST, named)),
    )
    if not on_host:
        return made
    return (*made, Action(verb=VERB, label="Assign", job=job, words=_words(ASSIGN, named)))


def _words(choice: str, named: str) -> str:
    return f"{choice} {named}".rstrip()
