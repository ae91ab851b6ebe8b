"""A folder of this machine, as git sees its working tree, or without git by a few plain rules."""

import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from storage.checkouts.distrust import Access
from storage.checkouts.entries import DEEPEST, fits, is_safe
from storage.checkouts.git import Git, GitFailed, GitGrew, GitMissing, GitStarved
from storage.checkouts.links import tidy
from storage.checkouts.remote import fetch_from
from storage.checkouts.types import (
    Checked,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    CheckoutStopped,
    shown,
    too_costly,
    too_large,
    too_large_file,
    too_many_files,
)

LOCAL = "local:"
_LEFT_OUT = ("node_modules", "__pycache__", "venv")
"""Folders that a copy without git leaves out, beside those whose names begin with a dot."""
_AT_ONCE = 2**20

_REVISION = re.compile(r"[\w@][\w./@~^{}-]{0,254}", re.ASCII)
"""A branch, a tag, a commit, and so many before it; no option of git's."""
_NO_WORKING_TREE = ("not a git repository", "must be run in a work tree")


def copy_folder(
    source: CheckoutSource, into: Path, policy: CheckoutPolicy, stop: Callable[[], bool]
) -> Checked:
    """The folder behind "local:". Raises as `storage.checkouts.checkout`."""
    folder = folder_of(source)
    if source.sha is not None or source.ref is not None:
        return _commit_of_folder(folder, source, into, policy, stop)
    try:
        listed, sha = _seen_by_git(folder, into.parent, policy, stop)
    except GitMissing:
        listed, sha = _seen_without_git(folder, stop), None
    except GitFailed as error:
        if not any(words in str(error) for words in _NO_WORKING_TREE):
            raise CheckoutRefused(
                f"git cannot list `{shown(str(folder))}`: {shown(str(error))}"
            ) from error
        listed, sha = _seen_without_git(folder, stop), None
    except GitGrew as error:
        raise too_many_files(source.repository, policy) from error
    except GitStarved as error:
        raise too_costly(source.repository, policy) from error
    copy = _Copy(folder, into, source.repository, policy, stop)
    copy.take(listed)
    return Checked(into, sha, tidy(into, copy.submodules, stop))


def folder_of(source: CheckoutSource) -> Path:
    """The folder behind "local:". Raises CheckoutRefused where there is none."""
    folder = Path(source.repository.removeprefix(LOCAL))
    if not folder.is_absolute():
        raise CheckoutRefused(f"`{shown(str(folder))}` is not an absolute path.")
    if not folder.is_dir():
        raise CheckoutRefused(f"There is no folder `{shown(str(folder))}` on the worker's machine.")
    return folder.resolve()


def _commit_of_folder(
    folder: Path,
    source: CheckoutSource,
    into: Path,
    policy: CheckoutPolicy,
    stop: Callable[[], bool],
) -> Checked:
    if source.sha is None:
        sha = _parted(folder, source.ref or "HEAD", into.parent, policy, stop)
        source = replace(source, sha=sha, ref=None)
    access = Access("file", "file:///", None)
    return fetch_from(folder.as_uri(), access, source, into, policy, stop)


def _parted(
    folder: Path, ref: str, beside: Path, policy: CheckoutPolicy, stop: Callable[[], bool]
) -> str:
    """The commit from which the folder's own went its own way, seen from another."""
    name = shown(str(folder))
    if not _REVISION.fullmatch(ref):
        raise CheckoutRefused(f"`{shown(ref)}` is no name of a branch, a tag or a commit.")
    with tempfile.TemporaryDirectory(dir=beside, prefix=".parted-") as scratch:
        try:
            git = Git(Path(scratch), stop, policy, None)
            if git.run("rev-parse", "--show-prefix", folder=folder).strip():
                raise CheckoutRefused(
                    f"`{name}` is a part of a repository: ask from the repository's own folder."
                )
            found = git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", folder=folder)
            both = (found.decode().strip(), "HEAD")
            return git.run("merge-base", *both, folder=folder).decode().strip()
        except GitFailed as error:
            raise CheckoutRefused(
                f"`{name}` is not compared: git knows no `{shown(ref)}` there that has any history "
                "in common with what is checked out."
            ) from error
        except (GitGrew, GitStarved) as error:
            raise too_costly(name, policy) from error


