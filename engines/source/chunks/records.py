"""What is kept of a file, so that it is cut and embedded once for all checkouts."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engines.source.chunks.cutting import decoded
from engines.source.chunks.pieces import lines_as_text
from engines.source.chunks.types import Chunk, ChunkKind
from engines.text.arrays import Floats


@dataclass(frozen=True)
class RecordKey:
    """A content and how it was read; the same content under another ending is read otherwise."""

    blob: str
    """The name of the content, git's id of the blob."""
    manner: str
    """Language, version of the chunks, digest of the model."""


@dataclass(frozen=True)
class Record:
    """The chunks of a content without path and text, and the vectors of some of them."""

    chunks: bytes
    """JSON, deflated."""
    vectors: bytes
    """float16, shape (number of `owners`, dimensions)."""


class Shelf(Protocol):
    """Where records are kept from one time to the next."""

    def take(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Record]:
        """Those of the records that are there."""
        ...

    def put(self, records: Mapping[RecordKey, Record]) -> None:
        """Keep records; those that are there already may stay."""
        ...


class MemoryShelf:
    """Keeps records as long as it lives."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._records: dict[RecordKey, Record] = {}

    def take(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Record]:
        """See `Shelf`."""
        return {key: self._records[key] for key in keys if key in self._records}

    def put(self, records: Mapping[RecordKey, Record]) -> None:
        """See `Shelf`."""
        self._records.update(records)


@dataclass(frozen=True)
class Cut:
    """A file's chunks; `owners` are the indexes of those that the rows of `vectors` are of."""

    chunks: tuple[Chunk, ...]
    owners: tuple[int, ...]
    vectors: Floats


def packed(cut: Cut) -> Record:
    """What is kept of a file."""
    facts = [
        [one.kind, one.name, one.first_line, one.last_line, one.signature, one.summary, one.imports]
        for one in cut.chunks
    ]
    written = json.dumps({"chunks": facts, "owners": cut.owners}, separators=(",", ":"))
    return Record(zlib.compress(written.encode()), cut.vectors.astype("<f2").tobytes())


def unpacked(record: Record, path: str, language: str, content: bytes) -> Cut:
    """The chunks again, at a path; `content` is what they were cut from."""
    read = json.loads(zlib.decompress(record.chunks))
    lines = decoded(content).split("\n") if read["chunks"] else []
    chunks: list[Chunk] = []
    for kind, name, first, last, signature, summary, imports in read["chunks"]:
        text = lines_as_text(lines, first, last)
        facts = (first, last, text, signature, summary, tuple(imports))
        chunks.append(Chunk(path, language, ChunkKind(kind), name, *facts))
    vectors = np.frombuffer(record.vectors, "<f2").astype(np.float32)
    owners = tuple(read["owners"])
    return Cut(tuple(chunks), owners, vectors.reshape(len(owners), -1) if owners else _NONE)


_NONE: Floats = np.zeros((0, 0), np.float32)
