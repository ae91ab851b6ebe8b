"""From files to an index, cutting and embedding only what no shelf has."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from engines.source.chunks.cutting import VERSION, cut
from engines.source.chunks.gist import gist, with_gist
from engines.source.chunks.index import CodeIndex
from engines.source.chunks.languages import language_of
from engines.source.chunks.records import Cut, Record, RecordKey, Shelf, packed, unpacked
from engines.source.chunks.types import CODE, Chunk
from engines.text.arrays import Floats
from engines.text.embedding import Embedder
from engines.watch import Stopped, Watch

_FILES_AT_ONCE = 64
"""Read, looked up, embedded and kept together."""
_HEAD_LINES = 25


@dataclass(frozen=True)
class SourceFile:
    """A file to be searched. `blob` names its content; the same name is the same content."""

    path: str
    content: bytes
    blob: str
    origin: str = ""
    """Distribution and version of an installed package; of those only public names are kept."""


@dataclass(frozen=True)
class Indexing:
    """With what an index is made."""

    embedder: Embedder | None
    """None to search by words alone."""
    shelf: Shelf
    watch: Watch


def code_index(files: Iterable[SourceFile], indexing: Indexing) -> CodeIndex:
    """The index of some files. Raises as `cuts_of`."""
    return CodeIndex(cuts_of(files, indexing), indexing.embedder)


def cuts_of(files: Iterable[SourceFile], indexing: Indexing) -> list[Cut]:
    """The chunks and vectors of some files, for a `CodeIndex`.

    What was embedded before a stop stays on the shelf.

    Raises:
        Stopped: The watch asked for it.
    """
    cuts: list[Cut] = []
    waiting = iter(files)
    while some := list(islice(waiting, _FILES_AT_ONCE)):
        cuts += _cuts(some, indexing)
        indexing.watch.report(f"reading the code: {len(cuts):,} files")
    return cuts


def _cuts(files: Sequence[SourceFile], indexing: Indexing) -> Iterator[Cut]:
    """The chunks and vectors of some files, in their order."""
    keys = [_key(one, indexing.embedder) for one in files]
    there = dict(indexing.shelf.take(keys))
    missing = {key: one for key, one in zip(keys, files, strict=True) if key not in there}
    made = _made(missing, indexing)
    if made:
        indexing.shelf.put(made)
    there |= made
    for key, one in zip(keys, files, strict=True):
        found = unpacked(there[key], one.path, language_of(one.path) or "", one.content)
        chunks = tuple(replace(each, origin=one.origin) for each in found.chunks)
        yield replace(found, chunks=chunks if one.origin else found.chunks)


def _made(files: dict[RecordKey, SourceFile], indexing: Indexing) -> dict[RecordKey, Record]:
    """Records of files that no shelf had; their texts are embedded together."""
    chunks: dict[RecordKey, tuple[Chunk, ...]] = {}
    for key, one in files.items():
        if indexing.watch.stop_requested():
            raise Stopped
        chunks[key] = _wanted(one)
    owners = {key: with_gist(some) if indexing.embedder else [] for key, some in chunks.items()}
    texts = [gist(chunks[key][index]) for key, some in owners.items() for index in some]
    vectors = _vectors(texts, indexing)
    records: dict[RecordKey, Record] = {}
    start = 0
    for key, some in owners.items():
        end = start + len(some)
        records[key] = packed(Cut(chunks[key], tuple(some), vectors[start:end]))
        start = end
    return records


def _vectors(texts: Sequence[str], indexing: Indexing) -> Floats:
    if indexing.embedder is None or not texts:
        return np.zeros((0, 0), np.float32)
    return indexing.embedder.embed(texts, indexing.watch)


def _wanted(file: SourceFile) -> tuple[Chunk, ...]:
    chunks = cut(file.path, file.content)
    return tuple(_head(one) for one in chunks if _is_public(one)) if file.origin else chunks


def _head(chunk: Chunk) -> Chunk:
    """The first lines of what others wrote: how it is called and what it says of itself."""
    text = "\n".join(chunk.text.split("\n")[:_HEAD_LINES])
    last = min(chunk.last_line, chunk.first_line + _HEAD_LINES - 1)
    return replace(chunk, text=text, last_line=last)


def _is_public(chunk: Chunk) -> bool:
    """Whether it is a definition whose names do not begin with an underscore."""
    return chunk.kind in CODE and not any(part.startswith("_") for part in chunk.name.split("."))


def _key(file: SourceFile, embedder: Embedder | None) -> RecordKey:
    model = embedder.digest if embedder is not None else "words"
    part = "public" if file.origin else "all"
    return RecordKey(file.blob, f"{VERSION} {language_of(file.path)} {part} {model}")
