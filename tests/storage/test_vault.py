import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from storage import vault
from storage.vault import KeyRing, Unsealable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "vault.keys"


def test_what_is_sealed_unseals_to_the_same(path: Path) -> None:
    ring = KeyRing.open(path)
    sealed = ring.seal("slack", "xoxb-ü\n")
    assert "xoxb" not in sealed
    assert KeyRing.open(path).unseal("slack", sealed) == "xoxb-ü\n"


def test_the_same_secret_looks_different_each_time(path: Path) -> None:
    ring = KeyRing.open(path)
    assert ring.seal("a", "secret") != ring.seal("a", "secret")


def test_what_was_sealed_for_another_name_does_not_open(path: Path) -> None:
    ring = KeyRing.open(path)
    with pytest.raises(Unsealable, match="something else"):
        ring.unseal("github", ring.seal("slack", "secret"))


def test_another_installations_key_does_not_open_it(path: Path, tmp_path: Path) -> None:
    sealed = KeyRing.open(path).seal("a", "secret")
    other = KeyRing.open(tmp_path / "other.keys")
    with pytest.raises(Unsealable, match="not here"):
        other.unseal("a", sealed)
    with pytest.raises(Unsealable, match="not here"):
        other.reseal(sealed)


@pytest.mark.parametrize("ciphertext", ["", "x", "gAAAAA", "ü"])
def test_what_is_no_ciphertext_does_not_open(path: Path, ciphertext: str) -> None:
    with pytest.raises(Unsealable):
        KeyRing.open(path).unseal("a", ciphertext)


def test_a_changed_ciphertext_does_not_open(path: Path) -> None:
    ring = KeyRing.open(path)
    sealed = ring.seal("a", "secret")
    changed = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]
    with pytest.raises(Unsealable):
        ring.unseal("a", changed)


def test_a_new_key_seals_and_the_old_one_still_unseals(path: Path) -> None:
    running = KeyRing.open(path)
    old = KeyRing(running.keys)
    sealed_before = old.seal("a", "before")
    new = vault.add_key(path)
    assert KeyRing.open(path).keys == new.keys
    assert new.unseal("a", sealed_before) == "before"
    with pytest.raises(Unsealable):
        old.unseal("a", new.seal("a", "after"))
    assert running.unseal("a", new.seal("a", "after")) == "after"
    assert new.unseal("a", running.seal("a", "later")) == "later"


def test_a_key_file_that_is_lost_or_damaged_meanwhile_changes_nothing(path: Path) -> None:
    running = KeyRing.open(path)
    sealed = running.seal("a", "secret")
    path.write_text("not a key")
    assert running.unseal("a", sealed) == "secret"
    path.unlink()
    assert running.unseal("a", running.seal("a", "still")) == "still"


def test_once_sealed_anew_the_old_key_may_go(path: Path) -> None:
    sealed = KeyRing.open(path).seal("a", "secret")
    resealed = vault.add_key(path).reseal(sealed)
    newest = vault.keep_newest(path)
    assert len(newest.keys) == 1
    assert newest.unseal("a", resealed) == "secret"
    with pytest.raises(Unsealable):
        newest.unseal("a", sealed)


def test_only_the_owner_may_read_the_keys(path: Path) -> None:
    KeyRing.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    vault.add_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_processes_that_start_together_agree_on_one_key(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(KeyRing.open, [path] * 8))
    assert len({ring.keys for ring in rings}) == 1
    assert [file.name for file in path.parent.iterdir()] == ["vault.keys"]


@pytest.mark.parametrize("content", ["", "short", "not a key at all, but long enough to be one ."])
def test_a_damaged_key_file_is_named_and_kept(path: Path, content: str) -> None:
    KeyRing.open(path)
    path.write_text(content)
    with pytest.raises(ValueError, match=r"vault\.keys"):
        KeyRing.open(path)
    assert path.read_text() == content


def test_the_vault_and_the_checkouts_have_keys_of_their_own(tmp_path: Path) -> None:
    assert vault.vault_keys(tmp_path).keys != vault.checkout_keys(tmp_path, None).keys


def test_gateway_and_worker_may_share_a_configured_checkout_key(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    gateway = vault.checkout_keys(tmp_path / "gateway", key)
    worker = vault.checkout_keys(tmp_path / "worker", key)
    assert worker.unseal("J000001", gateway.seal("J000001", "token")) == "token"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["", "x", "a" * 44])
def test_a_configured_key_that_is_none_names_its_setting(key: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="GRYPH_CHECKOUT_KEY"):
        vault.checkout_keys(tmp_path, key)
