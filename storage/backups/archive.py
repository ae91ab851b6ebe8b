"""The file a backup is: a compressed tar whose last member lists the digest of every other."""

import gzip
import hashlib
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from storage.files import SCRATCH

MANIFEST = "manifest.json"
FORMAT = 1
_SPOOLED = 16 << 20
_CHUNK = 1 << 20
_MEMBER = re.compile(r"tables/[a-z_]+\.jsonl|artifacts/[0-9a-f]{64}|(?:keys|anchors)/[\w.-]+")


class BadBackup(Exception):
    """The file is no backup, or not a whole one; the message says what is wrong with it."""


class Manifest(BaseModel):
    """What a backup says of itself."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    revision: str
    """Of the schema."""
    made_at: datetime
    rows: dict[str, int]
    """By table."""
    digests: dict[str, str]
    """SHA-256 by member."""
    lost: tuple[str, ...] = ()
    """Artifacts whose content was not to be had."""


@dataclass
class Writer:
    """Adds members to a new backup."""

    _tar: tarfile.TarFile
    digests: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Store a member, whose size need not be known before."""
        digest = hashlib.sha256()
        with tempfile.SpooledTemporaryFile(_SPOOLED) as spool:
            for chunk in chunks:
                digest.update(chunk)
                spool.write(chunk)
            info = tarfile.TarInfo(name)
            info.mode, info.size = 0o600, spool.tell()
            spool.seek(0)
            self._tar.addfile(info, spool)
        self.digests[name] = digest.hexdigest()

    def finish(self, manifest: Manifest) -> None:
        """Store the manifest; a file without one is no backup."""
        content = manifest.model_dump_json(indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.mode, info.size = 0o600, len(content)
        self._tar.addfile(info, BytesIO(content))


@contextmanager
def writing(path: Path) -> Generator[Writer]:
    """A new backup; the file appears when it is whole, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=SCRATCH)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            with (
                gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as packed,
                tarfile.open(fileobj=packed, mode="w|") as tar,
            ):
                yield Writer(tar)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def checked(path: Path) -> Manifest:
    """Read the whole file once and compare every member with the manifest.

    Raises:
        BadBackup: It is cut short, changed, or was made by a newer version.
    """
    try:
        manifest, digests = _read(path)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadBackup(f"{path} is no whole backup: {error}") from error
    except OSError as error:
        raise BadBackup(f"{path} cannot be read: {error.strerror}") from error
    if manifest is None:
        raise BadBackup(f"{path} is cut short: it has no manifest")
    if manifest.format != FORMAT:
        raise BadBackup(f"{path} has format {manifest.format}; this version reads {FORMAT}")
    wrong = sorted(
        name
        for name in digests.keys() | manifest.digests.keys()
        if digests.get(name) != manifest.digests.get(name)
    )
    if wrong:
        raise BadBackup(f"{path} is damaged: {wrong[0]}" + (" and more" if wrong[1:] else ""))
    return manifest


def _read(path: Path) -> tuple[Manifest | None, dict[str, str]]:
    digests: dict[str, str] = {}
    manifest: Manifest | None = None
    for name, file in _members(path):
        if manifest is not None:
            raise BadBackup(f"{path} has something behind its manifest")
        if name == MANIFEST:
            manifest = _manifest(path, file.read())
        else:
            digests[name] = _digest(file)
    return manifest, digests


def members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Every member but the manifest, in order, each to be read before the next."""
    return ((name, file) for name, file in _members(path) if name != MANIFEST)


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with gzip.open(path) as packed:
        with tarfile.open(fileobj=packed, mode="r|") as tar:
            for info in tar:
                file = tar.extractfile(info)
                if file is None or not (info.name == MANIFEST or _MEMBER.fullmatch(info.name)):
                    raise BadBackup(f"{path} holds {info.name!r}, which no backup does")
                yield info.name, file
        while packed.read(_CHUNK):  # to its end, where the checksum is
            pass


def _manifest(path: Path, content: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise BadBackup(f"{path} has a manifest that cannot be read") from error


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
