"""`gryph role` and `gryph token revoke` as an operator meets them."""

from collections.abc import Generator
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from bot.auth import ApiKeys, NotAuthenticated, Role, token_id
from bot.cli import main
from handlers import Tier
from storage import console, people
from storage.clock import utc_now
from storage.database import Database
from storage.ids import PersonId
from storage.migrations.run import upgrade
from storage.tables.trust import AuditRow

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRYPH_HOME", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def database(home: Path) -> Generator[Database]:
    url = f"sqlite:///{home / 'gryph.db'}"
    upgrade(url)
    made = Database(url)
    yield made
    made.close()


@pytest.fixture
def ann(database: Database) -> PersonId:
    return database.write_now(
        lambda s: people.person_of(s, platform="github", account="7", name="ann", now=utc_now())
    )


def tier(database: Database, person: PersonId, *scopes: str) -> int | None:
    return database.read_now(lambda s: people.tier_in(s, person, scopes))


def test_a_role_counts_in_its_workspace_and_nowhere_else(
    database: Database, ann: PersonId, capsys: Captured
) -> None:
    assert main(["role", "grant", str(ann), "writer", "--workspace", "slack:T1"]) == 0
    assert capsys.readouterr().out == "1 github:7 (ann) is writer in slack:T1.\n"
    assert tier(database, ann, "slack:T1") == Tier.WRITE
    assert tier(database, ann, "slack:T2") is None


def test_a_star_counts_everywhere_and_the_newest_grant_counts(
    database: Database, ann: PersonId
) -> None:
    main(["role", "grant", "github:7", "admin", "--workspace", "*"])
    main(["role", "grant", "github:7", "reader", "--workspace", "*"])
    assert tier(database, ann, "anywhere") == Tier.READ


def test_somebody_who_never_spoke_can_be_given_a_role_by_their_account(
    database: Database, capsys: Captured
) -> None:
    assert main(["role", "grant", "slack:U9", "operator", "--workspace", "*"]) == 0
    person = database.read_now(lambda s: people.find_person(s, platform="slack", account="U9"))
    assert person is not None
    assert tier(database, person) == Tier.OPERATOR


def test_a_role_is_taken_back_once(database: Database, ann: PersonId, capsys: Captured) -> None:
    main(["role", "grant", "github:7", "writer", "--workspace", "slack:T1"])
    assert main(["role", "revoke", "github:7", "--workspace", "slack:T1"]) == 0
    assert tier(database, ann, "slack:T1") is None
    assert main(["role", "revoke", "github:7", "--workspace", "slack:T1"]) == 2
    assert "has no role in slack:T1" in capsys.readouterr().err


def test_the_list_names_everybody_with_and_without_a_role(
    database: Database, ann: PersonId, capsys: Captured
) -> None:
    main(["role", "grant", "slack:U9", "reader", "--workspace", "slack:T1"])
    capsys.readouterr()
    assert main(["role", "list"]) == 0
    out = capsys.readouterr().out
    assert "slack:U9 (U9): reader in slack:T1" in out
    assert "1 github:7 (ann): no role" in out
    assert main(["role", "list", "github:7"]) == 0
    assert capsys.readouterr().out == "1 github:7 (ann): no role\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grant", "github:7", "writer"], "--workspace is missing"),
        (["grant", "github:7", "--workspace", "*"], "ROLE is missing"),
        (["grant"], "PERSON is missing"),
        (["grant", "ann", "writer", "--workspace", "*"], "Not a person: 'ann'"),
        (["grant", "99", "writer", "--workspace", "*"], "no person 99"),
        (["grant", "irc:ann", "writer", "--workspace", "*"], "Not a person"),
        (["grant", "github:7", "writer", "--workspace", "irc:x"], "Not a workspace"),
        (["grant", "github:7", "writer", "--workspace", "slack"], "Not a workspace"),
        (["revoke", "github:8", "--workspace", "*"], "never seen"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(
    database: Database, ann: PersonId, capsys: Captured, arguments: list[str], told: str
) -> None:
    assert main(["role", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert database.read_now(people.roles) == []


def test_without_tables_the_remedy_is_named(home: Path, capsys: Captured) -> None:
    assert main(["role", "list"]) == 2
    assert "gryph migrate" in capsys.readouterr().err


def _actions(session: Session) -> list[str]:
    return list(session.exec(select(AuditRow.action).order_by(col(AuditRow.seq))))


def test_every_change_is_in_the_anchored_audit_log(
    database: Database, home: Path, ann: PersonId, capsys: Captured
) -> None:
    main(["role", "grant", "github:7", "writer", "--workspace", "*"])
    main(["role", "revoke", "github:7", "--workspace", "*"])
    main(["token", "revoke", "ci.0123456789ab"])
    actions = database.read_now(_actions)
    assert actions == ["role.grant", "role.revoke", "token.revoke"]
    assert main(["audit", "verify"]) == 0
    assert "3 lines, unbroken; 3 anchors agree" in capsys.readouterr().out


def test_a_revoked_token_is_refused_with_what_was_asked_for_by_it(
    database: Database, home: Path, capsys: Captured
) -> None:
    main(["token", "--name", "ci", "--role", "writer"])
    captured = capsys.readouterr()
    token = captured.out.strip()
    assert token_id(token) in captured.err
    client = ApiKeys(home).verify(token)
    database.write_now(lambda s: console.grant(s, client.account, client.tier, client.expires_at))
    assert main(["token", "revoke", token_id(token)]) == 0
    with pytest.raises(NotAuthenticated, match="revoked"):
        ApiKeys(home).verify(token)
    assert not database.read_now(lambda s: console.holds(s, client.account, client.tier, utc_now()))


def test_retired_keys_take_along_what_was_asked_for_with_their_tokens(
    database: Database, home: Path
) -> None:
    client = ApiKeys(home).verify(ApiKeys(home).mint("ci", Role.WRITER))
    database.write_now(lambda s: console.grant(s, client.account, client.tier, client.expires_at))
    assert main(["token", "--name", "ci", "--rotate", "--retire"]) == 0
    assert not database.read_now(lambda s: console.holds(s, client.account, client.tier, utc_now()))
