"""The registry of models on both databases."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from storage import models, vault
from storage.backups.make import Installation, make
from storage.backups.restore import restore
from storage.database import Database
from storage.migrations import run
from storage.model_addresses import BadModel
from storage.models import ModelKind, Precision, Purpose, RegisteredModel, Registry
from storage.stores.local import LocalStore
from storage.tables.models import ModelRow
from storage.vault import KeyRing
from tests.fakes.postgres import PostgresServer

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CODER = RegisteredModel(
    "coder", ModelKind.LOCAL, "/models/coder", precision=Precision.INT8, memory_gb=7.5
)
CLOUD = RegisteredModel(
    "cloud",
    ModelKind.OPENAI,
    "https://example.com/v1",
    model="m-1",
    context_tokens=8_192,
    concurrency=32,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return vault.checkout_file(tmp_path)


@pytest.fixture
def ring(path: Path) -> KeyRing:
    return KeyRing.open(path)


def with_key(ring: KeyRing, key: str = "sesame-1") -> RegisteredModel:
    return RegisteredModel(
        CLOUD.name,
        CLOUD.kind,
        CLOUD.address,
        model="m-1",
        sealed_key=models.sealed(ring, CLOUD, key),
    )


def add(database: Database, *several: RegisteredModel) -> None:
    for number, each in enumerate(several):
        at = NOW + timedelta(seconds=number)
        database.write_now(lambda s, each=each, at=at: models.add(s, each, at))


def read(database: Database) -> Registry:
    return database.read_now(models.registry)


def change(database: Database, work: Callable[[Session], None]) -> Registry:
    database.write_now(work)
    return read(database)


def test_what_is_registered_is_read_back_in_the_order_it_came(database: Database) -> None:
    add(database, CODER, CLOUD)
    assert read(database) == Registry(models=(CODER, CLOUD))
    assert read(database).get("cloud") == CLOUD
    assert read(database).get("clown") is None


@pytest.mark.parametrize("name", ["", "Coder", "a b", "-a", "a/b", "ä", "x" * 64])
def test_a_name_is_a_short_word(database: Database, name: str) -> None:
    with pytest.raises(BadModel, match="Not a name"):
        add(database, RegisteredModel(name, ModelKind.LOCAL, "/m"))


def test_a_name_is_given_once(database: Database) -> None:
    add(database, CODER)
    with pytest.raises(BadModel, match="`gryph model remove coder` first"):
        add(database, RegisteredModel("coder", ModelKind.LOCAL, "/other"))


def test_a_default_belongs_to_one_model_and_goes_with_it(database: Database) -> None:
    add(database, CODER, CLOUD)
    change(database, lambda s: models.set_default(s, "coder", Purpose.ALL))
    change(database, lambda s: models.set_default(s, "coder", Purpose.FIX))
    now = change(database, lambda s: models.set_default(s, "cloud", Purpose.FIX))
    assert now.purposes_of("coder") == (Purpose.ALL,)
    assert now.purposes_of("cloud") == (Purpose.FIX,)
    now = change(database, lambda s: models.remove(s, "cloud"))
    assert (now.models, now.defaults) == ((CODER,), {Purpose.ALL: "coder"})


def test_a_model_is_disabled_and_enabled(database: Database) -> None:
    add(database, CODER)
    assert (
        not change(database, lambda s: models.set_enabled(s, "coder", is_enabled=False))
        .models[0]
        .is_enabled
    )
    assert change(database, lambda s: models.set_enabled(s, "coder", is_enabled=True)).models == (
        CODER,
    )


def test_a_model_that_is_not_there_is_named(database: Database) -> None:
    def enable(session: Session) -> None:
        models.set_enabled(session, "clown", is_enabled=True)

    def default(session: Session) -> None:
        models.set_default(session, "clown", Purpose.ALL)

    def key(session: Session) -> None:
        models.put_key(session, "clown", "x")

    def remove(session: Session) -> None:
        models.remove(session, "clown")

    for work in (enable, default, key, remove):
        with pytest.raises(BadModel, match="no model 'clown'"):
            database.write_now(work)


# Keys


def test_a_key_is_sealed_and_opens_for_its_model(database: Database, ring: KeyRing) -> None:
    add(database, with_key(ring))
    (row,) = database.read_now(lambda s: s.exec(select(ModelRow)).all())
    assert "sesame" not in str(row)
    (found,) = read(database).models
    assert models.key_of(ring, found) == "sesame-1"
    assert "sesame" not in repr(found)
    assert str(found.sealed_key) not in repr(found)
    assert models.key_of(ring, CODER) is None


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "größe", "x" * 5_000])
def test_what_no_header_could_carry_is_no_key_and_is_not_shown(ring: KeyRing, key: str) -> None:
    with pytest.raises(BadModel, match="That is no key") as raised:
        models.sealed(ring, CLOUD, key)
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize(
    "change",
    ["UPDATE models SET name = 'other'", "UPDATE models SET address = 'https://evil.example'"],
    ids=["name", "address"],
)
def test_a_key_does_not_open_for_another_model_or_address(
    database: Database, ring: KeyRing, change: str
) -> None:
    add(database, with_key(ring))
    database.write_now(lambda s: s.connection().execute(text(change)))
    (found,) = read(database).models
    with pytest.raises(BadModel, match=r"cannot be opened.*gryph model key"):
        models.key_of(ring, found)


def test_after_rotation_a_worker_that_runs_opens_the_key(
    database: Database, ring: KeyRing, path: Path
) -> None:
    add(database, with_key(ring), CODER)
    old = KeyRing(ring.keys)
    both = vault.add_key(path)
    assert database.write_now(lambda s: models.rotate_keys(s, both)) == 1
    vault.keep_newest(path)
    found = read(database).get("cloud")
    assert found is not None
    assert models.key_of(ring, found) == "sesame-1"
    with pytest.raises(BadModel, match="cannot be opened"):
        models.key_of(old, found)


def test_a_replaced_key_is_the_one_that_counts(database: Database, ring: KeyRing) -> None:
    add(database, with_key(ring))
    fresh = models.sealed(ring, CLOUD, "sesame-2")
    now = change(database, lambda s: models.put_key(s, "cloud", fresh))
    assert models.key_of(ring, now.models[0]) == "sesame-2"


# Older and other databases


def test_a_database_of_before_has_no_models_and_takes_some(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gryph.db'}"
    run.upgrade(url, "0007")
    run.upgrade(url)
    old = Database(url)
    assert read(old) == Registry()
    add(old, CODER)
    assert read(old).models == (CODER,)
    old.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_endpoints_of_before_take_as_many_requests_as_they_did(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    old = _installation(request, tmp_path / "old", kind).database
    run.upgrade(old.url, "0010")
    insert = (
        "INSERT INTO models (name, kind, address, model, context_tokens, precision, "
        "said_on_premises, is_enabled, added_at) VALUES "
        "('cloud', 'openai', 'https://example.com/v1', 'm-1', 8192, 'auto', "
        "false, true, '2026-11-24 12:00:00+00:00')"
    )
    old.write_now(lambda s: s.connection().execute(text(insert)))
    run.upgrade(old.url)
    assert read(old).models == (replace(CLOUD, concurrency=8),)
    old.close()


@pytest.mark.parametrize(("of", "into"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_a_backup_brings_models_rules_and_keys_into_the_other_kind_of_database(
    request: pytest.FixtureRequest, tmp_path: Path, of: str, into: str
) -> None:
    old, new = (
        _installation(request, tmp_path / name, kind) for name, kind in (("old", of), ("new", into))
    )
    run.upgrade(old.database.url)
    ring = vault.checkout_keys(old.home, None)
    add(old.database, CODER, with_key(ring))
    change(old.database, lambda s: models.set_default(s, "cloud", Purpose.FIX))
    change(old.database, lambda s: models.set_enabled(s, "coder", is_enabled=False))
    kept = rules(old.database, slack_T1=True, github_acme=False)
    make(old, tmp_path / "b", NOW)
    assert b"sesame" not in gzip.decompress((tmp_path / "b").read_bytes())
    restore(tmp_path / "b", new)
    assert read(new.database) == kept
    cloud = read(new.database).get("cloud")
    assert cloud is not None
    assert models.key_of(vault.checkout_keys(new.home, None), cloud) == "sesame-1"
    for each in (old, new):
        each.database.close()


def _installation(request: pytest.FixtureRequest, home: Path, kind: str) -> Installation:
    home.mkdir()
    url = f"sqlite:///{home / 'gryph.db'}"
    if kind == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.url(server.create_database())
    return Installation(home, Database(url), LocalStore(home))


# Whose code may leave


def rules(database: Database, **given: bool) -> Registry:
    for scope, is_allowed in given.items():
        named = scope.replace("_", ":", 1).replace("_", "/").replace("everywhere", "*")
        database.write_now(lambda s, n=named, a=is_allowed: models.rule(s, n, NOW, is_allowed=a))
    return read(database)


def test_at_first_nobodys_code_may_leave(database: Database) -> None:
    assert read(database).closed_scopes("slack:T1", "github:o/r") == ("slack:T1", "github:o/r")
    assert read(database).closed_scopes() == ("*",)


def test_whoever_is_in_it_has_to_allow_it(database: Database) -> None:
    found = rules(database, slack_T1=True, github_acme=True, github_acme_secret=False)
    assert found.closed_scopes("slack:T1", "github:acme/app") == ()
    assert found.closed_scopes("slack:T2", "github:acme/app") == ("slack:T2",)
    assert found.closed_scopes("slack:T1", "github:other/app") == ("github:other/app",)
    assert found.closed_scopes("slack:T1", "github:acme/secret") == ("github:acme/secret",)
    assert found.closed_scopes("slack:t1") == ("slack:t1",), "Slack's names have a case"
    assert found.closed_scopes("github:ACME/App") == (), "the code host's have none"


def test_a_narrower_rule_counts_more_than_everybodys(database: Database) -> None:
    found = rules(database, everywhere=True, slack_T1=False)
    assert found.closed_scopes("slack:T2", "github:o/r") == ()
    assert found.closed_scopes("slack:T1") == ("slack:T1",)
    assert rules(database, everywhere=False).closed_scopes("slack:T2") == ("slack:T2",)


def test_where_a_model_is_follows_from_its_kind_and_address() -> None:
    def at(address: str, **more: bool) -> RegisteredModel:
        return RegisteredModel("m", ModelKind.OPENAI, address, **more)  # pyright: ignore[reportArgumentType]

    assert CODER.is_on_premises
    assert RegisteredModel("m", ModelKind.HUB, "o/n").is_on_premises
    assert at("http://127.0.0.1:8000/v1").is_on_premises
    assert not at("https://gpu.internal/v1").is_on_premises
    assert at("https://gpu.internal/v1", said_on_premises=True).is_on_premises
    assert at("https://gpu.internal/v1").goes_to == "to gpu.internal (remote)"
    assert CODER.goes_to == "stays on the worker's machine"
