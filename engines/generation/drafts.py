"""Files that a model wrote, not yet anybody's: seen as the change of a checkout that they are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engines.generation.originals import NotText, Originals


@dataclass(frozen=True)
class Draft:
    """`files` are all that differ from the repository, by path, with `\\n` ends."""

    originals: Originals
    files: Mapping[str, str]

    @property
    def root(self) -> Path:
        """The checkout, which stays as it is."""
        return self.originals.root

    def before(self, path: str) -> str | None:
        """What the repository has; None for a new file, and for one that is no text."""
        try:
            return self.originals.text(path)
        except NotText:
            return None

    def with_files(self, files: Mapping[str, str]) -> "Draft":
        """The same change with some of its files written anew."""
        return replace(self, files={**self.files, **files})

    def python(self) -> Iterator[tuple[str, str]]:
        """The Python files among them, with their texts."""
        return ((path, text) for path, text in sorted(self.files.items()) if is_python(path))


def is_python(path: str) -> bool:
    """Whether a file is Python by its name."""
    return path.endswith((".py", ".pyi"))
