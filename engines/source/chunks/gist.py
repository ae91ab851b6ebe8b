"""What is searched of a chunk: its words, and the few of them that tell its meaning."""

import re
from collections.abc import Sequence

from engines.source.chunks.languages import PROSE
from engines.source.chunks.types import CODE, Chunk, ChunkKind
from engines.text.words import identifier_parts, words

_NAME_WEIGHT = 2
"""Times that the words of a qualified name count in addition."""
_LAST_NAME_WEIGHT = 3
"""And those of its last part once more."""
_PROSE_CHARS = 300
_SUFFIX = re.compile(r"\.\w+$")


def words_of(chunk: Chunk) -> list[str]:
    """The words by which a chunk is found, with the weight of repetition."""
    last = chunk.name.rpartition(".")[2]
    return [
        *words(chunk.text),
        *words(chunk.name) * _NAME_WEIGHT,
        *words(last) * _LAST_NAME_WEIGHT,
        *words(_SUFFIX.sub("", chunk.path)),
    ]


def gist(chunk: Chunk) -> str:
    """The text that is embedded: name, owner, first sentence and signature.

    The body is left out: it costs four times as much and made the search worse (README.md of
    `engines/text`).
    """
    if chunk.kind not in CODE:
        return f"{chunk.name}. {' '.join(chunk.text[:_PROSE_CHARS].split())}"
    owner, _, last = chunk.name.rpartition(".")
    parts = (" ".join(identifier_parts(last)), " ".join(identifier_parts(owner)))
    return ". ".join(part for part in (*parts, chunk.summary, chunk.signature) if part)


def with_gist(chunks: Sequence[Chunk]) -> list[int]:
    """Which chunks of a file are embedded: definitions, once each, and sections of prose."""
    chosen: list[int] = []
    seen: set[tuple[ChunkKind, str, str]] = set()
    for index, chunk in enumerate(chunks):
        key = (chunk.kind, chunk.name, chunk.signature)
        is_section = chunk.language in PROSE
        if is_section or (chunk.kind in CODE and key not in seen):
            chosen.append(index)
            seen.add(key)
    return chosen
