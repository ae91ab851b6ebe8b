"""The texts that a change starts from: the repository's, or what the thread made of them."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engines.generation.tasks import WrittenFile

_LIMIT_BYTES = 1 << 20


class NotText(Exception):
    """The file is there and is no text that can be edited; the message says why."""


@dataclass(frozen=True)
class _Text:
    """A text with `\\n` ends, and how the file has them."""

    text: str
    newline: str


@dataclass(frozen=True)
class Originals:
    """Reads files of a checkout; `earlier` are those that earlier turns of the thread wrote."""

    root: Path
    earlier: Mapping[str, str] = field(default_factory=dict[str, str])
    others: tuple[Mapping[str, str], ...] = ()
    """Further states that a model has seen and may mean, by path."""

    def text(self, path: str) -> str | None:
        """What the repository holds, with `\\n` ends; None where there is no such file.

        Raises:
            NotText: binary, too large, or not UTF-8.
        """
        found = self._read(path)
        return None if found is None else found.text

    def current(self, path: str) -> str | None:
        """What the wish speaks of: the thread's version, else the repository's.

        Raises:
            NotText: as `text`.
        """
        return self.earlier[path] if path in self.earlier else self.text(path)

    def exists(self, path: str) -> bool:
        """Whether there is such a file, in the repository or in the thread."""
        return path in self.earlier or (self.root / path).is_file()

    def versions(self, path: str) -> list[str]:
        """All states of a file that an edit may be of, the likeliest first.

        Raises:
            NotText: as `text`.
        """
        known = [state[path] for state in (self.earlier, *self.others) if path in state]
        original = self.text(path)
        return list(dict.fromkeys(known if original is None else [*known, original]))

    def written(self, path: str, text: str) -> WrittenFile:
        """A file of the result, with the line ends that the repository has there."""
        before = self._read(path)
        newline = "\n" if before is None else before.newline
        return WrittenFile(
            path,
            text.replace("\n", newline),
            None if before is None else before.text.replace("\n", newline),
            _diff(path, None if before is None else before.text, text),
        )

    def _read(self, path: str) -> _Text | None:
        file = self.root / path
        if file.is_symlink() or not file.is_file():
            return None
        if file.stat().st_size > _LIMIT_BYTES:
            raise NotText(f"`{path}` is larger than {_LIMIT_BYTES >> 20} MiB")
        data = file.read_bytes()
        if b"\0" in data:
            raise NotText(f"`{path}` is a binary file")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise NotText(f"`{path}` is not UTF-8") from None
        newline = "\r\n" if "\r\n" in text else "\n"
        return _Text(text.replace("\r\n", "\n"), newline)


def _diff(path: str, before: str | None, after: str) -> str:
    old = [] if before is None else before.splitlines(keepends=True)
    lines = difflib.unified_diff(
        old,
        after.splitlines(keepends=True),
        "/dev/null" if before is None else f"a/{path}",
        f"b/{path}",
    )
    ended = (
        one if one.endswith("\n") else f"{one}\n\\ No newline at end of file\n" for one in lines
    )
    return "".join(ended)
