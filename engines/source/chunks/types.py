"""A piece of a file that is searched for and shown as a whole."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class ChunkKind(StrEnum):
    """What a chunk is cut around."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    """A class, interface, struct or the like, without its methods."""
    MODULE = "module"
    """What lies between definitions."""
    SECTION = "section"
    """A part of a file that is not code, or is in a language without a grammar here."""


CODE = frozenset({ChunkKind.FUNCTION, ChunkKind.METHOD, ChunkKind.CLASS})
"""The kinds that stand for one definition with a name."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines of a file. Lines count from 1; both ends are included."""

    path: str
    """Relative to the root that was cut, with `/`."""
    language: str
    kind: ChunkKind
    name: str
    """Qualified by what encloses it (`Client.send`); the heading of a section; may be empty."""
    first_line: int
    last_line: int
    text: str
    signature: str = ""
    """Of a definition, on one line."""
    summary: str = ""
    """The first sentence of its documentation."""
    imports: tuple[str, ...] = ()
    """The import statements of the file whose names it uses."""
    origin: str = ""
    """Distribution and version, for what is not the repository's own."""

    @property
    def digest(self) -> str:
        """Of the text: 32 hex digits (BLAKE2b)."""
        return hashlib.blake2b(self.text.encode("utf-8", "replace"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Definition:
    """Where a definition stands in a file, as a reader of its language found it.

    Later ones lie within or after earlier ones; the innermost owns a line.
    """

    first_line: int
    last_line: int
    kind: ChunkKind
    name: str
    signature: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Outline:
    """The definitions of a file in the order of their first lines, and its imports as written."""

    definitions: tuple[Definition, ...]
    imports: tuple[str, ...] = ()
    rest: ChunkKind = ChunkKind.MODULE
    """What lines of no definition are."""
