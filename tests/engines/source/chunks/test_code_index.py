"""Code is found, and read only once."""

from collections.abc import Sequence
from dataclasses import replace
from textwrap import dedent

import numpy as np
import pytest
from typing_extensions import override

from engines.source.chunks.index import CodeIndex, Where
from engines.source.chunks.indexing import Indexing, SourceFile, code_index
from engines.source.chunks.records import MemoryShelf
from engines.text.arrays import Floats
from engines.text.words import words
from engines.watch import Stopped, Unwatched, Watch
from storage.blobs import blob_id

MEANINGS = ({"delet", "remov", "unlink"}, {"send", "post"}, {"read", "load"}, {"count", "siz"})


class Thesaurus:
    """An embedder that knows a few words; it remembers what it was asked for."""

    def __init__(self) -> None:
        self.digest = "thesaurus"
        self.dimensions = len(MEANINGS) + 1
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], watch: Watch, *, are_questions: bool = False) -> Floats:
        del watch, are_questions
        self.asked += texts
        rows = [[*(float(bool(some & set(words(one)))) for some in MEANINGS), 0.1] for one in texts]
        vectors = np.asarray(rows, np.float32).reshape(-1, self.dimensions)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Counted(Unwatched):
    """A watch that asks for an end at the n-th look."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.told: list[str] = []

    @override
    def report(self, text: str, done: float | None = None) -> None:
        del done
        self.told.append(text)

    @override
    def stop_requested(self) -> bool:
        self.looks -= 1
        return self.looks < 0


FILES = {
    "app/files.py": dedent('''\
        import os

        def remove(path):
            """Take a file away."""
            os.unlink(path)

        def load(path):
            return open(path).read()
        '''),
    "app/net.js": "export function send(message) { return fetch(message); }\n",
    "web/net.ts": "export function post(body: string) { return fetch(body); }\n",
    "README.md": "# Sending\n\nMessages are sent to the server.\n",
}


def files(texts: dict[str, str], origin: str = "") -> list[SourceFile]:
    return [
        SourceFile(path, text.encode(), blob_id(text.encode()), origin)
        for path, text in texts.items()
    ]


def made(embedder: Thesaurus | None = None) -> CodeIndex:
    return code_index(files(FILES), Indexing(embedder, MemoryShelf(), Unwatched()))


def test_code_is_found_by_its_words_and_says_which() -> None:
    (hit, *_) = made().query("load the path")
    assert (hit.chunk.path, hit.chunk.name, hit.chunk.first_line) == ("app/files.py", "load", 7)
    assert hit.words == ("load", "path")
    assert hit.similarity is None
    assert made().query("quantum chromodynamics") == []
    assert made().query("") == []


def test_code_is_found_by_meaning_where_no_word_is_the_same() -> None:
    (hit, *_) = made(Thesaurus()).query("deleting")
    assert (hit.chunk.name, hit.words) == ("remove", ())
    assert hit.similarity == pytest.approx(1, abs=1e-3)


def test_of_an_endless_question_the_beginning_counts() -> None:
    (hit, *_) = made(Thesaurus()).query("load the path " + "of " * 100_000)
    assert hit.chunk.name == "load"


def test_a_language_may_be_asked_for() -> None:
    index = made(Thesaurus())
    assert [hit.chunk.path for hit in index.query("send", language="javascript")] == ["app/net.js"]
    assert [hit.chunk.path for hit in index.query("send", language="tsx")] == ["web/net.ts"]
    assert [hit.chunk.path for hit in index.query("send", 1)] == ["app/net.js"]


def test_what_lies_near_the_hinted_path_comes_first() -> None:
    texts = {f"{folder}/a.py": f"def send(x):\n    {folder}({folder})\n" for folder in "xyz"}
    index = code_index(files(texts), Indexing(None, MemoryShelf(), Unwatched()))
    first = [index.query("send", 1, path_hint=f"{folder}/new.py")[0] for folder in "xyz"]
    assert [hit.chunk.path for hit in first] == ["x/a.py", "y/a.py", "z/a.py"]


def test_copies_and_parts_of_one_definition_are_one_hit() -> None:
    body = "".join(f"    value_{n} = compute({n})\n" for n in range(120))
    texts = {"a.py": f"def build():\n{body}", "b.py": f"def build():\n{body}"}
    index = code_index(files(texts), Indexing(None, MemoryShelf(), Unwatched()))
    hits = index.query("build compute")
    assert len(hits) == 1
    assert {chunk.path for chunk in (hits[0].chunk, *hits[0].also)} == {"a.py", "b.py"}
    assert len(hits[0].also) == 3


def test_of_installed_packages_public_names_are_found_with_their_version() -> None:
    text = (
        "def send(a):\n"
        + "    a()\n" * 40
        + "\ndef _send(a): ...\nclass _A:\n    def b(self): ...\n"
    )
    package = files({"requests/api.py": text}, "requests 2.34.2")
    indexing = Indexing(Thesaurus(), MemoryShelf(), Unwatched())
    index = code_index([*files(FILES), *package], indexing)
    (hit,) = index.query("send", where=Where.INSTALLED)
    assert (hit.chunk.name, hit.chunk.origin) == ("send", "requests 2.34.2")
    assert (hit.chunk.last_line, hit.chunk.text.count("\n")) == (25, 24)
    assert "requests/api.py" not in {h.chunk.path for h in index.query("send", where=Where.OWN)}
    assert "_send" not in {chunk.name for chunk in index.chunks}


def test_only_what_changed_is_embedded_again() -> None:
    embedder, shelf = Thesaurus(), MemoryShelf()
    code_index(files(FILES), Indexing(embedder, shelf, Unwatched()))
    embedder.asked.clear()
    changed = {**FILES, "app/net.js": "function send(everything) {}\n"}
    changed["copy/net.ts"] = changed.pop("web/net.ts")
    index = code_index(files(changed), Indexing(embedder, shelf, Unwatched()))
    assert embedder.asked == ["send. function send(everything)"]
    assert {chunk.path for chunk in index.chunks} == set(changed)
    fresh = code_index(files(changed), Indexing(embedder, MemoryShelf(), Unwatched()))
    assert fresh.chunks == index.chunks
    assert fresh.query("post body") == index.query("post body")


def test_another_model_reads_anew() -> None:
    one, other, shelf = Thesaurus(), Thesaurus(), MemoryShelf()
    other.digest = "other"
    for embedder in (one, other):
        code_index(files(FILES), Indexing(embedder, shelf, Unwatched()))
    assert one.asked == other.asked != []


def test_the_same_content_in_two_languages_is_read_twice() -> None:
    text = "# send\n\nx = 1\n"
    index = code_index(
        files({"a.py": text, "a.md": text}), Indexing(None, MemoryShelf(), Unwatched())
    )
    assert [chunk.language for chunk in index.chunks] == ["python", "markdown"]


def test_a_stop_keeps_what_was_done() -> None:
    texts = {f"{n:03}.py": f"def load_{n}(): ...\n" for n in range(100)}
    embedder, shelf, watch = Thesaurus(), MemoryShelf(), Counted(looks=65)
    with pytest.raises(Stopped):
        code_index(files(texts), Indexing(embedder, shelf, watch))
    assert watch.told == ["reading the code: 64 files"]
    assert len(embedder.asked) == 64
    code_index(files(texts), replace(Indexing(embedder, shelf, watch), watch=Unwatched()))
    assert len(embedder.asked) == 100
