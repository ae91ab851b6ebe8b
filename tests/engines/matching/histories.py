"""Hand-made histories: tasks of people who are one letter each."""

from collections.abc import Sequence

from engines.matching.types import Merged, Signature, Touch

DAY_S = 86_400


def signed(letter: str) -> Signature:
    """Somebody with a name of one word and an address: nobody else's."""
    return Signature(letter, f"{letter}@x")


def task(
    author: Signature | str,
    merged_s: int,
    *paths: str,
    started_s: int | None = None,
    reviewers: Sequence[str] = (),
    text: str = "",
    commits: int = 1,
) -> Merged:
    """One that is begun as it is merged, unless said otherwise; its sha tells both."""
    who = signed(author) if isinstance(author, str) else author
    return Merged(
        sha=f"{who.name} {merged_s}",
        started_s=merged_s if started_s is None else started_s,
        merged_s=merged_s,
        author=who,
        others=(),
        reviewers=tuple(signed(one) for one in reviewers),
        touches=tuple(Touch(path) for path in paths),
        text=text,
        commits=commits,
        by_bot=False,
    )
