"""Puts files that a job produced into a folder of this machine.

Every path is walked component by component with `openat(2)` and `O_NOFOLLOW`, so that neither a
`..` nor a symbolic link, planted before or during the walk, leads out of the folder.
"""

import asyncio
import errno
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path, PurePosixPath

from handlers import Application, Assignment, UserError
from storage.blobs import blob_id

LOCAL = "local:"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o644
_READ_LIMIT_BYTES = 64 << 20


class LocalWriter:
    """Writes into "local:/folder"; over a file only if it is the one that ours was made from."""

    async def apply(self, application: Application) -> str:
        """Write the files, all or none unless the disk fails midway; Markdown says where.

        Raises:
            UserError: The folder is gone, a path leads out of it, or a different file is there.
        """
        return await asyncio.to_thread(_apply, application)

    async def assign(self, assignment: Assignment) -> str:
        """See `handlers.RepositoryWriter.assign`; a folder has nothing to assign."""
        raise UserError(f"`{assignment.repository}` is a folder of this machine and has no issues.")


def _apply(application: Application) -> str:
    folder = _folder(application.repository)
    paths = {path: _parts(path) for path in application.files}
    try:
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UserError(f"`{folder}` cannot be opened: {error.strerror}.") from error
    try:
        states = {p: _state(root, paths[p], application, p) for p in paths}
        missing = [p for p, state in states.items() if state is not _State.THERE]
        for path in missing:
            is_over = states[path] is _State.OLD
            _write(root, paths[path], application.files[path], is_over=is_over)
    except OSError as error:
        raise UserError(f"Not written into `{folder}`: {error.strerror}.") from error
    finally:
        os.close(root)
    return _account(folder, list(paths), missing)


def _folder(repository: str) -> Path:
    folder = Path(repository.removeprefix(LOCAL))
    if not repository.startswith(LOCAL) or not folder.is_absolute():
        raise UserError(f"`{repository}` is not a folder of this machine.")
    return folder


def _parts(path: str) -> tuple[str, ...]:
    """The components of a safe relative path."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\0" in path or path.endswith("/"):
        raise UserError(f"`{path!r}` is not a path within the folder.")
    if ".." in parts or ".git" in (part.lower() for part in parts):
        raise UserError(f"`{path}` leads out of the folder or into `.git`; nothing was written.")
    return parts


class _State(Enum):
    """What is at a path before a file is written."""

    FREE = auto()
    THERE = auto()
    """The very file already."""
    OLD = auto()
    """The one that it was made from."""


def _state(root: int, parts: tuple[str, ...], application: Application, path: str) -> _State:
    """What is at the path now. Raises UserError when it is a different file."""
    old = application.replaces.get(path)
    try:
        with _parent(root, parts, make=False) as parent:
            handle = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    except FileNotFoundError:
        if old is None:
            return _State.FREE
        raise UserError(f"`{path}` is gone since the job read it; nothing was written.") from None
    except OSError as error:
        raise _refusal(path, error) from error
    found = _content(handle)
    if found == application.files[path]:
        return _State.THERE
    if old is None:
        raise UserError(
            f"`{path}` is there already and says something else; nothing was written. "
            "Move it away and apply again."
        )
    if found is None or blob_id(found) != old:
        raise UserError(
            f"`{path}` was changed since the job read it; nothing was written. Run the job again."
        )
    return _State.OLD


def _content(handle: int) -> bytes | None:
    """What a plain file of a bearable size says, None for anything else; closes it."""
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _READ_LIMIT_BYTES:
            return None
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(_READ_LIMIT_BYTES)
    finally:
        os.close(handle)


def _write(root: int, parts: tuple[str, ...], content: bytes, *, is_over: bool) -> None:
    """Make the file appear whole, and only where none is or in the place of the old one."""
    path = "/".join(parts)
    draft = f".gryph-{secrets.token_hex(8)}"
    try:
        with _parent(root, parts, make=True) as parent:
            try:
                _write_draft(parent, draft, content)
                if is_over:
                    _replace(parent, draft, parts[-1])
                else:
                    os.link(draft, parts[-1], src_dir_fd=parent, dst_dir_fd=parent)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(draft, dir_fd=parent)
    except FileExistsError as error:
        raise UserError(f"`{path}` appeared meanwhile; it was left as it is.") from error
    except OSError as error:
        raise _refusal(path, error) from error


def _replace(parent: int, draft: str, name: str) -> None:
    """Put the draft in the place of a file, whose permissions it takes over."""
    mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    os.chmod(draft, stat.S_IMODE(mode), dir_fd=parent)
    os.rename(draft, name, src_dir_fd=parent, dst_dir_fd=parent)


def _write_draft(parent: int, draft: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(draft, flags, _MODE, dir_fd=parent), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _parent(root: int, parts: tuple[str, ...], *, make: bool) -> Generator[int]:
    """The folder the path's last component lies in, reached without following any link."""
    here = os.dup(root)
    try:
        for part in parts[:-1]:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=here)
            below = os.open(part, _FOLDER, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def _refusal(path: str, error: OSError) -> UserError:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return UserError(f"`{path}` leads through a link or a file; nothing was written there.")
    return UserError(f"`{path}` cannot be written: {error.strerror}.")


def _account(folder: Path, paths: list[str], written: list[str]) -> str:
    said = [f"`{path}`" + ("" if path in written else " (was there already)") for path in paths]
    if len(said) == 1:
        return f"{said[0]} in `{folder}`"
    return f"{len(said)} files in `{folder}`\n\n" + "\n".join(f"- {line}" for line in said)
