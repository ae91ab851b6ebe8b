"""Who may do what, written down by hand from the design: the other side of every comparison.

Nothing here is computed from the code under test. Whoever is not named is refused.
"""

from collections.abc import Mapping
from enum import StrEnum


class Who(StrEnum):
    """A person, by what they are to the place, the pull request and the job."""

    STRANGER = "anyone (T0)"
    AUTHOR = "the pull request's author (T1)"
    READER = "read access (T2)"
    WRITER = "write access (T3)"
    ADMIN = "administrator (T4)"
    OPERATOR = "operator (T5)"
    REQUESTER = "who asked for the job, with no other right"
    LINKED = "a chat member whose linked GitHub account has write access"


class Where(StrEnum):
    """Where the command is given: the face, and on GitHub whose code the pull request holds."""

    GITHUB_OWN = "GitHub, own branch"
    GITHUB_FORK = "GitHub, fork"
    SLACK = "Slack"
    DISCORD = "Discord"
    CONSOLE = "console"


class How(StrEnum):
    """How the command arrives."""

    FRESH = "fresh"
    EDITED = "edited in"
    REDELIVERED = "delivered three times"


class Outcome(StrEnum):
    """What comes of it."""

    RUNS = "runs"
    WAITS = "waits for approval"
    CANCELS = "cancels"
    APPROVES = "approves"
    OPENS = "opens a pull request"
    ASSIGNS = "assigns it"
    VOTES = "votes"
    SETS = "sets it"
    ANSWERS = "is answered"
    REFUSED = "-"


ASKS: Mapping[str, str] = {
    "test": "test src/a.py",
    "generate": "generate a parser of ini files",
    "plan": "plan plan.toml",
    "match": "match src/a.py",
    "match take": "match take {job}",
    "match decline": "match decline {job}",
    "match assign": "match assign {job}",
    "status": "status {job}",
    "cancel": "cancel {job}",
    "retry": "retry {job}",
    "explain": "explain {job}",
    "approve": "approve {sha}",
    "apply": "apply {job}",
    "feedback": "feedback {job} up",
    "link": "link github:somebody",
    "config": "config",
    "config style=…": "config style=unittest",
    "config repository=…": "config repository=acme/shop",
    "quota": "quota",
    "help": "help",
}
"""One line for each thing that can be asked, by what the table calls it. `link` with an account is
for direct messages and the console; in public it is refused to all."""

PEOPLE: Mapping[Where, tuple[Who, ...]] = {
    Where.GITHUB_OWN: tuple(who for who in Who if who is not Who.LINKED),
    Where.GITHUB_FORK: tuple(who for who in Who if who is not Who.LINKED),
    Where.SLACK: tuple(who for who in Who if who is not Who.AUTHOR),
    # Whoever can speak on a server is a member of it; every console token has a role.
    Where.DISCORD: tuple(who for who in Who if who not in (Who.AUTHOR, Who.STRANGER)),
    Where.CONSOLE: tuple(who for who in Who if who not in (Who.AUTHOR, Who.STRANGER)),
}

_ALL = frozenset(Who)
_KNOWN = _ALL - {Who.STRANGER, Who.AUTHOR, Who.REQUESTER, Who.LINKED}
"""Whom the repository or the place itself gives at least read access."""
_WRITE = frozenset({Who.WRITER, Who.ADMIN, Who.OPERATOR})
_RULE = frozenset({Who.ADMIN, Who.OPERATOR})
_AUTHOR, _ASKED, _LINKED = {Who.AUTHOR}, {Who.REQUESTER}, {Who.LINKED}

Rules = Mapping[str, Mapping[Outcome, frozenset[Who]]]

