"""Searches a folder without the bot: `python -m engines.source.chunks FOLDER QUESTION`."""

import argparse
import hashlib
import sys
from pathlib import Path

from engines.source.chunks.indexing import Indexing, SourceFile, code_index
from engines.source.chunks.records import MemoryShelf
from engines.source.chunks.selection import files_of
from engines.text.embedding import PackagedMiniLM
from engines.watch import Unwatched


def main(arguments: list[str] | None = None) -> int:
    """Print the places that answer; 1 where none does."""
    parser = argparse.ArgumentParser(prog="python -m engines.source.chunks")
    parser.add_argument("folder", type=Path)
    parser.add_argument("question")
    parser.add_argument("-k", type=int, default=10, help="how many places")
    parser.add_argument("--language")
    parser.add_argument("--words", action="store_true", help="by words alone, in a few seconds")
    asked = parser.parse_args(arguments)
    files = [
        SourceFile(one.path, one.content, hashlib.sha256(one.content).hexdigest())
        for one in files_of(asked.folder)
    ]
    embedder = None if asked.words else PackagedMiniLM()
    index = code_index(files, Indexing(embedder, MemoryShelf(), Unwatched()))
    hits = index.query(asked.question, asked.k, language=asked.language)
    for hit in hits:
        why = ", ".join(hit.words)
        if hit.similarity is not None:
            why = f"{why}; {hit.similarity:.2f} alike" if why else f"{hit.similarity:.2f} alike"
        chunk = hit.chunk
        print(f"{chunk.path}:{chunk.first_line}  {chunk.name or chunk.kind}  ({why})")
    return int(not hits)


if __name__ == "__main__":
    sys.exit(main())
