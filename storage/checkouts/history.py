"""The history of a repository: a bare clone of one branch that is kept and grows, or the git
directory of a folder of this machine, which is only read.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import NamedTuple

from storage.checkouts.distrust import Access
from storage.checkouts.git import Git, GitFailed, GitGrew, GitStarved
from storage.checkouts.local import LOCAL, folder_of
from storage.checkouts.remote import (
    EVERYTHING,
    Clone,
    access_to,
    explained,
    fetch_first,
    named,
    url_of,
)
from storage.checkouts.shelf import Shelf
from storage.checkouts.types import (
    MIB,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    shown,
    too_costly,
)

DEPTHS = (None, 10_000, 1_000)
"""How many commits back, one try after the other while there is more than may be kept."""
MOST_PACKS = 30
"""Each fetch adds one; then they are made one again, without what a forced push left behind."""
WAIT_S = 600.0
"""As long as the first reading of a large repository may take."""
CPU_S = 600.0
_KEPT = "refs/heads/kept"
_OWNER = re.compile(r"[/:]([^/:]+)/[^/:]+/?$")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._+-]")


@dataclass(frozen=True)
class History:
    """Where it can be read, by whoever does not write there."""

    git_folder: Path
    tip: str
    """The full sha of its newest commit."""
    learned: Path
    """A folder for what a reader wants to keep beside it. It is removed with the history, which may
    happen to whoever goes on with it after the block."""
    prefix: str = ""
    """Where the folder that was meant lies in its repository: "" or "part/of/"."""
    depth: int | None = None
    """Commits back that are there at most; None where nothing was cut off here."""
    owner: str = ""
    """Whose the repository is on its code host, in lower case; "" where its address tells none."""


class _Cut(NamedTuple):
    """Where a history was cut off."""

    depth: int | None
    """None where it was not."""
    limit: float
    """Bytes that it would have been too large for."""


class HistoryPlace(NamedTuple):
    """Where histories are kept, and for how long a job may be kept waiting."""

    shelf: Shelf
    stop: Callable[[], bool]


@contextmanager
def held_history(
    source: CheckoutSource, place: HistoryPlace, policy: CheckoutPolicy
) -> Generator[History]:
    """The history of the branch that `source` means, while the block lasts; nobody else fetches or
    removes it meanwhile. A pull request's `number` is left alone: what its base holds counts.

    Raises:
        CheckoutRefused: It cannot be had; the message tells the person why.
        CheckoutFailed: Something outside did not answer; later it may.
        CheckoutStopped: The caller asked for an end.
    """
    policy = replace(policy, max_cpu_s=CPU_S, timeout_s=WAIT_S)
    if source.repository.startswith(LOCAL):
        found = _of_folder(source, place, policy)
        with place.shelf.held(_key(str(found.git_folder)), wait_s=WAIT_S, stop=place.stop) as own:
            yield replace(found, learned=_learned(own))
        return
    url = url_of(source, policy)
    with place.shelf.held(_key(url), wait_s=WAIT_S, stop=place.stop) as own:
        yield _of_remote(url, source, own, policy, place.stop)


def _key(address: str) -> str:
    """A file's name, readable and different for each address."""
    name = _NOT_IN_A_NAME.sub("+", "+".join(address.removesuffix(".git").split("/")[-2:]))
    return f"{name[:100]}-{hashlib.sha256(address.encode()).hexdigest()[:16]}"


def _owner_in(url: str) -> str:
    """ "https://host/Owner/name.git", "git@host:Owner/name"."""
    found = _OWNER.search(url)
    return found[1].lower() if found else ""


def _learned(own: Path) -> Path:
    folder = own / "learned"
    folder.mkdir(exist_ok=True)
    return folder


# Of a remote repository


def _of_remote(
    url: str, source: CheckoutSource, own: Path, policy: CheckoutPolicy, stop: Callable[[], bool]
) -> History:
    scratch = own / "fetched"
    scratch.mkdir(exist_ok=True)
    git = Git(scratch, stop, policy, access_to(policy))
    clone = Clone(git, scratch / "repository", url, source, policy)
    note = own / "depth"
    try:
        if _cut_in(note).limit < policy.max_bytes:
            _begin_anew(clone, note)
        _make(clone)
        tip = named(clone)
        if not clone.has(tip):
            _grow(clone, tip, note)
        _hold(clone, tip)
    except (GitGrew, GitStarved) as error:
        raise _too_much(source, policy) from error
    except GitFailed as error:
        raise explained(error, source) from error
    depth = _cut_in(note).depth
    return History(clone.folder, tip, _learned(own), depth=depth, owner=_owner_in(url))


