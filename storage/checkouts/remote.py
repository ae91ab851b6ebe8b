"""One commit of a remote repository, fetched without its history where the host allows that."""

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from storage.checkouts.git import Access, Git, GitFailed, GitGrew
from storage.checkouts.links import drop_escaping_links
from storage.checkouts.types import (
    Checked,
    CheckoutFailed,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    too_large,
)

_PROTOCOLS = ("https", "http", "file")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-]")
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REF = re.compile(r"[^\s:+^~?*\[\\-][^\s:^~?*\[\\]*")
_ALL_HISTORY = "2147483647"
"""What git takes for an unlimited depth."""
_EVERYTHING = (
    "+refs/heads/*:refs/fetched/heads/*",
    "+refs/tags/*:refs/fetched/tags/*",
    "+refs/pull/*/head:refs/fetched/pull/*",
)
_NOT_HANDED_OUT = ("not our ref", "unadvertised object", "couldn't find remote ref")
_NOT_READABLE = (
    "not found",
    "could not read Username",
    "Authentication failed",
    "does not appear to be a git repository",
    "returned error: 401",
    "returned error: 403",
    "returned error: 404",
)


@dataclass(frozen=True)
class _Clone:
    """A repository that holds what was fetched; its working tree is elsewhere."""

    git: Git
    folder: Path
    url: str
    source: CheckoutSource
    policy: CheckoutPolicy

    def command(self, *arguments: str, max_bytes: int | None = None) -> bytes:
        packs = self.folder / "objects" / "pack"
        where = f"--git-dir={self.folder}"
        if max_bytes is None:
            return self.git.run(where, *arguments)
        return self.git.run(where, *arguments, packs=packs, max_bytes=max_bytes)

    def has(self, sha: str) -> bool:
        try:
            self.command("cat-file", "-e", f"{sha}^{{commit}}")
        except GitFailed:
            return False
        return True


def fetch_commit(
    source: CheckoutSource, into: Path, policy: CheckoutPolicy, stop: Callable[[], bool]
) -> Checked:
    """The commit of "owner/name" that `source` means. Raises as `storage.checkouts.checkout`."""
    if not _REPOSITORY.fullmatch(source.repository) or ".." in source.repository:
        raise CheckoutRefused(f"`{source.repository}` is no repository: write `owner/name`.")
    address = policy.git_url.rstrip("/")
    protocol = urlsplit(address).scheme
    if protocol not in _PROTOCOLS:
        raise ValueError(f"the git URL must be https, http or file, not {protocol or 'none'}")
    access = Access(protocol, f"{address}/", policy.token)
    return fetch_from(f"{address}/{source.repository}.git", access, source, into, policy, stop)


def fetch_from(
    url: str,
    access: Access,
    source: CheckoutSource,
    into: Path,
    policy: CheckoutPolicy,
    stop: Callable[[], bool],
) -> Checked:
    """The commit `source.sha`, or the one its `ref` names now, from this very address."""
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".fetch-") as scratch:
        git = Git(Path(scratch), stop, policy.timeout_s, access)
        clone = _Clone(git, Path(scratch, "repository"), url, source, policy)
        try:
            git.run("init", "--quiet", "--bare", clone.folder)
            sha = _named(clone)
            _fetch(clone, sha)
            _check_size(clone, sha)
            _write(clone, sha, into)
        except GitGrew as error:
            raise too_large(source.repository, policy) from error
        except GitFailed as error:
            raise _explained(error, source) from error
    drop_escaping_links(into)
    return Checked(into, sha)


def _named(clone: _Clone) -> str:
    """The full sha of the commit that is asked for."""
    source = clone.source
    named = (source.sha or source.ref or "HEAD").lower()
    if _SHA.fullmatch(named):
        return named
    if source.sha is not None:
        raise CheckoutRefused(f"`{source.repository}`: name a commit by its full sha.")
    ref = source.ref or "HEAD"
    if not _REF.fullmatch(ref):
        raise CheckoutRefused(f"`{ref}` is no name of a branch or tag.")
    wanted = [ref] if ref == "HEAD" else [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}"]
    wanted += [f"refs/tags/{ref}", ref]
    listed = clone.command("ls-remote", "--", clone.url, *wanted).decode().splitlines()
    by_name = {name: sha for sha, _, name in (line.partition("\t") for line in listed)}
    for name in wanted:
        if name in by_name:
            return by_name[name]
    raise CheckoutRefused(
        f"`{source.repository}` has no branch or tag `{ref}`; name one, or a commit by its full "
        "sha."
    )


def _fetch(clone: _Clone, sha: str) -> None:
    """Try from the least to the most; a host may hand out refs only, or keep a ref back."""
    for depth, *wanted in _attempts(clone.source, sha):
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", f"--depth={depth}")
        try:
            clone.command(
                "fetch", *options, "--", clone.url, *wanted, max_bytes=clone.policy.max_bytes
            )
        except GitFailed as error:
            if not any(words in str(error) for words in _NOT_HANDED_OUT):
                raise
        if clone.has(sha):
            return
    raise CheckoutRefused(
        f"Commit `{sha[:12]}` is not in `{clone.source.repository}` (any more). "
        "If the branch was rewritten, ask again for its newest commit."
    )


def _attempts(source: CheckoutSource, sha: str) -> Iterator[tuple[str, ...]]:
    yield "1", sha
    if source.ref and _REF.fullmatch(source.ref):
        yield "1", source.ref
    if source.number is not None:
        yield "1", f"refs/pull/{source.number:d}/head"
    yield _ALL_HISTORY, *_EVERYTHING


def _check_size(clone: _Clone, sha: str) -> None:
    """Before anything is written: a small pack can hold files without end."""
    listed = clone.command("ls-tree", "-r", "-l", "-z", "--full-tree", sha)
    entries = [entry.partition(b"\t")[0].split() for entry in listed.split(b"\0") if entry]
    total_bytes = sum(int(size) for _, kind, _, size in entries if kind == b"blob")
    policy = clone.policy
    if len(entries) > policy.max_files or total_bytes > policy.max_bytes:
        raise too_large(clone.source.repository, policy)


def _write(clone: _Clone, sha: str, into: Path) -> None:
    clone.command(
        "-c", "core.bare=false", f"--work-tree={into}", "checkout", "--quiet", "--force",
        "--detach", sha,
    )  # fmt: skip
    head = clone.command("rev-parse", "--verify", "HEAD").decode().strip()
    if head != sha:
        raise CheckoutRefused(f"`{sha[:12]}` of `{clone.source.repository}` is not a commit.")


def _explained(error: GitFailed, source: CheckoutSource) -> CheckoutRefused | CheckoutFailed:
    said = str(error)
    if any(words in said for words in _NOT_READABLE):
        return CheckoutRefused(
            f"`{source.repository}` was not found, or this installation may not read it."
        )
    last = re.sub(r"//[^/@\s]*@", "//", said.splitlines()[-1]) if said else "git gave no reason"
    return CheckoutFailed(f"`{source.repository}` could not be fetched: {last[:300]}")
