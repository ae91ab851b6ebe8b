import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.stores.local import LocalStore
from storage.stores.types import LARGEST_BYTES, ArtifactLost, ArtifactTooLarge


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)) * 1000])
def test_what_is_put_is_read_back(store: LocalStore, content: bytes) -> None:
    digest = store.put(content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert store.read(digest) == content


def test_a_file_lies_under_its_digest_for_its_owner_alone(
    store: LocalStore, tmp_path: Path
) -> None:
    digest = store.put(b"hello")
    path = tmp_path / "artifacts" / digest[:2] / digest
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_content_twice_is_one_file(store: LocalStore, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        digests = set(pool.map(store.put, [b"hello"] * 8))
    assert len(digests) == 1
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_content_that_was_never_put_is_lost(store: LocalStore) -> None:
    with pytest.raises(ArtifactLost, match="gone"):
        store.read("a" * 64)


def test_content_changed_on_disk_is_noticed_and_mended_by_another_put(
    store: LocalStore, tmp_path: Path
) -> None:
    digest = store.put(b"hello")
    (tmp_path / "artifacts" / digest[:2] / digest).write_bytes(b"hullo")
    with pytest.raises(ArtifactLost, match="changed"):
        store.read(digest)
    store.put(b"hello")
    assert store.read(digest) == b"hello"


@pytest.mark.parametrize(
    "digest", ["", "..", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"]
)
def test_a_name_that_is_no_digest_opens_no_file(store: LocalStore, digest: str) -> None:
    with pytest.raises(ArtifactLost, match="no digest"):
        store.read(digest)


def test_more_than_64_mib_are_refused_with_both_sizes(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(ArtifactTooLarge, match=r"64\.0 MiB; at most 64 MiB"):
        store.put(bytes(LARGEST_BYTES + 1))
    assert not list(tmp_path.iterdir())
