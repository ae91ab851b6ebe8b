import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from engines.sandbox.slots import unprivileged_uid
from engines.sandbox.types import NoIsolation

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has uids to lend")


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("engines.sandbox.slots.LOCKS", tmp_path / "gryph-sandbox-slots")
    return tmp_path / "gryph-sandbox-slots"


def test_every_run_has_a_uid_of_its_own() -> None:
    with unprivileged_uid() as first, unprivileged_uid() as second:
        assert first is not None
        assert second is not None
        assert 0 < first != second


def test_a_uid_is_lent_again_when_it_is_free() -> None:
    with unprivileged_uid() as first:
        pass
    with unprivileged_uid() as second:
        assert first == second


def test_when_all_are_lent_the_next_is_told_to_come_back() -> None:
    with ExitStack() as stack:
        lent = {stack.enter_context(unprivileged_uid()) for _ in range(64)}
        assert len(lent) == 64
        with pytest.raises(NoIsolation, match="64 sandbox slots"):
            stack.enter_context(unprivileged_uid())


def test_a_lock_folder_of_someone_else_is_not_trusted(own_locks: Path) -> None:
    own_locks.mkdir()
    os.chown(own_locks, 60599, 60599)
    with pytest.raises(NoIsolation, match="belongs to someone else"), unprivileged_uid():
        pass
