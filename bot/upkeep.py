"""`gryph backup`, `gryph restore` and `gryph keys`: for whoever looks after an installation."""

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from sqlmodel import Session

from bot.settings import GatewaySettings
from bot.text import size
from storage import models, vault
from storage.backups import noted
from storage.backups.archive import BadBackup
from storage.backups.make import Installation, NothingToKeep, make
from storage.backups.restore import NotEmpty, Restored, RestoreFailed, restore, tried
from storage.clock import utc_now
from storage.database import Database
from storage.files import private_folder
from storage.stores.choice import open_store
from storage.stores.types import StoreAway

OK, FAILED = 0, 1


def add_backup(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gryph backup`."""
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        help="where to; default is gryph-<time>.backup in the working folder",
    )
    parser.add_argument(
        "--no-verify",
        dest="verify",
        action="store_false",
        help="do not try to restore it into a scratch home",
    )


def add_restore(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gryph restore`."""
    parser.add_argument("file", type=Path, help="made by gryph backup")


def add_keys(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gryph keys`."""
    parser.add_argument("action", choices=["rotate"])
    parser.add_argument(
        "--forget-old",
        action="store_true",
        help="remove the older keys once every secret is sealed anew",
    )


def backup(options: argparse.Namespace) -> int:
    """Make a backup of the installation of the settings and try it."""
    now = utc_now()
    path: Path = options.file or Path(f"gryph-{now:%Y%m%dT%H%M%SZ}.backup")
    here = _installation()
    try:
        manifest = make(here, path, now)
        print(
            f"{path}: {_many(sum(manifest.rows.values()), 'row')} of {len(manifest.rows)} tables, "
            f"{_many(_count(manifest.digests, 'artifacts'), 'artifact')}, "
            f"{_many(_count(manifest.digests, 'keys'), 'key file')}, "
            f"{size(path.stat().st_size)}."
        )
        if manifest.lost:
            print(f"Lost before, and not in it: {_many(len(manifest.lost), 'artifact')}.")
        if options.verify:
            print(f"Restored into a scratch home to try it: {_verdict(tried(path))}.")
        noted.note(here.home, manifest, path.resolve(), was_tried=options.verify)
    except (NothingToKeep, StoreAway, BadBackup, RestoreFailed) as error:
        return _complain(error)
    finally:
        here.database.close()
    print("It holds the keys: keep it as safe as the home itself.")
    return OK


def restore_here(options: argparse.Namespace) -> int:
    """Fill the empty home, database and store of the settings from a backup."""
    here = _installation()
    try:
        restored = restore(options.file, here)
    except (BadBackup, NotEmpty, RestoreFailed, StoreAway) as error:
        return _complain(error)
    finally:
        here.database.close()
    print(
        f"Restored {_many(sum(restored.rows.values()), 'row')} and "
        f"{_many(restored.artifacts, 'artifact')} of "
        f"{restored.manifest.made_at:%Y-%m-%d %H:%M} UTC into {here.home}: {_verdict(restored)}."
    )
    return OK


def keys(options: argparse.Namespace) -> int:
    """Seal every secret and every lent token anew with new keys; whoever runs uses them at once."""
    here = _installation()
    sealed = [(vault.vault_file(here.home), {"secret": vault.rotate})]
    is_ours = GatewaySettings().checkout_key is None
    if is_ours:
        shared = {"lent token": vault.rotate_grants, "model key": models.rotate_keys}
        sealed.append((vault.checkout_file(here.home), shared))
    try:
        for path, kinds in sealed:
            ring = vault.add_key(path)
            counts = here.database.write_now(partial(_rotated, kinds, ring))
            if options.forget_old:
                ring = vault.keep_newest(path)
            done = " and ".join(_many(count, what) for what, count in counts.items())
            print(f"{done} sealed anew; {_many(len(ring.keys), 'key')} in {path}.")
    except (vault.Unsealable, ValueError) as error:
        return _complain(error)
    finally:
        here.database.close()
    if not is_ours:
        print(
            "GRYPH_CHECKOUT_KEY is yours to change, on every machine at once; then give the keys "
            "of models again: `gryph model key NAME`."
        )
    return OK


def _rotated(
    kinds: Mapping[str, Callable[[Session, vault.KeyRing], int]],
    ring: vault.KeyRing,
    session: Session,
) -> dict[str, int]:
    return {what: rotate(session, ring) for what, rotate in kinds.items()}


def _installation() -> Installation:
    settings = GatewaySettings()
    private_folder(settings.home)
    return Installation(settings.home, Database(settings.sql_url), open_store(settings))


def _verdict(restored: Restored) -> str:
    verdict = restored.audit
    if verdict.ok:
        return f"audit log of {_many(verdict.rows, 'line')} unbroken"
    return f"THE AUDIT LOG IS BROKEN at line {verdict.first_bad_seq}"


def _count(members: dict[str, str], folder: str) -> int:
    return sum(1 for name in members if name.startswith(f"{folder}/"))


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _complain(error: Exception) -> int:
    print(f"gryph: {error}", file=sys.stderr)
    return FAILED