_EVERYWHERE: Rules = {
    "status": {Outcome.ANSWERS: _ALL},
    "explain": {Outcome.ANSWERS: _ALL},
    "feedback": {Outcome.VOTES: _ALL},
    "link": {},
    "quota": {Outcome.ANSWERS: _ALL},
    "help": {Outcome.ANSWERS: _ALL},
    "config": {Outcome.ANSWERS: _KNOWN},
    "config style=…": {Outcome.SETS: _KNOWN},
    "config repository=…": {Outcome.SETS: _RULE},
}
_GITHUB: Rules = {
    **_EVERYWHERE,
    "test": {Outcome.RUNS: _WRITE | _AUTHOR},
    "generate": {Outcome.RUNS: _WRITE | _AUTHOR},
    "plan": {Outcome.RUNS: _KNOWN},
    "match": {Outcome.RUNS: _KNOWN},
    "match take": {Outcome.SETS: _KNOWN},
    # For somebody else; whoever is named may always.
    "match decline": {Outcome.SETS: _WRITE},
    "match assign": {Outcome.ASSIGNS: frozenset({Who.WRITER, Who.ADMIN})},
    "retry": {Outcome.RUNS: _WRITE | _AUTHOR},
    "cancel": {Outcome.CANCELS: _WRITE | _AUTHOR | _ASKED},
    "approve": {},
    # The operator's role is ours to give; writing is for whom GitHub itself lets write.
    "apply": {Outcome.OPENS: frozenset({Who.WRITER, Who.ADMIN})},
}
_CHAT: Rules = {
    **_EVERYWHERE,
    "test": {Outcome.RUNS: _WRITE},
    "generate": {Outcome.RUNS: _WRITE},
    "plan": {Outcome.RUNS: _KNOWN},
    "match": {Outcome.RUNS: _KNOWN},
    "match take": {Outcome.SETS: _KNOWN},
    "match decline": {Outcome.SETS: _WRITE},
    # Whoever may read here and has no linked account cannot; whoever has one may not read here.
    "match assign": {},
    "retry": {Outcome.RUNS: _WRITE | _LINKED},
    "cancel": {Outcome.CANCELS: _WRITE | _ASKED | _LINKED},
    "approve": {},
    # A chat's word is not GitHub's: without a linked account nobody writes from here.
    "apply": {Outcome.OPENS: frozenset(_LINKED)},
}
# On Discord and the console who is linked, or once asked, is a member with read access besides.
_READERS_TOO: Rules = {
    "config": {Outcome.ANSWERS: _ALL},
    "config style=…": {Outcome.SETS: _ALL},
    "plan": {Outcome.RUNS: _ALL},
    "match": {Outcome.RUNS: _ALL},
    "match take": {Outcome.SETS: _ALL},
    "match decline": {Outcome.SETS: _WRITE | _ASKED},
    "match assign": {Outcome.ASSIGNS: frozenset(_LINKED)},
}
RULES: Mapping[Where, Rules] = {
    Where.GITHUB_OWN: _GITHUB,
    Where.GITHUB_FORK: {
        **_GITHUB,
        "test": {Outcome.WAITS: _WRITE | _AUTHOR},
        "generate": {Outcome.WAITS: _WRITE | _AUTHOR},
        "retry": {Outcome.WAITS: _WRITE | _AUTHOR},
        "approve": {Outcome.APPROVES: _WRITE},
    },
    Where.SLACK: _CHAT,
    Where.DISCORD: {**_CHAT, **_READERS_TOO},
    Where.CONSOLE: {
        **_CHAT,
        **_READERS_TOO,
        # A writer's token alone opens no repository of the code host; see decision 5.
        "test": {Outcome.RUNS: _RULE},
        "generate": {Outcome.RUNS: _RULE},
        # Reading is enough for a plan, and whoever has linked an account reads by it.
        "plan": {Outcome.RUNS: _RULE | _LINKED},
        "match": {Outcome.RUNS: _RULE | _LINKED},
        "retry": {Outcome.RUNS: _RULE | _LINKED},
        "link": {Outcome.ANSWERS: _ALL},
    },
}


def expected(where: Where, who: Who, ask: str) -> Outcome:
    """What the design says comes of it; how it arrives makes no difference."""
    for outcome, people in RULES[where][ask].items():
        if who in people:
            return outcome
    return Outcome.REFUSED