class _Copy:
    """Copies one path after the other, each reached from the folder without following a link."""

    def __init__(
        self, root: Path, into: Path, name: str, policy: CheckoutPolicy, stop: Callable[[], bool]
    ) -> None:
        self.submodules: list[str] = []
        self._root = root
        self._into = into
        self._name = name
        self._policy = policy
        self._stop = stop
        self._bytes = self._files = 0

    def take(self, listed: Iterable[Path]) -> None:
        """Files first, then links: so that no file is ever written through a link."""
        links: list[Path] = []
        for path in listed:
            if self._stop():
                raise CheckoutStopped
            self._judge(path)
            try:
                if self._take_file(path):
                    links.append(path)
            except (FileNotFoundError, NotADirectoryError):  # gone, but not yet so in git's index
                continue
            except PermissionError as error:
                raise CheckoutRefused(f"The worker may not read `{shown(str(path))}`.") from error
        for path in links:
            self._take_link(path)

    def _judge(self, path: Path) -> None:
        """An index, too, is only a file that came along."""
        raw = os.fsencode(path)
        if not is_safe(raw) or not fits(raw):
            raise CheckoutRefused(
                f"`{shown(str(path))}` leads out of the folder or into `.git`, or is longer or "
                "deeper than any file system should have to bear; nothing was copied."
            )

    def _take_file(self, path: Path) -> bool:
        """Copy a regular file; whether it is a link instead."""
        source = self._root / path
        if source.parent.resolve() != source.parent:
            return False  # behind a link, which is taken as one
        status = source.lstat()
        if stat.S_ISREG(status.st_mode):
            with _opened(source) as file:
                self._copy(file, path, os.fstat(file.fileno()))
        elif stat.S_ISDIR(status.st_mode):
            self.submodules.append(str(path))
        return stat.S_ISLNK(status.st_mode)

    def _copy(self, file: BinaryIO, path: Path, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            return  # it was one a moment ago
        if status.st_size > self._policy.max_file_bytes:
            raise too_large_file(self._name, str(path), self._policy)
        self._count(status.st_size)
        target = self._into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as copy:
            left = status.st_size  # as much as was counted, should the file grow meanwhile
            while left and (content := file.read(min(left, _AT_ONCE))):
                left -= copy.write(content)
        target.chmod(0o755 if status.st_mode & stat.S_IXUSR else 0o644)

    def _take_link(self, path: Path) -> None:
        target = self._into / path
        if not target.exists() and not target.is_symlink():
            self._count(0)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to((self._root / path).readlink())

    def _count(self, size_bytes: int) -> None:
        self._files += 1
        self._bytes += size_bytes
        if self._files > self._policy.max_files:
            raise too_many_files(self._name, self._policy)
        if self._bytes > self._policy.max_bytes:
            raise too_large(self._name, self._policy)


def _opened(path: Path) -> BinaryIO:
    """The file itself, should a link or a pipe have taken its place meanwhile."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags), "rb")


def _seen_by_git(
    folder: Path, beside: Path, policy: CheckoutPolicy, stop: Callable[[], bool]
) -> tuple[list[Path], str | None]:
    """Tracked and new files, without ignored ones; and the commit, if there is one yet."""
    with tempfile.TemporaryDirectory(dir=beside, prefix=".list-") as scratch:
        git = Git(Path(scratch), stop, policy, None)
        names = git.run("ls-files", "-co", "--exclude-standard", "-z", folder=folder)
        listed = [Path(os.fsdecode(name)) for name in dict.fromkeys(names.split(b"\0")) if name]
        try:
            sha = git.run("rev-parse", "--verify", "HEAD", folder=folder).decode().strip()
        except GitFailed:
            return listed, None
        return listed, sha


def _seen_without_git(folder: Path, stop: Callable[[], bool]) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        if stop():
            raise CheckoutStopped
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _LEFT_OUT
        )
        if folders and len(Path(parent).relative_to(folder).parts) >= DEEPEST:
            raise CheckoutRefused(
                f"`{shown(str(folder))}` holds more than {DEEPEST} folders within each other."
            )
        linked = (name for name in folders if Path(parent, name).is_symlink())
        for name in sorted((*files, *linked)):
            yield Path(parent, name).relative_to(folder)
