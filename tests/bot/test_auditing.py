"""Anchoring while the gateway runs, and `gryph audit verify` as an operator reads it."""

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from bot.auditing import Anchoring, note_head
from bot.cli import main
from bot.metrics import GatewayMetrics
from bot.settings import GatewaySettings
from storage import anchors, audit
from storage.clock import utc_now
from storage.database import Database
from storage.migrations.run import upgrade


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRYPH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def database(home: Path) -> Generator[Database]:
    url = f"sqlite:///{home / 'gryph.db'}"
    upgrade(url)
    made = Database(url)
    yield made
    made.close()


def write(database: Database, home: Path, *actions: str) -> None:
    key = audit.load_key(home)
    for action in actions:
        entry = audit.Entry("console:api:ann", action, "J7K2M9Q")
        database.write_now(lambda s, entry=entry: audit.append(s, key, entry, utc_now()))


def anchoring(database: Database, home: Path, url: str | None = None) -> Anchoring:
    settings = GatewaySettings(home=home, audit_anchor_url=url)
    return Anchoring(settings, database, GatewayMetrics())


class Elsewhere(HTTPServer):
    """A place that keeps what is posted to it, when it is up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kept: list[str] = []
        self.is_up = True


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        place = self.server
        assert isinstance(place, Elsewhere)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if place.is_up:
            place.kept.append(body)
        self.send_response(204 if place.is_up else 503)
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def elsewhere() -> Generator[Elsewhere]:
    server = Elsewhere()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_an_anchored_log_verifies_and_says_how_far(
    home: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    at_work = anchoring(database, home)
    await at_work.anchor()
    write(database, home, "test", "apply")
    await at_work.anchor()
    await at_work.anchor()
    assert main(["audit", "verify"]) == 0
    assert "2 lines, unbroken; 2 anchors agree." in capsys.readouterr().out


async def test_a_changed_line_is_named(
    home: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    write(database, home, "test", "apply")
    await anchoring(database, home).anchor()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET action = 'cancel' WHERE seq = 2")
    assert main(["audit", "verify"]) == 1
    assert "BROKEN: line 2 was changed or removed" in capsys.readouterr().out


async def test_a_cut_end_is_found_and_told_with_its_time(
    home: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    write(database, home, "test", "apply")
    await anchoring(database, home).anchor()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE seq = 2")
    assert main(["audit", "verify"]) == 1
    assert "the log ends after line 1" in capsys.readouterr().out


async def test_a_log_whose_anchors_are_gone_does_not_pass(
    home: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    write(database, home, "test")
    await anchoring(database, home).anchor()
    (home / "anchors" / "audit.log").unlink()
    assert main(["audit", "verify"]) == 1
    assert "there is no anchor" in capsys.readouterr().out


async def test_whoever_shortens_both_is_found_by_the_copy_elsewhere(
    home: Path, database: Database, elsewhere: Elsewhere, capsys: pytest.CaptureFixture[str]
) -> None:
    at_work = anchoring(database, home, f"http://127.0.0.1:{elsewhere.server_port}/")
    for action in ("test", "apply"):
        write(database, home, action)
        await at_work.anchor()
    ours = home / "anchors" / "audit.log"
    ours.write_text(ours.read_text().splitlines()[0] + "\n")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE seq = 2")
    assert main(["audit", "verify"]) == 0
    copy = home / "copy.jsonl"
    copy.write_text("\n".join(elsewhere.kept))
    assert main(["audit", "verify", "--anchors", str(copy)]) == 1
    assert "it had 2 lines" in capsys.readouterr().out


async def test_what_could_not_be_sent_is_sent_when_the_place_is_back(
    home: Path, database: Database, elsewhere: Elsewhere
) -> None:
    at_work = anchoring(database, home, f"http://127.0.0.1:{elsewhere.server_port}/")
    elsewhere.is_up = False
    write(database, home, "test")
    await at_work.anchor()
    write(database, home, "apply")
    await at_work.anchor()
    assert elsewhere.kept == []
    elsewhere.is_up = True
    await at_work.anchor()
    assert [json.loads(body)["seq"] for body in elsewhere.kept] == [1, 2]
    assert anchors.read(elsewhere.kept) == anchors.read(
        (home / "anchors" / "audit.log").read_text().splitlines()
    )


async def test_a_gateway_that_stops_anchors_what_came_last_and_never_fails_at_it(
    home: Path, database: Database
) -> None:
    at_work = anchoring(database, home)
    write(database, home, "test")
    await at_work.last()
    path = home / "anchors" / "audit.log"
    assert [each.seq for each in anchors.read(path.read_text().splitlines())] == [1]
    path.unlink()
    path.mkdir()
    write(database, home, "apply")
    await at_work.last()


async def test_what_the_command_line_anchored_is_sent_by_the_gateway(
    home: Path, database: Database, elsewhere: Elsewhere
) -> None:
    at_work = anchoring(database, home, f"http://127.0.0.1:{elsewhere.server_port}/")
    write(database, home, "test")
    await at_work.anchor()
    write(database, home, "role.grant")
    note_head(GatewaySettings(home=home), database)
    for _ in range(2):
        await at_work.anchor()
    assert [json.loads(body)["seq"] for body in elsewhere.kept] == [1, 2]