def _make(clone: Clone) -> None:
    """An empty repository, where there is none or a broken one; and nothing half written."""
    if (clone.folder / "HEAD").exists():
        for left in (*clone.folder.rglob("*.lock"), *clone.folder.rglob("tmp_*")):
            left.unlink(missing_ok=True)
        return
    shutil.rmtree(clone.folder, ignore_errors=True)
    clone.git.run("init", "--quiet", "--bare", clone.folder)
    clone.command("symbolic-ref", "HEAD", _KEPT)


def _grow(clone: Clone, tip: str, note: Path) -> None:
    """Fetch what is missing; where all of it would be too much, less, from the beginning."""
    before = _cut_in(note).depth
    first = DEPTHS.index(before) if before in DEPTHS else 0
    for depth in DEPTHS[first:]:
        if depth != before:
            shutil.rmtree(clone.folder)
            _make(clone)
            note.write_text(f"{depth} {clone.policy.max_bytes}")
        is_first = depth is not None and not (clone.folder / "shallow").exists()
        options = (f"--depth={depth}",) if is_first else ()
        try:
            fetch_first(clone, tip, ((options, (tip,)), (options, EVERYTHING)))
        except (GitGrew, GitStarved):
            if depth == DEPTHS[-1]:
                raise
        else:
            return


def _begin_anew(clone: Clone, note: Path) -> None:
    """More may be kept now than when the history was cut off."""
    shutil.rmtree(clone.folder, ignore_errors=True)
    note.unlink(missing_ok=True)


def _cut_in(note: Path) -> _Cut:
    try:
        depth, _, limit = note.read_text().partition(" ")
        return _Cut(int(depth), int(limit or 0))
    except (FileNotFoundError, ValueError):
        return _Cut(None, inf)


def _hold(clone: Clone, tip: str) -> None:
    """Let the kept branch be this; what only an older one held goes when packs are put together."""
    clone.command("update-ref", _KEPT, tip)
    packs = list((clone.folder / "objects" / "pack").glob("*.pack"))
    if len(packs) > MOST_PACKS:
        clone.command("repack", "-a", "-d", "--quiet")


def _too_much(source: CheckoutSource, policy: CheckoutPolicy) -> CheckoutRefused:
    return CheckoutRefused(
        f"The history of `{shown(source.repository)}` is too large, even its last {DEPTHS[-1]:,} "
        f"commits: at most {policy.max_bytes / MIB:,.0f} MiB are kept here. The operator of this "
        "installation can raise `GRYPH_HISTORY_MAX_BYTES`."
    )


# Of a folder of this machine


def _of_folder(source: CheckoutSource, place: HistoryPlace, policy: CheckoutPolicy) -> History:
    folder = folder_of(source)
    name = shown(str(folder))
    with tempfile.TemporaryDirectory(prefix="gryph-history-") as scratch:
        git = Git(Path(scratch), place.stop, policy, Access("file", "file:///", None))
        try:
            told = git.run("rev-parse", "--absolute-git-dir", "--show-prefix", folder=folder)
        except GitFailed as error:
            raise CheckoutRefused(
                f"`{name}` is no git repository, so it has no history to read. Name a folder that "
                "is one."
            ) from error
        except (GitGrew, GitStarved) as error:
            raise too_costly(name, policy) from error
        where, prefix = told.decode(errors="surrogateescape").split("\n")[:2]
        asked = source.sha or source.ref or "HEAD"
        try:
            tip = git.run("rev-parse", "--verify", "--quiet", f"{asked}^{{commit}}", folder=folder)
        except GitFailed as error:
            raise CheckoutRefused(
                f"`{name}` has no commits yet, so there is nobody to know."
                if asked == "HEAD"
                else f"`{name}` has no commit `{shown(asked)}`."
            ) from error
        try:
            url = git.run("config", "--get", "remote.origin.url", folder=folder)
        except GitFailed:
            url = b""
    owner = _owner_in(url.decode(errors="replace").strip())
    return History(Path(where), tip.decode().strip(), Path(), prefix, owner=owner)
