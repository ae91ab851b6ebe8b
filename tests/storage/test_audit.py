import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage import audit


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    key = audit.load_key(tmp_path)
    assert len(key) == 32
    assert audit.load_key(tmp_path) == key
    path = tmp_path / "keys" / "audit.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_every_installation_has_its_own_key(tmp_path: Path) -> None:
    assert audit.load_key(tmp_path / "a") != audit.load_key(tmp_path / "b")


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(audit.load_key, [tmp_path] * 8))
    assert len(keys) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["audit.key"]


@pytest.mark.parametrize("content", ["", "abcd", "not hex"])
def test_a_damaged_key_file_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    audit.load_key(tmp_path)
    (tmp_path / "keys" / "audit.key").write_text(content)
    with pytest.raises(ValueError, match=r"audit\.key"):
        audit.load_key(tmp_path)
