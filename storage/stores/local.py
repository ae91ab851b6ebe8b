"""Artifacts as files of this machine."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from storage.files import SCRATCH, write_whole
from storage.stores.types import ArtifactLost, digest_of, is_digest, require_digest, unchanged


class LocalStore:
    """The files under `<home>/artifacts`; see `storage.stores.types.ArtifactStore`."""

    def __init__(self, home: Path) -> None:
        """Nothing is made before the first `put`."""
        self._root = home / "artifacts"

    def put(self, content: bytes) -> str:
        """See `ArtifactStore`."""
        digest = digest_of(content)
        path = self._root / digest[:2] / digest
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written even where it lies already: that mends a damaged file and makes it young again,
        # so that a sweep does not take it from under its new row.
        write_whole(path, content)
        return digest

    def read(self, digest: str) -> bytes:
        """See `ArtifactStore`."""
        require_digest(digest)
        try:
            content = (self._root / digest[:2] / digest).read_bytes()
        except FileNotFoundError as error:
            raise ArtifactLost(f"the content {digest} is gone") from error
        return unchanged(content, digest)

    def older_than(self, before: datetime) -> Iterator[str]:
        """See `ArtifactStore`."""
        for path in self._root.glob("??/*"):
            is_ours = is_digest(path.name) or path.name.startswith(SCRATCH)
            if is_ours and _is_older(path, before):
                yield path.name if is_digest(path.name) else f"{path.parent.name}/{path.name}"

    def remove(self, name: str, before: datetime) -> bool:
        """See `ArtifactStore`."""
        path = self._root / (f"{name[:2]}/{name}" if is_digest(name) else name)
        if not _is_older(path, before):
            return False
        path.unlink(missing_ok=True)
        return True


def _is_older(path: Path, than: datetime) -> bool:
    try:
        return path.stat().st_mtime < than.timestamp()
    except FileNotFoundError:
        return False
