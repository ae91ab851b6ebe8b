"""Finds the code that a wish has to do with, in the shape in which a model is shown it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.generation.tasks import Excerpt
from engines.sandbox.environments.types import Environment
from engines.watch import Watch
from jobs.code_search import CodeSearch


@dataclass(frozen=True)
class SearchGround:
    """What is searched, and who watches."""

    repository: str
    root: Path
    environment: Environment | None
    """None where nothing of it is installed."""
    watch: Watch


@dataclass(frozen=True)
class CodeFinder:
    """Finds excerpts by words and by meaning."""

    search: CodeSearch

    def __call__(
        self, ground: SearchGround, query: str, most: int, near: str | None = None
    ) -> Sequence[Excerpt]:
        """At most so many, best first; `near` is the path of what the query is about.

        Raises:
            Stopped: The job was cancelled meanwhile.
        """
        index = self.search.search_for(
            ground.repository, ground.root, ground.watch, ground.environment
        )
        return [
            Excerpt(
                path=hit.chunk.path,
                first_line=hit.chunk.first_line,
                last_line=hit.chunk.last_line,
                text=hit.chunk.text,
                origin=hit.chunk.origin,
            )
            for hit in index.query(query, most, path_hint=near)
        ]
