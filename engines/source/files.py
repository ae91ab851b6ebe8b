"""Reads one source file of a checkout, or says in a sentence why it cannot."""

import difflib
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

SIZE_LIMIT_BYTES = 1 << 20
_SKIPPED_FOLDERS = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build"})
_NEIGHBOUR_LIMIT = 5_000


class Unreadable(Exception):
    """The file cannot be read as source text; the message is Markdown for the person."""


@dataclass(frozen=True)
class SourceText:
    """The text of a file inside a checkout. `path` is relative to `root`, with `/`."""

    root: Path
    path: str
    text: str

    @property
    def absolute(self) -> Path:
        """The file on this machine, links resolved."""
        return (self.root / self.path).resolve()


def read_source(root: Path, path: str) -> SourceText:
    """Read a Python file of the checkout `root`; `path` may be absolute if it lies inside.

    Raises:
        Unreadable: outside the checkout, missing, a folder, too large, binary, wrongly encoded.
    """
    base = root.resolve()
    full = (base / path).resolve()
    if not full.is_relative_to(base):
        raise Unreadable(f"`{path}` is outside the repository; name a file inside it.")
    relative = full.relative_to(base).as_posix()
    if full.is_dir():
        raise Unreadable(f"`{relative}` is a folder; name one Python file inside it.")
    if not full.is_file():
        raise Unreadable(f"There is no file `{path}` in the repository.{_nearest(base, path)}")
    size = full.stat().st_size
    if size > SIZE_LIMIT_BYTES:
        raise Unreadable(
            f"`{relative}` is {size / (1 << 20):.1f} MiB; files above 1 MiB are not read."
        )
    return SourceText(base, relative, decode(full.read_bytes(), relative))


def decode(data: bytes, path: str) -> str:
    """Decode Python source by its declared encoding, UTF-8 where it declares none.

    Raises:
        Unreadable: null bytes, an unknown encoding, or bytes that are not in it.
    """
    if b"\0" in data:
        raise Unreadable(f"`{path}` is a binary file, not Python source.")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            f"`{path}` line {line}: the bytes are not {error.encoding}. Save the file as UTF-8, "
            "or declare its encoding in the first line."
        ) from error
    except (SyntaxError, LookupError) as error:
        raise Unreadable(f"`{path}` cannot be decoded: {error}.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _nearest(root: Path, path: str) -> str:
    """A hint at the file that was probably meant, or nothing."""
    names = _python_files(root)
    wanted = Path(path)
    same_name = [name for name in names if Path(name).name == wanted.name]
    close = same_name or difflib.get_close_matches(wanted.as_posix(), names, n=1, cutoff=0.6)
    return f" Did you mean `{close[0]}`?" if close else ""


def _python_files(root: Path) -> list[str]:
    """Paths of the checkout's Python files, bounded; hidden and installed folders are left out."""
    found: list[str] = []
    waiting = [root]
    while waiting and len(found) < _NEIGHBOUR_LIMIT:
        for entry in sorted(waiting.pop().iterdir()):
            if entry.name.startswith(".") or entry.name in _SKIPPED_FOLDERS or entry.is_symlink():
                continue
            if entry.is_dir():
                waiting.append(entry)
            elif entry.suffix == ".py":
                found.append(entry.relative_to(root).as_posix())
    return found
