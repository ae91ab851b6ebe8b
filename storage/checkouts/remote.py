"""One commit of a remote repository, fetched without its history where the host allows that."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from storage.checkouts.distrust import UNTOUCHED, Access
from storage.checkouts.entries import judged
from storage.checkouts.git import Git, GitFailed, GitGrew, GitStarved
from storage.checkouts.links import tidy
from storage.checkouts.types import (
    Checked,
    CheckoutFailed,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    shown,
    too_costly,
    too_large,
    too_many_files,
)

_PROTOCOLS = ("https", "http", "file")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-]")
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REF = re.compile(r"[^\s:+^~?*\[\\-][^\s:^~?*\[\\]{0,254}")
_ALL_HISTORY = "2147483647"
"""What git takes for an unlimited depth."""
EVERYTHING = (
    "+refs/heads/*:refs/fetched/heads/*",
    "+refs/tags/*:refs/fetched/tags/*",
    "+refs/pull/*/head:refs/fetched/pull/*",
)
_NOT_HANDED_OUT = (
    "not our ref",
    "unadvertised object",
    "couldn't find remote ref",
    "invalid refspec",
)
_NOT_READABLE = (
    "not found",
    "could not read Username",
    "Authentication failed",
    "does not appear to be a git repository",
    "returned error: 401",
    "returned error: 403",
    "returned error: 404",
)
_MOVED = re.compile(r"returned error: 30[1278]\b")
_DAMAGED = (
    "in tree entry",
    "too-short tree",
    "did not send all necessary objects",
    "bad tree object",
    "bad object",
    "inflate",
)
_QUOTED = 300
Attempt = tuple[Sequence[str], Sequence[str]]
"""Options of a fetch, and what is fetched."""
_FULL = ("No space left on device", "Disk quota exceeded")


@dataclass(frozen=True)
class Clone:
    """A repository that holds what was fetched; its working tree is elsewhere."""

    git: Git
    folder: Path
    url: str
    source: CheckoutSource
    policy: CheckoutPolicy

    def command(self, *arguments: str) -> bytes:
        """What git says to it. Raises as `Git.run`."""
        return self.git.run(f"--git-dir={self.folder}", *arguments)

    def has(self, sha: str) -> bool:
        """Whether the commit is there."""
        try:
            self.command("cat-file", "-e", f"{sha}^{{commit}}")
        except GitFailed:
            return False
        return True


def fetch_commit(
    source: CheckoutSource, into: Path, policy: CheckoutPolicy, stop: Callable[[], bool]
) -> Checked:
    """The commit of "owner/name" that `source` means. Raises as `storage.checkouts.checkout`."""
    return fetch_from(url_of(source, policy), access_to(policy), source, into, policy, stop)


def url_of(source: CheckoutSource, policy: CheckoutPolicy) -> str:
    """Where "owner/name" is cloned from. Raises CheckoutRefused where it is no such name."""
    if not _REPOSITORY.fullmatch(source.repository) or ".." in source.repository:
        raise CheckoutRefused(f"`{shown(source.repository)}` is no repository: write `owner/name`.")
    return f"{policy.git_url.rstrip('/')}/{source.repository}.git"


def access_to(policy: CheckoutPolicy) -> Access:
    """What git may speak to the host, and the token it shows there."""
    address = policy.git_url.rstrip("/")
    protocol = urlsplit(address).scheme
    if protocol not in _PROTOCOLS:
        raise ValueError(f"the git URL must be https, http or file, not {protocol or 'none'}")
    return Access(protocol, f"{address}/", policy.token)


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
        git = Git(Path(scratch), stop, policy, access)
        clone = Clone(git, Path(scratch, "repository"), url, source, policy)
        try:
            git.run("init", "--quiet", "--bare", clone.folder)
            sha = named(clone)
            fetch_first(clone, sha, _attempts(source, sha))
            submodules = judged(_listing(clone, sha), source.repository, policy)
            _write(clone, sha, into)
        except GitGrew as error:
            raise too_large(source.repository, policy) from error
        except GitStarved as error:
            raise too_costly(source.repository, policy) from error
        except GitFailed as error:
            raise explained(error, source) from error
    return Checked(into, sha, tidy(into, submodules, stop))


def named(clone: Clone) -> str:
    """The full sha of the commit that is asked for."""
    source = clone.source
    asked = (source.sha or source.ref or "HEAD").lower()
    if _SHA.fullmatch(asked):
        return asked
    if source.sha is not None:
        raise CheckoutRefused(f"`{source.repository}`: name a commit by its full sha.")
    ref = source.ref or "HEAD"
    if not _is_ref(ref):
        raise CheckoutRefused(f"`{shown(ref)}` is no name of a branch or tag.")
    wanted = [ref] if ref == "HEAD" else [f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}"]
    wanted += [f"refs/tags/{ref}", ref]
    listed = clone.command("ls-remote", "--", clone.url, *wanted).decode(errors="replace")
    by_name = {name: sha for sha, _, name in (line.partition("\t") for line in listed.split("\n"))}
    for name in wanted:
        if name in by_name:
            return by_name[name]
    if ref == "HEAD":
        raise CheckoutRefused(f"`{source.repository}` is empty: it has no commits yet.")
    raise CheckoutRefused(
        f"`{source.repository}` has no branch or tag `{shown(ref)}`; name one, or a commit by its "
        "full sha."
    )


def fetch_first(clone: Clone, sha: str, attempts: Iterable[Attempt]) -> None:
    """Ask in one way after the other until the commit is there: a host may hand out refs only, or
    keep a ref back.
    """
    for options, wanted in attempts:
        always = ("--quiet", "--no-tags", "--no-write-fetch-head")
        try:
            clone.command("fetch", *always, *options, "--", clone.url, *wanted)
        except GitFailed as error:
            if not any(words in str(error) for words in _NOT_HANDED_OUT):
                raise
        if clone.has(sha):
            return
    raise CheckoutRefused(
        f"Commit `{sha[:12]}` is not in `{clone.source.repository}` (any more). "
        "If the branch was rewritten, ask again for its newest commit."
    )


def _attempts(source: CheckoutSource, sha: str) -> Iterator[Attempt]:
    """From the least to the most."""
    alone = ("--depth=1",)
    yield alone, (sha,)
    if source.ref and _is_ref(source.ref):
        yield alone, (source.ref,)
    if source.number is not None:
        yield alone, (f"refs/pull/{source.number:d}/head",)
    yield (f"--depth={_ALL_HISTORY}",), EVERYTHING


def _is_ref(name: str) -> bool:
    return name.isprintable() and _REF.fullmatch(name) is not None


def _listing(clone: Clone, sha: str) -> bytes:
    """All there is: a small pack can hold files without end, and folders of nothing too."""
    try:
        return clone.command("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", sha)
    except GitGrew as error:
        raise too_many_files(clone.source.repository, clone.policy) from error


def _write(clone: Clone, sha: str, into: Path) -> None:
    (clone.folder / "info").mkdir(exist_ok=True)
    (clone.folder / "info" / "attributes").write_text(UNTOUCHED)
    clone.command(
        "-c", "core.bare=false", f"--work-tree={into}", "checkout", "--quiet", "--force",
        "--detach", sha,
    )  # fmt: skip
    head = clone.command("rev-parse", "--verify", "HEAD").decode().strip()
    if head != sha:
        raise CheckoutRefused(f"`{sha[:12]}` of `{clone.source.repository}` is not a commit.")


def explained(error: GitFailed, source: CheckoutSource) -> CheckoutRefused | CheckoutFailed:
    """What git's last words mean for a person."""
    said, name = str(error), shown(source.repository)
    if any(words in said for words in _FULL):
        return CheckoutFailed("the disk of the worker's machine is full")
    if _MOVED.search(said):
        return CheckoutRefused(
            f"The host sends whoever asks for `{name}` elsewhere, and I do not follow: the key to "
            "one repository is shown nowhere else. If it was renamed or moved, name it as it is "
            "called now."
        )
    if any(words in said for words in _NOT_READABLE):
        return CheckoutRefused(f"`{name}` was not found, or this installation may not read it.")
    if any(words in said for words in _DAMAGED):
        return CheckoutRefused(f"`{name}` is damaged; git says: {_last(said)}")
    if "invalid path" in said:
        return CheckoutRefused(f"`{name}` holds a path that git does not write: {_last(said)}")
    return CheckoutFailed(f"`{name}` could not be fetched: {_last(said)}")


def _last(said: str) -> str:
    """The last line of what git said, without names and passwords in addresses."""
    if not said:
        return "git gave no reason"
    return shown(re.sub(r"//[^/@\s]*@", "//", said.splitlines()[-1]), _QUOTED)
