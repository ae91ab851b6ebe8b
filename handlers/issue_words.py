"""Issues, as words name them: by their numbers, or by their milestone."""

import re
from collections.abc import Sequence

from handlers import IssueQuery, UserError

MOST_ISSUES = 200
_MILESTONE = re.compile(r"milestone:(.*)", re.IGNORECASE)
_NUMBER = re.compile(r"#(\d{1,9}),?")


def issues_meant(words: Sequence[str], verb: str) -> IssueQuery | None:
    """The issues that all of the words name; None where they do not.

    Raises:
        UserError: They are too many, or it is not said which milestone.
    """
    numbers = [_NUMBER.fullmatch(word) for word in words]
    if words and all(numbers):
        found = tuple(dict.fromkeys(int(each[1]) for each in numbers if each))
        if len(found) > MOST_ISSUES:
            raise UserError(f"At most {MOST_ISSUES} issues are taken together.")
        return IssueQuery(numbers=found)
    milestone = _MILESTONE.fullmatch(words[0]) if words else None
    if milestone is None:
        return None
    name = " ".join((milestone[1], *words[1:])).strip()
    if not name:
        raise UserError(f"Which milestone? `/gryph {verb} milestone:3`, or its title.")
    return IssueQuery(milestone=name)
