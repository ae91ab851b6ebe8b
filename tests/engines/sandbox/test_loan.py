import os
import shutil
from pathlib import Path

import pytest

from engines.sandbox.loan import MAX_DEPTH, extent, lent

_STRANGER = 60599

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends files to another uid")


def owners(folder: Path) -> set[int]:
    return {folder.stat().st_uid, *(path.lstat().st_uid for path in folder.rglob("*"))}


@as_root
def test_everything_is_lent_and_given_back(work: Path) -> None:
    (work / "sub").mkdir()
    (work / "sub" / "file").write_text("x")
    (work / "link").symlink_to("/etc/passwd")
    with lent(work, _STRANGER):
        assert owners(work) == {_STRANGER}
    assert owners(work) == {0}
    assert Path("/etc/passwd").stat().st_uid == 0


@as_root
def test_what_a_killed_host_left_to_a_run_becomes_ours_again(work: Path) -> None:
    os.chown(work, 60600, 60600)
    with lent(work, 60601):
        pass
    assert owners(work) == {0}


def test_closed_folders_can_be_entered_again(work: Path) -> None:
    with lent(work, None):
        (work / "closed").mkdir()
        (work / "closed" / "file").write_text("x")
        (work / "closed" / "file").chmod(0)
        (work / "closed").chmod(0)
    assert (work / "closed").stat().st_mode & 0o777 == 0o700
    assert (work / "closed" / "file").stat().st_mode & 0o777 == 0o400


def test_ordinary_modes_stay_as_they_are(work: Path) -> None:
    (work / "script").write_text("x")
    (work / "script").chmod(0o755)
    with lent(work, None):
        pass
    assert (work / "script").stat().st_mode & 0o777 == 0o755


def test_set_uid_bits_are_taken_off(work: Path) -> None:
    with lent(work, None):
        (work / "trap").write_text("x")
        (work / "trap").chmod(0o6755)
    assert (work / "trap").stat().st_mode & 0o7777 == 0o755


def test_nesting_too_deep_to_remove_is_cut(work: Path) -> None:
    with lent(work, None):
        _nest(work, 1000)
    assert sum(1 for _ in os.walk(work)) <= MAX_DEPTH + 1
    shutil.rmtree(work)


def _nest(folder: Path, depth: int) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("deeper", dir_fd=here)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def test_a_failure_inside_still_gives_the_folder_back(work: Path) -> None:
    with pytest.raises(ZeroDivisionError), lent(work, _STRANGER if os.geteuid() == 0 else None):
        raise ZeroDivisionError
    assert owners(work) == {os.geteuid()}


def test_a_folder_is_measured_with_its_entries(work: Path) -> None:
    empty = extent(work).used_bytes
    (work / "file").write_bytes(os.urandom(100_000))
    assert empty == 0
    assert extent(work).used_bytes >= 100_000


def test_empty_files_count_as_well(work: Path) -> None:
    for number in range(50):
        (work / str(number)).touch()
    assert extent(work).used_bytes >= 50 * 1024


def test_links_are_not_followed(work: Path) -> None:
    (work / "link").symlink_to("/usr")
    assert extent(work).used_bytes < 1 << 20


def test_nesting_without_end_is_unbounded(work: Path) -> None:
    _nest(work, MAX_DEPTH + 5)
    assert extent(work).is_unbounded
