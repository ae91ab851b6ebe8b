"""Desks: private checkouts, a sandbox or a clear no, and files that become the job's at its end."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from engines.sandbox.sandbox import Sandbox
from engines.sandbox.types import Rung
from engines.watch import Stopped
from jobs.desk import Altered, Declined, NewArtifact, Transient
from jobs.requests import Source
from jobs.runner import RunningWatch
from jobs.settings import WorkerSettings
from jobs.workshop import LocalDesk, NoSandbox, Workshop
from storage import artifacts, vault
from storage.blobs import blob_id
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.stores.local import LocalStore
from storage.stores.types import LARGEST_BYTES
from storage.tables.artifacts import ArtifactRow
from tests.fakes.git_host import commit
from tests.hostile.repositories.trees import LFS_POINTER
from tests.jobs.asked import asked, leased

MakeShop = Callable[..., Workshop]


@pytest.fixture
def make(sqlite: Database, tmp_path: Path) -> MakeShop:
    def make(sandbox: Sandbox | NoSandbox | None = None, **settings: object) -> Workshop:
        home = tmp_path / "home"
        keys = vault.checkout_keys(home, None)
        found = WorkerSettings.model_validate({"home": home, **settings})
        return Workshop(
            found, sqlite, LocalStore(home), keys, sandbox or NoSandbox("No bubblewrap.")
        )

    return make


@pytest.fixture
def shop(make: MakeShop) -> Workshop:
    return make()


async def desk_in(shop: Workshop, database: Database) -> LocalDesk:
    job = await asked(database)
    return shop.open(await leased(database, job), RunningWatch())


async def test_a_checkout_is_a_copy_that_is_gone_with_the_desk(
    shop: Workshop, sqlite: Database, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    source = tmp_path / "code"
    source.mkdir()
    (source / "a.py").write_text("a = 1\n")
    desk = await desk_in(shop, sqlite)
    root = desk.checkout(Source(repository=f"local:{source}"), "a.py")
    assert (root / "a.py").read_text() == "a = 1\n"
    (root / "a.py").write_text("changed")
    assert (source / "a.py").read_text() == "a = 1\n"
    shop.clear(desk)
    assert not root.exists()


async def test_a_refused_checkout_is_the_persons_to_mend(
    shop: Workshop, sqlite: Database, tmp_path: Path
) -> None:
    desk = await desk_in(shop, sqlite)
    with pytest.raises(Declined, match="There is no folder"):
        desk.checkout(Source(repository=f"local:{tmp_path}/nowhere"), "a.py")


async def test_too_much_code_is_refused(make: MakeShop, sqlite: Database, tmp_path: Path) -> None:
    source = tmp_path / "code"
    source.mkdir()
    (source / "a.py").write_bytes(b"#" * 100_000)
    desk = await desk_in(make(checkout_max_bytes=1000), sqlite)
    with pytest.raises(Declined, match="too large"):
        desk.checkout(Source(repository=f"local:{source}"), "a.py")


async def test_what_a_checkout_lacks_is_told_to_whom_asks_for_it(
    shop: Workshop, sqlite: Database, tmp_path: Path
) -> None:
    source = tmp_path / "code"
    source.mkdir()
    (source / "big.py").write_bytes(LFS_POINTER)
    (source / "out.py").symlink_to("/etc/passwd")
    (source / "out").symlink_to(tmp_path)
    commit(source / "module", {"a.py": "a"})
    commit(source, {"a.py": "a"})
    told = {
        "big.py": "is an LFS pointer",
        "out.py": "leads out",
        "out/code/a.py": "leads out",
        "module/a.py": "lies in the submodule `module`",
    }
    for path, words in told.items():
        desk = await desk_in(shop, sqlite)
        with pytest.raises(Declined, match=words):
            desk.checkout(Source(repository=f"local:{source}"), path)
    desk = await desk_in(shop, sqlite)
    assert (desk.checkout(Source(repository=f"local:{source}"), "a.py") / "a.py").exists()


async def test_a_host_that_does_not_answer_is_tried_again(make: MakeShop, sqlite: Database) -> None:
    desk = await desk_in(make(github_git_url="http://127.0.0.1:1"), sqlite)
    with pytest.raises(Transient):
        desk.checkout(Source(repository="o/r", sha="a" * 40), "a.py")


async def test_a_cancelled_checkout_stops(shop: Workshop, sqlite: Database, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    desk = await desk_in(shop, sqlite)
    desk.watch.stop = True
    with pytest.raises(Stopped):
        desk.checkout(Source(repository=f"local:{tmp_path}"), "a.py")


async def test_without_isolation_a_job_is_declined_and_told_why(
    shop: Workshop, sqlite: Database
) -> None:
    desk = await desk_in(shop, sqlite)
    with pytest.raises(Declined, match="No bubblewrap"):
        desk.sandbox()


async def test_with_isolation_the_proven_sandbox_is_handed_out(
    make: MakeShop, sqlite: Database
) -> None:
    proven = Sandbox(Rung.BUBBLEWRAP)
    assert (await desk_in(make(proven), sqlite)).sandbox() is proven


async def test_a_kept_file_is_the_jobs_only_when_it_is_recorded(
    shop: Workshop, sqlite: Database
) -> None:
    desk = await desk_in(shop, sqlite)
    content = b"def test_a(): ..."
    artifact = desk.keep(NewArtifact("test_a.py", "text/x-python", content, "tests/test_a.py"))

    async def recorded() -> list[ArtifactRow]:
        mine = select(ArtifactRow).where(col(ArtifactRow.job_id) == desk.job)
        return list(await sqlite.read(lambda s: s.exec(mine).all()))

    assert await recorded() == []
    await sqlite.write(lambda s: shop.record(s, desk))
    (row,) = await recorded()
    assert (row.id, row.role, row.path) == (artifact, "apply", "tests/test_a.py")
    assert shop.store.read(row.digest) == content
    assert await sqlite.read(lambda s: artifacts.get(s, artifact)) is not None


async def test_a_file_too_large_to_keep_is_declined(shop: Workshop, sqlite: Database) -> None:
    desk = await desk_in(shop, sqlite)
    with pytest.raises(Declined, match="64 MiB"):
        desk.keep(NewArtifact("big", "text/plain", bytes(LARGEST_BYTES + 1)))


async def test_a_locked_database_is_an_outage_and_no_bug(shop: Workshop, sqlite: Database) -> None:
    desk = await desk_in(shop, sqlite)
    await sqlite.write(
        lambda s: s.connection().exec_driver_sql("ALTER TABLE checkout_grants RENAME TO away")
    )
    with pytest.raises(Transient, match="database"):
        desk.checkout(Source(repository="local:/"), "a.py")


async def test_a_grant_of_another_job_does_not_open(shop: Workshop, sqlite: Database) -> None:
    mine, other = await desk_in(shop, sqlite), JobId("J0THER0")
    until = utc_now() + timedelta(hours=1)
    await sqlite.write(lambda s: vault.seal_grant(s, shop.keys, mine.job, "for me", until))
    assert sqlite.read_now(lambda s: vault.open_grant(s, shop.keys, other, utc_now())) is None
    assert (
        sqlite.read_now(lambda s: vault.open_grant(s, shop.keys, mine.job, utc_now())) == "for me"
    )


def test_what_a_killed_worker_left_is_removed_and_what_a_living_one_has_is_not(
    make: MakeShop,
) -> None:
    living = make()
    base = living.settings.home / "work"
    killed = base / "worker-killed" / "J7K2M9Q-1"
    killed.mkdir(parents=True)
    (killed / "secret.py").write_text("")
    another = make()
    assert not killed.parent.exists()
    assert len(list(base.iterdir())) == 2
    for shop in (living, another):
        shop.close()
    assert os.listdir(base) == []  # noqa: PTH208 - reads as it says


async def test_a_kept_file_holds_no_secret_of_the_code_it_was_made_from(
    shop: Workshop, sqlite: Database
) -> None:
    secret = "ghp_" + "a1B2c3" * 6
    desk = await desk_in(shop, sqlite)
    content = f"assert login('{secret}')\n".encode()
    desk.keep(NewArtifact(f"{secret}.py", "text/x-python", content))
    desk.keep(NewArtifact("a.png", "image/png", b"\x89PNG" + secret.encode()))
    (_, noted), (_, picture) = desk.kept
    assert noted.name == "[secret removed].py"
    assert shop.store.read(noted.digest) == b"assert login('[secret removed]')\n"
    assert noted.size_bytes == len(shop.store.read(noted.digest))
    assert shop.store.read(picture.digest).endswith(secret.encode()), "only text is read"


async def test_a_file_that_replaces_another_is_kept_word_for_word_or_not_at_all(
    shop: Workshop, sqlite: Database
) -> None:
    desk = await desk_in(shop, sqlite)
    content = f"assert login('ghp_{'a1B2c3' * 6}')\n".encode()
    with pytest.raises(Altered):
        desk.keep(NewArtifact("a.py", "text/x-python", content, "a.py", blob_id(b"old")))
    desk.keep(NewArtifact("a.py", "text/x-python", b"new", "a.py", blob_id(b"old")))
    ((_, noted),) = desk.kept
    assert noted.replaces == blob_id(b"old")
