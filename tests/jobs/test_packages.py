"""Jobs about code that needs packages which no worker has: a folder of wheels is the index."""

from functools import cache
from pathlib import Path

import pytest
from typing_extensions import override

from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.sandbox.types import NoIsolation
from engines.watch import Stopped
from jobs import test_changes, test_code
from jobs.desk import Declined, Done
from jobs.packages import missing_told
from jobs.requests import Source, TestChanges, TestCode
from jobs.runner import RunningWatch
from jobs.settings import WorkerSettings
from jobs.workshop import LocalDesk, NoSandbox, Workshop
from storage import vault
from storage.database import Database
from storage.stores.local import LocalStore
from tests.engines.sandbox.environments.wheels import make_source_package, make_wheel
from tests.fakes.git_host import commit
from tests.jobs.asked import asked, leased

RATES = '''\
"""Exchange rates."""


def rate(currency: str) -> int:
    """What a hundred of it are worth."""
    return {"eur": 110, "usd": 100}[currency]
'''
PRICES = '''\
"""Prices."""

from gryphrates import rate


def price(amount: int, currency: str = "eur") -> int:
    """In the currency at home."""
    if amount < 0:
        raise ValueError("a price is never negative")
    return amount * rate(currency) // 100
'''


class Noting(RunningWatch):
    """Keeps all that is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    @override
    def report(self, text: str, done: float | None = None) -> None:
        self.told.append(text)


@cache
def proven() -> Sandbox:
    try:
        return find_sandbox()
    except NoIsolation as reason:
        pytest.skip(str(reason))


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A repository and, beside it, the wheels of what it needs."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels, "gryphrates", "1.0", RATES)
    make_source_package(wheels, "gryphsource", "1.0", tmp_path / "setup-was-run")
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "prices.py").write_text(PRICES)
    (folder / "requirements.txt").write_text("-e .\ngryphrates==1.0\n")
    return folder


class Bench:
    """A workshop, and a desk in it for each job."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self.watch = Noting()

    async def desk(self, sandbox: Sandbox | NoSandbox | None = None, **more: object) -> LocalDesk:
        home = self._folder / "home"
        given = {"home": home, "package_folder": self._folder / "wheels", **more}
        shop = Workshop(
            WorkerSettings.model_validate(given),
            self._database,
            LocalStore(home),
            vault.checkout_keys(home, None),
            sandbox or proven(),
        )
        self.watch = Noting()
        job = await asked(self._database)
        return shop.open(await leased(self._database, job), self.watch)


@pytest.fixture
def bench(sqlite: Database, tmp_path: Path) -> Bench:
    return Bench(sqlite, tmp_path)


def answer_about(desk: LocalDesk, code: Path) -> Done:
    source = Source(repository=f"local:{code}")
    return test_code.run(TestCode(source=source, path="prices.py", cpu_s=6.0), desk)


async def test_code_that_needs_a_package_of_its_repository_gets_real_tests(
    bench: Bench, code: Path
) -> None:
    desk = await bench.desk()
    done = answer_about(desk, code)
    assert "100 % of lines" in done.text
    assert "Not installed" not in str(done.reply)
    assert "installing 1 package that `requirements.txt` asks for" in bench.watch.told
    again = await bench.desk()
    root = again.checkout(Source(repository=f"local:{code}"), ".")
    assert again.environment(root).paths[0].joinpath("gryphrates.py").exists()
    assert bench.watch.told == []


async def test_what_cannot_be_installed_is_said_and_the_rest_is_there(
    bench: Bench, code: Path, tmp_path: Path
) -> None:
    (code / "requirements.txt").write_text("gryphrates\ngryphsource\n")
    environment = (await bench.desk()).environment(code)
    assert (environment.paths[0] / "gryphrates.py").exists()
    (told,) = missing_told(environment)
    assert told.startswith("Not installed for the tests: `gryphsource`; the index has no wheel")
    assert not (tmp_path / "setup-was-run").exists()


async def test_a_package_that_nobody_declared_is_named_with_what_helps(
    bench: Bench, code: Path
) -> None:
    (code / "requirements.txt").unlink()
    with pytest.raises(Declined, match=r"line 3 imports `gryphrates`.*declares no dependencies"):
        answer_about(await bench.desk(), code)


async def test_where_it_is_turned_off_nothing_is_installed(bench: Bench, code: Path) -> None:
    desk = await bench.desk(install_packages=False)
    with pytest.raises(Declined, match="GRYPH_INSTALL_PACKAGES"):
        answer_about(desk, code)
    assert not list((code.parent / "home").glob("packages/*/packages"))


async def test_nothing_is_installed_where_nothing_can_be_run(bench: Bench, code: Path) -> None:
    desk = await bench.desk(NoSandbox("No bubblewrap."))
    with pytest.raises(Declined, match="no isolation"):
        answer_about(desk, code)
    assert not (code.parent / "home" / "packages").exists()


async def test_a_cancel_while_packages_are_installed_stops_the_job(
    bench: Bench, code: Path
) -> None:
    desk = await bench.desk()
    bench.watch.stop = True
    with pytest.raises(Stopped):
        desk.environment(code)


async def test_each_side_of_a_change_has_the_packages_that_it_declares(
    bench: Bench, code: Path
) -> None:
    make_wheel(code.parent / "wheels", "gryphrates", "2.0", RATES.replace("110", "120"))
    commit(code, {})
    changed = PRICES.replace("amount < 0", "amount <= 0")
    (code / "prices.py").write_text(changed)
    (code / "requirements.txt").write_text("gryphrates==2.0\n")
    source = Source(repository=f"local:{code}")
    base = source.model_copy(update={"ref": "HEAD"})
    asked_for = TestChanges(source=source, base=base, base_name="main", cpu_s=3.0)
    done = test_changes.run(asked_for, await bench.desk())
    assert "Not compared" not in str(done.reply)
    assert "a price is never negative" in str(done.reply)
    assert len(list((code.parent / "home").glob("packages/*/packages"))) == 2
