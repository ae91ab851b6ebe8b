"""GitHub's places: an issue, a pull request, or a thread of review comments on a line of one.

`Place.thread` is "12", or "12/991" in the review thread that comment 991 opened.
"""

from dataclasses import dataclass

from typing_extensions import override

from bot.face import Undeliverable
from handlers import Place, Platform


@dataclass(frozen=True)
class Thread:
    """Where a conversation stands within a repository."""

    number: int
    review_comment: int | None = None
    """The first comment of a review thread."""

    @override
    def __str__(self) -> str:
        """As `Place.thread` holds it."""
        suffix = "" if self.review_comment is None else f"/{self.review_comment}"
        return f"{self.number}{suffix}"


def thread_of(place: Place) -> Thread:
    """The thread that `place` names. Raises Undeliverable when it names none."""
    number, _, comment = (place.thread or "").partition("/")
    if not number.isdecimal() or (comment and not comment.isdecimal()):
        raise Undeliverable(f"no issue or pull request is named by {place.thread!r}")
    return Thread(int(number), int(comment) if comment else None)


def place_of(repository: str, thread: Thread, installation: str | None = None) -> Place:
    """The place of a thread."""
    return Place(
        platform=Platform.GITHUB,
        workspace=repository.partition("/")[0],
        channel=repository,
        thread=str(thread),
        installation=installation,
    )
