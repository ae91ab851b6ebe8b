"""Secrets at rest: encrypted with keys that lie outside the database, and rotated.

What is sealed names the row it belongs to, so that a ciphertext copied into another row does not
open there.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlmodel import Session, col, delete, select

from storage.database import insert_if_absent
from storage.files import read_or_create, write_whole
from storage.ids import JobId
from storage.tables.trust import CheckoutGrantRow, SecretRow


class Unsealable(Exception):
    """A ciphertext was made with another key, was changed, or belongs elsewhere."""


class KeyRing:
    """Fernet keys, newest first: the newest seals, all of them unseal.

    Those of a file are read again when it was replaced, so that a rotation counts at once in every
    process that runs.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        """Hold these keys. Raises ValueError where one is not 32 bytes in URL-safe base64."""
        self._file: Path | None = None
        self._read_from: tuple[int, int] | None = None
        self._take(keys)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The keys in a file, one a line; the file is made with a first key when it is missing.

        Raises:
            ValueError: The file is damaged; the message names it.
        """
        read_from = _identity(path)
        lines = read_or_create(path, lambda: Fernet.generate_key() + b"\n").decode().split()
        try:
            ring = cls(tuple(lines))
        except ValueError as error:
            raise ValueError(f"{path} holds no usable keys: {error}") from error
        ring._file, ring._read_from = path, read_from
        return ring

    @property
    def keys(self) -> tuple[str, ...]:
        """Newest first."""
        self._look()
        return self._keys

    def _take(self, keys: tuple[str, ...]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._keys = keys

    def _look(self) -> None:
        """A file that is gone or damaged meanwhile changes nothing here."""
        if self._file is None or (now := _identity(self._file)) in (None, self._read_from):
            return
        with suppress(OSError, ValueError):
            self._take(tuple(self._file.read_text().split()))
            self._read_from = now

    def seal(self, name: str, value: str) -> str:
        """Encrypt a value that belongs to `name`."""
        self._look()
        return self._fernet.encrypt(json.dumps([name, value]).encode()).decode()

    def unseal(self, name: str, ciphertext: str) -> str:
        """The value that was sealed for `name`. Raises Unsealable."""
        self._look()
        try:
            sealed_name, value = json.loads(self._fernet.decrypt(ciphertext.encode()))
        except InvalidToken as error:
            raise Unsealable(f"{name} was sealed with a key that is not here (any more)") from error
        if sealed_name != name:
            raise Unsealable(f"what lies under {name} was sealed for something else")
        return str(value)

    def reseal(self, ciphertext: str) -> str:
        """The same secret under the newest key. Raises Unsealable."""
        self._look()
        try:
            return self._fernet.rotate(ciphertext.encode()).decode()
        except InvalidToken as error:
            raise Unsealable("it was sealed with a key that is not here (any more)") from error


def vault_file(home: Path) -> Path:
    """Where the keys of the table of secrets lie."""
    return home / "keys" / "vault.keys"


def checkout_file(home: Path) -> Path:
    """Where the keys of lent tokens lie, unless one is configured."""
    return home / "keys" / "checkout.key"


def vault_keys(home: Path) -> KeyRing:
    """The keys of the table of secrets, made on first use."""
    return KeyRing.open(vault_file(home))


def checkout_keys(home: Path, configured: str | None) -> KeyRing:
    """The key that gateway and workers share: the setting `checkout_key`, else a file in the home.

    Raises:
        ValueError: The configured key is none; the message says how one looks.
    """
    if configured is None:
        return KeyRing.open(checkout_file(home))
    try:
        return KeyRing((configured,))
    except ValueError as error:
        raise ValueError(
            "GRYPH_CHECKOUT_KEY must be 32 random bytes in URL-safe base64, such as "
            "`openssl rand -base64 32 | tr +/ -_` prints"
        ) from error


def add_key(path: Path) -> KeyRing:
    """Put a new key first; the older ones still unseal until `keep_newest` removes them."""
    keys = (Fernet.generate_key().decode(), *KeyRing.open(path).keys)
    return _store(path, keys)


def keep_newest(path: Path) -> KeyRing:
    """Forget the older keys, after `rotate` has sealed every secret anew."""
    return _store(path, KeyRing.open(path).keys[:1])


def put(session: Session, ring: KeyRing, name: str, value: str, now: datetime) -> None:
    """Keep a secret; it replaces the earlier one of this name."""
    values = {"ciphertext": ring.seal(name, value), "updated_at": now}
    if not insert_if_absent(session, SecretRow, {"name": name, **values}):
        session.get_one(SecretRow, name).sqlmodel_update(values)
        session.flush()


def get(session: Session, ring: KeyRing, name: str) -> str | None:
    """The secret of this name, None if there is none. Raises Unsealable."""
    row = session.get(SecretRow, name)
    return None if row is None else ring.unseal(name, row.ciphertext)


def remove(session: Session, name: str) -> bool:
    """Forget a secret; False when there was none."""
    session.flush()
    return session.exec(delete(SecretRow).where(col(SecretRow.name) == name)).rowcount == 1


def rotate(session: Session, ring: KeyRing) -> int:
    """Seal every secret anew under the newest key; how many. Raises Unsealable."""
    return _reseal(session, session.exec(select(SecretRow).with_for_update()).all(), ring)


def rotate_grants(session: Session, ring: KeyRing) -> int:
    """Seal every lent token anew under the newest key; how many. Raises Unsealable."""
    return _reseal(session, session.exec(select(CheckoutGrantRow).with_for_update()).all(), ring)


def _reseal(
    session: Session, rows: Sequence[SecretRow] | Sequence[CheckoutGrantRow], ring: KeyRing
) -> int:
    for row in rows:
        row.ciphertext = ring.reseal(row.ciphertext)
    session.flush()
    return len(rows)


def seal_grant(
    session: Session, ring: KeyRing, job: JobId, token: str, expires_at: datetime
) -> None:
    """Lend the job's worker a token; it replaces the one lent before."""
    values = {"ciphertext": ring.seal(job, token), "expires_at": expires_at}
    if not insert_if_absent(session, CheckoutGrantRow, {"job_id": job, **values}):
        session.get_one(CheckoutGrantRow, job).sqlmodel_update(values)
        session.flush()


def open_grant(session: Session, ring: KeyRing, job: JobId, now: datetime) -> str | None:
    """The token lent for this job, unless there is none or it has expired. Raises Unsealable."""
    row = session.get(CheckoutGrantRow, job)
    return None if row is None or row.expires_at <= now else ring.unseal(job, row.ciphertext)


def drop_expired_grants(session: Session, now: datetime) -> int:
    """Forget tokens nobody can use any more; how many."""
    session.flush()
    gone = session.exec(delete(CheckoutGrantRow).where(col(CheckoutGrantRow.expires_at) <= now))
    return gone.rowcount


def _identity(file: Path) -> tuple[int, int] | None:
    """What changes when the file is replaced; None when it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _store(path: Path, keys: tuple[str, ...]) -> KeyRing:
    write_whole(path, "".join(f"{key}\n" for key in keys).encode())
    return KeyRing(keys)
