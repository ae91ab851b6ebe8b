"""Makes the code of a checkout and its installed packages searchable, reusing what was read before
by any worker.
"""

import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from engines.sandbox.environments.types import Environment
from engines.source.chunks.index import CodeIndex
from engines.source.chunks.indexing import Indexing, SourceFile, cuts_of
from engines.source.chunks.packages import Package, installed
from engines.source.chunks.records import Record, RecordKey
from engines.source.chunks.selection import files_of
from engines.text.embedding import Embedder
from engines.watch import Watch
from storage import code_index
from storage.blobs import blob_id
from storage.clock import utc_now
from storage.code_index import CodeKey, CodeRecord
from storage.database import Database

_MIB = 2**20


@dataclass(frozen=True)
class SearchLimits:
    """How much is read and kept."""

    repository_bytes: int = 16 * _MIB
    """About 400,000 lines; `CodeIndex.left_out` tells how many files were beyond."""
    package_bytes: int = _MIB
    """Of the sources of each installed distribution; those nearest to its top come first."""
    packages_bytes: int = 8 * _MIB
    """Of all installed distributions together."""
    kept_bytes: int = 512 * _MIB
    """Of what is remembered of all repositories and packages."""


LIMITS = SearchLimits()


@dataclass(frozen=True)
class Remembered:
    """The shelf of one scope in the database."""

    database: Database
    scope: str
    most_bytes: int

    def take(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Record]:
        """See `engines.source.chunks.records.Shelf`."""
        asked = [CodeKey(key.blob, key.manner) for key in keys]
        now = utc_now()
        taken = self.database.read_now(lambda s: code_index.take(s, self.scope, asked, now))
        if taken.to_note:
            self.database.write_now(lambda s: code_index.note_use(s, taken.to_note, now))
        return {
            RecordKey(key.blob, key.manner): Record(one.chunks, one.vectors)
            for key, one in taken.records.items()
        }

    def put(self, records: Mapping[RecordKey, Record]) -> None:
        """See `engines.source.chunks.records.Shelf`. Makes room for them."""
        kept = {
            CodeKey(key.blob, key.manner): CodeRecord(one.chunks, one.vectors)
            for key, one in records.items()
        }
        now = utc_now()
        self.database.write_now(lambda s: code_index.put(s, self.scope, kept, now))
        while self.database.write_now(lambda s: code_index.trim(s, self.most_bytes)):
            pass


@dataclass(frozen=True)
class CodeSearch:
    """Makes indexes. `embedder` is shared by the jobs of a worker; None to search by words alone.

    It blocks: call it where a job runs, not on the event loop.
    """

    database: Database
    embedder: Embedder | None
    limits: SearchLimits = LIMITS

    def search_for(
        self, scope: str, root: Path, watch: Watch, environment: Environment | None = None
    ) -> CodeIndex:
        """The index of a checkout, and of the packages of its environment that it declares.

        `scope` is the repository, under which what was read is kept and can be forgotten.

        Raises:
            Stopped: The watch asked for it.
        """
        own, left_out = _own_files(root, self.limits.repository_bytes)
        cuts = cuts_of(own, self._indexing(f"repository {scope}", watch))
        left = self.limits.packages_bytes
        for package in _packages(environment):
            most = min(left, self.limits.package_bytes)
            files = [
                SourceFile(one.path, one.content, blob_id(one.content), package.label)
                for one in package.read(most)
            ]
            left -= sum(len(one.content) for one in files)
            cuts += cuts_of(files, self._indexing(f"package {package.label}", watch))
        return CodeIndex(cuts, self.embedder, left_out=left_out)

    def forget(self, scope: str) -> int:
        """Forget what was read of a repository; how many files."""
        return self.database.write_now(lambda s: code_index.forget(s, f"repository {scope}"))

    def _indexing(self, scope: str, watch: Watch) -> Indexing:
        shelf = Remembered(self.database, scope, self.limits.kept_bytes)
        return Indexing(self.embedder, shelf, watch)


def _own_files(root: Path, most_bytes: int) -> tuple[list[SourceFile], int]:
    """The files that are read, and how many are too much."""
    taken: list[SourceFile] = []
    left, left_out = most_bytes, 0
    for one in files_of(root):
        left -= len(one.content)
        if left < 0:
            left_out += 1
        else:
            taken.append(SourceFile(one.path, one.content, blob_id(one.content)))
    return taken, left_out


def _packages(environment: Environment | None) -> list[Package]:
    if environment is None:
        return []
    # An environment without folders is this installation itself, which has all that is declared.
    folders = environment.paths or (Path(sysconfig.get_path("purelib")),)
    return installed(folders, list(_names(environment.declared.requirements)))


def _names(requirements: Sequence[str]) -> Iterator[str]:
    for one in requirements:
        try:
            yield Requirement(one).name
        except InvalidRequirement:
            continue
