"""Issues, as words name them: by their numbers, or by their milestone."""

import re
from collections.abc import Sequence

from handlers import IssueQuery, UserError
from jobs.wording import code

MOST_ISSUES = 200
_MILESTONE = re.compile(r"milestone:(.*)", re.IGNORECASE)
_NUMBERS = re.compile(r"#\d{1,9}(?:,#\d{1,9})*,?")
_ALMOST = re.compile(
    r"(?:(?:issues?|ticket|bug|gh|pr|mr|pull|(?:pull|merge)[- ]request)[ -]*)?[#!]?(\d{1,9})",
    re.IGNORECASE,
)
_SPOKEN = 2
"""Words of "milestone 3"."""


def issues_meant(words: Sequence[str], verb: str) -> IssueQuery | None:
    """The issues that all of the words name; None where they do not.

    Raises:
        UserError: They are too many, or it is not said which milestone.
    """
    if words and all(map(_NUMBERS.fullmatch, words)):
        numbers = re.findall(r"\d+", " ".join(words))
        found = tuple(dict.fromkeys(map(int, numbers)))
        if len(found) > MOST_ISSUES:
            raise UserError(f"At most {MOST_ISSUES} issues are taken together.")
        return IssueQuery(numbers=found)
    if len(words) == _SPOKEN and words[0].casefold() == "milestone":
        raise UserError(
            f"A milestone is named {code(f'/gryph {verb} milestone:{words[1]}')}, by its number or "
            "its title."
        )
    milestone = _MILESTONE.fullmatch(words[0]) if words else None
    if milestone is None:
        return None
    name = " ".join((milestone[1], *words[1:])).strip()
    if not name:
        raise UserError(f"Which milestone? `/gryph {verb} milestone:3`, or its title.")
    return IssueQuery(milestone=name)


def number_meant(words: Sequence[str]) -> int | None:
    """The one issue or pull request that is spelled as people say it ("PR 3", "issue 12", "12");
    None where the words are something else.
    """
    found = _ALMOST.fullmatch(" ".join(words))
    is_spoken = found is not None and not any(" " in word for word in words)
    return int(found[1]) if found is not None and is_spoken else None
