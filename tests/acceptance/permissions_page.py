"""docs/permissions.md: the table that the matrix is compared with, for people."""

from pathlib import Path

from tests.acceptance.permissions_expected import ASKS, PEOPLE, Outcome, Where, Who, expected

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
_HEAD = """\
# Who may do what

Written by `python -m tests.acceptance.permissions --write-docs`, which also tries every square of
it, freshly said, edited in and delivered three times, over the real faces, and counts what came
out otherwise. A dash: refused, and told why.

Permission is asked from the platform when a command is handled and again before a job starts: on
GitHub the repository's permission, in Slack and Discord the member's, on the console the token's.
A job belongs to the place it was asked in. From anywhere else it is known to who asked for it, and
to those whose own or linked GitHub account may read its repository (write to it, if it was asked
for in a chat); everybody else gets the answer for a job that does not exist. The operator of the
installation reaches all jobs, an administrator of the console those asked for there (and the list of all in the
dashboard). A job's files
are behind links that nobody can guess; whoever is given one can open it.
"""
_NOTES = """\

- Reactions are votes and nothing else: none of them cancels, approves or applies.
- An approval is for one whole commit and counts while who gave it has write access.
- `match decline` is for somebody else there: whoever is named may always decline, and who asked
  for the match, with read access, may pass them over. `match assign` from a chat or the console
  needs a linked GitHub account that may write, and read access in the place.
- `apply` from a chat or the console needs a linked GitHub account; files on this machine are the
  operator's alone.
- The operator's role is given with `gryph role`; it opens no repository that GitHub keeps closed.
- On Discord and the console, whoever can speak at all has read access.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(f"\n## {where}\n\n{_table(where)}" for where in Where) + _NOTES


def _table(where: Where) -> str:
    people = PEOPLE[where]
    lines = [
        "| | " + " | ".join(people) + " |",
        "|---|" + "---|" * len(people),
        *(_row(where, people, ask) for ask in ASKS),
    ]
    return "\n".join(lines) + "\n"


def _row(where: Where, people: tuple[Who, ...], ask: str) -> str:
    outcomes: list[Outcome] = [expected(where, who, ask) for who in people]
    return f"| `{ask}` | " + " | ".join(outcomes) + " |"
