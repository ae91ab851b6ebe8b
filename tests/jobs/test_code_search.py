"""A checkout and its packages are searched; what was read is read once for all workers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engines.sandbox.environments.types import Declared, Environment
from engines.source.chunks.index import Where
from engines.text.arrays import Floats
from engines.watch import Unwatched, Watch
from jobs.code_search import CodeSearch, SearchLimits
from storage import code_index
from storage.database import Database
from tests.engines.source.chunks.test_packages import install

SCOPE = "o/r"


class Counting:
    """An embedder to which all texts are alike."""

    digest = "counting"
    dimensions = 2

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str], watch: Watch, *, are_questions: bool = False) -> Floats:
        del watch, are_questions
        self.texts += texts
        return np.tile(np.asarray([[0.6, 0.8]], np.float32), (len(texts), 1))


def checkout(root: Path) -> Path:
    (root / "app").mkdir(parents=True)
    (root / "app" / "files.py").write_text("def remove(path):\n    path.unlink()\n")
    (root / "app" / "net.py").write_text("def send(message):\n    post(message)\n")
    return root


def test_another_worker_reads_only_what_changed(sqlite: Database, tmp_path: Path) -> None:
    root, first, second = checkout(tmp_path / "a"), Counting(), Counting()
    index = CodeSearch(sqlite, first).search_for(SCOPE, root, Unwatched())
    assert first.texts == ["remove. def remove(path)", "send. def send(message)"]
    (root / "app" / "net.py").write_text("def send(everything):\n    pass\n")
    again = CodeSearch(sqlite, second).search_for(SCOPE, root, Unwatched())
    assert second.texts == ["send. def send(everything)"]
    assert again.query("remove path", 1) == index.query("remove path", 1)


def test_declared_packages_are_searched_with_their_versions(
    sqlite: Database, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    install(site, "unlinker", "2.1", {"unlinker.py": "def unlink_all(paths): ...\n"})
    install(site, "unasked", "1", {"unasked.py": "def unlink_none(): ...\n"})
    declared = Declared("requirements.txt", ("unlinker>=2 ; python_version>'3'", "!!"))
    environment = Environment(declared, (site,), (), "")
    search = CodeSearch(sqlite, None)
    index = search.search_for(SCOPE, checkout(tmp_path / "a"), Unwatched(), environment)
    hits = index.query("unlink", where=Where.INSTALLED)
    assert [(hit.chunk.name, hit.chunk.origin) for hit in hits] == [("unlink_all", "unlinker 2.1")]
    assert [hit.chunk.name for hit in index.query("unlink", where=Where.OWN)] == ["remove"]


def test_what_this_installation_has_itself_is_searched(sqlite: Database, tmp_path: Path) -> None:
    environment = Environment(Declared("pyproject.toml", ("httpx",)), (), (), "")
    search = CodeSearch(sqlite, None)
    index = search.search_for(SCOPE, checkout(tmp_path / "a"), Unwatched(), environment)
    (hit, *_) = index.query("send a request and stream", where=Where.INSTALLED)
    assert hit.chunk.origin.startswith("httpx ")


def test_a_repository_is_forgotten_and_what_is_kept_is_bounded(
    sqlite: Database, tmp_path: Path
) -> None:
    root = checkout(tmp_path / "a")
    search = CodeSearch(sqlite, None)
    search.search_for(SCOPE, root, Unwatched())
    assert search.forget("o/other") == 0
    assert search.forget(SCOPE) == 2
    bounded = CodeSearch(sqlite, None, SearchLimits(kept_bytes=150))
    assert len(bounded.search_for(SCOPE, root, Unwatched()).chunks) == 2
    assert 0 < sqlite.read_now(code_index.total_bytes) <= 150


def test_of_a_large_repository_a_part_is_searched_and_the_rest_counted(
    sqlite: Database, tmp_path: Path
) -> None:
    small = CodeSearch(sqlite, None, SearchLimits(repository_bytes=60))
    index = small.search_for(SCOPE, checkout(tmp_path / "a"), Unwatched())
    assert {one.path for one in index.chunks} == {"app/files.py"}
    assert index.left_out == 1
