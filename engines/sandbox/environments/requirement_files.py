"""Reads requirements.txt and its kin; what is no name of an index is refused, not obeyed."""

from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from engines.sandbox.environments.types import Declared, Refusal

_FILES = (
    "requirements.txt",
    "requirements/base.txt",
    "requirements/main.txt",
    "requirements-test.txt",
    "requirements-tests.txt",
    "test-requirements.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
)
_MAX_FILES = 20
_MAX_FILE_BYTES = 1 << 20
_MAX_LINES = 500


def read_requirement_files(checkout: Path) -> Declared:
    """The requirements of all such files, what they include and constrain."""
    reading = _Reading(checkout.resolve())
    for name in _FILES:
        if (checkout / name).is_file():
            reading.read(checkout / name)
    if (checkout / "constraints.txt").is_file():
        reading.read(checkout / "constraints.txt", constrains=True)
    requirements = tuple(dict.fromkeys(reading.requirements))
    constraints = tuple(dict.fromkeys(reading.constraints))
    return Declared(reading.first, requirements, constraints, tuple(reading.refused))


class _Reading:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: set[Path] = set()
        self.first = ""
        self.requirements: list[str] = []
        self.constraints: list[str] = []
        self.refused: list[Refusal] = []

    def read(self, path: Path, *, constrains: bool = False) -> None:
        real = path.resolve()
        if real in self._seen or len(self._seen) >= _MAX_FILES:
            return
        self._seen.add(real)
        if not real.is_relative_to(self._root) or not real.is_file():
            self.refused.append(Refusal(path.name, "it lies outside the repository"))
            return
        if real.stat().st_size > _MAX_FILE_BYTES:
            self.refused.append(Refusal(path.name, "it is too large"))
            return
        if not constrains:
            self.first = self.first or real.relative_to(self._root).as_posix()
        text = real.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
        for line in text.splitlines()[:_MAX_LINES]:
            self._take(line.split(" #")[0].strip(), real.parent, constrains=constrains)

    def _take(self, line: str, folder: Path, *, constrains: bool) -> None:
        if not line or line.startswith("#"):
            return
        option, _, value = (
            line.replace("=", " ", 1).partition(" ") if line[0] == "-" else ("", "", "")
        )
        if option in ("-r", "--requirement", "-c", "--constraint"):
            constrains = constrains or option in ("-c", "--constraint")
            self.read(folder / value.strip(), constrains=constrains)
        elif option in ("-e", "--editable") and _is_itself(value):
            return
        elif option:
            self.refused.append(Refusal(line, "options of a requirements file are not obeyed"))
        elif not _is_itself(line):
            self._add(line.split(" --")[0].strip(), constrains=constrains)

    def _add(self, line: str, *, constrains: bool) -> None:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            self.refused.append(Refusal(line, "it is no name of a package index"))
            return
        if requirement.url is not None:
            reason = "it is a link; only packages of an index are installed"
            self.refused.append(Refusal(requirement.name, reason))
        elif constrains:
            self.constraints.append(line)
        else:
            self.requirements.append(line)


def _is_itself(value: str) -> bool:
    """Whether the checkout is meant, which is on the import path anyway."""
    return value.strip().partition("[")[0].rstrip("/") in (".", "./")
