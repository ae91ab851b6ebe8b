"""What every face stands on: the spine, real desks, and scripted work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import runner
from jobs.settings import WorkerSettings
from jobs.workshop import NoSandbox, Workshop
from storage.database import Database
from tests.faces.work import FILES, Engine
from tests.fakes.spine import Spine


@pytest.fixture
def spine(sqlite: Database, tmp_path: Path) -> Spine:
    """Not yet running."""
    return Spine(sqlite, tmp_path / "home")


@pytest.fixture
def quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that says at once what is new."""
    monkeypatch.setattr(runner, "TICK_S", 0.01)
    monkeypatch.setattr(runner, "REPORT_S", 0.02)


@pytest.fixture
def engine() -> Engine:
    """What every `test` job does."""
    return Engine()


@pytest.fixture
def desks(spine: Spine) -> Iterator[Workshop]:
    """The worker's real desks, for repositories on this machine."""
    settings = WorkerSettings(home=spine.home)
    workshop = Workshop(
        settings, spine.database, spine.store, spine.keys, NoSandbox("scripted work needs none")
    )
    yield workshop
    workshop.close()


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder with the code people ask about in chats."""
    for path, content in FILES.items():
        target = tmp_path / "code" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return tmp_path / "code"
