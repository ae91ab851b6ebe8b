"""`gryph backup`, `restore` and `keys`: what whoever looks after an installation reads."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from bot.cli import main
from storage import vault
from storage.backups import noted
from storage.database import Database

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A migrated home in effect, the working folder beside it."""
    monkeypatch.chdir(tmp_path)
    return use(tmp_path / "home", monkeypatch)


def use(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRYPH_HOME", str(home))
    assert main(["migrate"]) == 0
    return home


def keep(home: Path, name: str, value: str) -> None:
    database = Database(f"sqlite:///{home / 'gryph.db'}")
    ring = vault.vault_keys(home)
    database.write_now(lambda s: vault.put(s, ring, name, value, NOW))
    database.close()


def kept(home: Path, name: str) -> str | None:
    database = Database(f"sqlite:///{home / 'gryph.db'}")
    try:
        return database.read_now(lambda s: vault.get(s, vault.vault_keys(home), name))
    finally:
        database.close()


def said(capsys: pytest.CaptureFixture[str], home: Path) -> str:
    out, err = capsys.readouterr()
    text = (out + err).replace(str(home), "HOME").replace(str(home.parent), "DIR")
    return re.sub(r"\d+ tables", "N tables", re.sub(r"\d+\.\d [kM]B", "N MB", text))


def test_a_backup_says_what_is_in_it_and_that_it_was_tried(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(home, "model", "sesame")
    capsys.readouterr()
    assert main(["backup", "b"]) == 0
    assert said(capsys, home) == snapshot("""\
b: 1 row of N tables, 0 artifacts, 1 key file, N MB.
Restored into a scratch home to try it: audit log of 0 lines unbroken.
It holds the keys: keep it as safe as the home itself.
""")


def test_a_home_knows_when_its_last_good_backup_was_made(home: Path) -> None:
    assert noted.last_at_s(home) == 0
    (home / "gryph.db").rename(home / "away.db")
    assert main(["backup", "b"]) == 1
    assert noted.last_at_s(home) == 0
    (home / "away.db").replace(home / "gryph.db")
    assert main(["backup", "b"]) == 0
    assert abs(noted.last_at_s(home) - time.time()) < 60


def test_a_restored_home_opens_what_was_sealed(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(home, "model", "sesame")
    assert main(["backup", "b", "--no-verify"]) == 0
    fresh = home.with_name("fresh")
    monkeypatch.setenv("GRYPH_HOME", str(fresh))
    capsys.readouterr()
    assert main(["restore", "b"]) == 0
    assert re.sub(r"\d{4}-.*UTC", "TIME", said(capsys, fresh)) == snapshot(
        "Restored 1 row and 0 artifacts of TIME into HOME: audit log of 0 lines unbroken.\n"
    )
    assert kept(fresh, "model") == "sesame"


def test_a_restore_over_something_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", "b"]) == 0
    capsys.readouterr()
    assert main(["restore", "b"]) == 1
    assert said(capsys, home) == snapshot("gryph: the database has tables already\n")


def test_a_file_that_is_no_backup_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("b").write_bytes(b"hello")
    monkeypatch.setenv("GRYPH_HOME", str(home.with_name("fresh")))
    capsys.readouterr()
    assert main(["restore", "b"]) == 1
    assert main(["restore", "nothing"]) == 1
    assert said(capsys, home) == snapshot("""\
gryph: b is no whole backup: Not a gzipped file (b'he')
gryph: nothing cannot be read: No such file or directory
""")


def test_rotated_keys_seal_every_secret_anew(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(home, "model", "sesame")
    old = (home / "keys" / "vault.keys").read_text()
    capsys.readouterr()
    assert main(["keys", "rotate", "--forget-old"]) == 0
    assert said(capsys, home) == snapshot("""\
1 secret sealed anew; 1 key in HOME/keys/vault.keys.
0 lent tokens and 0 model keys sealed anew; 1 key in HOME/keys/checkout.key.
""")
    assert old.strip() not in (home / "keys" / "vault.keys").read_text()
    assert kept(home, "model") == "sesame"
