"""A folder of this machine, as git sees its working tree, or without git by a few plain rules."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from storage.checkouts.git import Access, Git, GitFailed, GitGrew, GitMissing
from storage.checkouts.links import drop_escaping_links
from storage.checkouts.remote import fetch_from
from storage.checkouts.types import (
    Checked,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    CheckoutStopped,
    too_large,
)

LOCAL = "local:"
_LEFT_OUT = ("node_modules", "__pycache__", "venv")
"""Folders that a copy without git leaves out, beside those whose names begin with a dot."""

_NO_WORKING_TREE = ("not a git repository", "must be run in a work tree")


def copy_folder(
    source: CheckoutSource, into: Path, policy: CheckoutPolicy, stop: Callable[[], bool]
) -> Checked:
    """The folder behind "local:". Raises as `storage.checkouts.checkout`."""
    folder = Path(source.repository.removeprefix(LOCAL))
    if not folder.is_absolute():
        raise CheckoutRefused(f"`{folder}` is not an absolute path.")
    if not folder.is_dir():
        raise CheckoutRefused(f"There is no folder `{folder}` on the worker's machine.")
    folder = folder.resolve()
    if source.sha is not None:
        access = Access("file", "file:///", None)
        return fetch_from(folder.as_uri(), access, source, into, policy, stop)
    try:
        listed, sha = _seen_by_git(folder, into.parent, policy, stop)
    except GitMissing:
        listed, sha = _seen_without_git(folder, stop), None
    except GitFailed as error:
        if not any(words in str(error) for words in _NO_WORKING_TREE):
            raise CheckoutRefused(f"git cannot list `{folder}`: {error}") from error
        listed, sha = _seen_without_git(folder, stop), None
    except GitGrew as error:
        raise too_large(source.repository, policy) from error
    _Copy(folder, into, source.repository, policy, stop).take(listed)
    drop_escaping_links(into)
    return Checked(into, sha)


class _Copy:
    def __init__(
        self, root: Path, into: Path, name: str, policy: CheckoutPolicy, stop: Callable[[], bool]
    ) -> None:
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
            try:
                if self._take_file(path):
                    links.append(path)
            except FileNotFoundError:  # deleted, but not yet so in git's index
                continue
            except PermissionError as error:
                raise CheckoutRefused(f"The worker may not read `{path}`.") from error
        for path in links:
            self._take_link(path)

    def _take_file(self, path: Path) -> bool:
        """Copy a regular file; whether it is a link instead."""
        status = (self._root / path).lstat()
        if stat.S_ISREG(status.st_mode):
            self._count(status.st_size)
            target = self._into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._root / path, target, follow_symlinks=False)
            target.chmod(0o755 if status.st_mode & stat.S_IXUSR else 0o644)
        return stat.S_ISLNK(status.st_mode)

    def _take_link(self, path: Path) -> None:
        target = self._into / path
        if not target.exists() and not target.is_symlink():
            self._count(0)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to((self._root / path).readlink())

    def _count(self, size_bytes: int) -> None:
        self._files += 1
        self._bytes += size_bytes
        if self._files > self._policy.max_files or self._bytes > self._policy.max_bytes:
            raise too_large(self._name, self._policy)


def _seen_by_git(
    folder: Path, beside: Path, policy: CheckoutPolicy, stop: Callable[[], bool]
) -> tuple[list[Path], str | None]:
    """Tracked and new files, without ignored ones; and the commit, if there is one yet."""
    with tempfile.TemporaryDirectory(dir=beside, prefix=".list-") as scratch:
        git = Git(Path(scratch), stop, policy.timeout_s, None)
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
        linked = (name for name in folders if Path(parent, name).is_symlink())
        for name in sorted((*files, *linked)):
            yield Path(parent, name).relative_to(folder)
