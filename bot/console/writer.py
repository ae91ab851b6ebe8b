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
from pathlib import Path, PurePosixPath

from handlers import Application, UserError

LOCAL = "local:"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o644


class LocalWriter:
    """Writes into "local:/folder"; never over a file that says something else."""

    async def apply(self, application: Application) -> str:
        """Write the files, all or none unless the disk fails midway; Markdown says where.

        Raises:
            UserError: The folder is gone, a path leads out of it, or a different file is there.
        """
        return await asyncio.to_thread(_apply, application)


def _apply(application: Application) -> str:
    folder = _folder(application.repository)
    paths = {path: _parts(path) for path in application.files}
    try:
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UserError(f"`{folder}` cannot be opened: {error.strerror}.") from error
    try:
        missing = [p for p in paths if not _is_there(root, paths[p], application.files[p])]
        for path in missing:
            _write(root, paths[path], application.files[path])
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


def _is_there(root: int, parts: tuple[str, ...], content: bytes) -> bool:
    """Whether the very file is there already. Raises UserError when a different one is."""
    path = "/".join(parts)
    try:
        with _parent(root, parts, make=False) as parent:
            handle = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _refusal(path, error) from error
    if not _says(handle, content):
        raise UserError(
            f"`{path}` is there already and says something else; nothing was written. "
            "Move it away and apply again."
        )
    return True


def _says(handle: int, content: bytes) -> bool:
    """Whether the opened file is a plain one with exactly this content; closes it."""
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(len(content) + 1) == content
    finally:
        os.close(handle)


def _write(root: int, parts: tuple[str, ...], content: bytes) -> None:
    """Make the file appear whole, and only where none is."""
    path = "/".join(parts)
    draft = f".gryph-{secrets.token_hex(8)}"
    try:
        with _parent(root, parts, make=True) as parent:
            try:
                _write_draft(parent, draft, content)
                os.link(draft, parts[-1], src_dir_fd=parent, dst_dir_fd=parent)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(draft, dir_fd=parent)
    except FileExistsError as error:
        raise UserError(f"`{path}` appeared meanwhile; it was left as it is.") from error
    except OSError as error:
        raise _refusal(path, error) from error


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
