"""A query as the measures see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from engines.matching.state.evidence import MOST_FILES, Evidence, path_keys
from engines.matching.state.similar import Alike
from engines.matching.state.table import Ints
from engines.matching.types import Query
from engines.text.words import words


@dataclass(frozen=True)
class Asked:
    """Who is asked about what, and what is known."""

    evidence: Evidence
    query: Query
    candidates: Sequence[int]
    row_of: Ints
    day: float
    """The clock of the history, which stands still where it ends: nobody's share depends on it,
    and a question is answered alike whenever it is asked."""
    paths: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many candidates there are."""
        return len(self.candidates)

    @cached_property
    def words(self) -> list[str]:
        """Of its text, in their order."""
        return words(self.query.text)

    @cached_property
    def like_text(self) -> Alike:
        """Earlier tasks with words of its text."""
        return self.evidence.texts.alike(self.words)

    @cached_property
    def like_path(self) -> Alike:
        """Earlier tasks with files or folders of it."""
        return self.evidence.paths.alike(path_keys(self.paths))


def asked_of(evidence: Evidence, query: Query, candidates: Sequence[int]) -> Asked:
    """Prepare a query."""
    paths = tuple(dict.fromkeys(query.files))[:MOST_FILES]
    row_of = evidence.row_of(candidates)
    return Asked(evidence, query, candidates, row_of, evidence.now, paths)
