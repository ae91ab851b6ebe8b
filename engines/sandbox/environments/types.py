"""What a checkout declares, and what could be made ready of it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Refusal:
    """One requirement that is not installed, and why, for a person."""

    requirement: str
    reason: str


@dataclass(frozen=True)
class Declared:
    """The requirements of a checkout, each one a name of an index and perhaps versions."""

    source: str
    """The file they were read from, relative to the checkout; empty where none declares any."""
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    """What is no name of an index: links, paths, options. A stranger's file may not choose them."""


@dataclass(frozen=True)
class Built:
    """What a builder made of requirements in a folder."""

    missing: tuple[Refusal, ...]
    log: str


@dataclass(frozen=True)
class Environment:
    """Packages ready for a run: put `paths` on its import path after the checkout, readable."""

    declared: Declared
    paths: tuple[Path, ...]
    missing: tuple[Refusal, ...]
    log: str

    def remedy(self, module: str) -> str:
        """Why an import of `module` fails with this environment, and what helps, for a person."""
        for refusal in self.missing:
            if _same_name(refusal.requirement, module):
                return f"`{refusal.requirement}` is not installed: {refusal.reason}"
        if not self.declared.source:
            return (
                f"`{module}` is not installed, and the repository declares no dependencies. "
                "Declare them in pyproject.toml or requirements.txt."
            )
        others = ", ".join(f"`{one.requirement}`" for one in self.missing)
        missing = f" Not installed of those: {others}." if others else ""
        return (
            f"`{module}` is not among the packages that {self.declared.source} brings in. "
            f"Declare the package that holds it there.{missing}"
        )


class BuilderAway(Exception):
    """Nothing could be built now, through no fault of the requirements; says what to do."""


def _same_name(requirement: str, module: str) -> bool:
    name = requirement.split("[")[0].split(" ")[0]
    for separator in "=<>!~;@":
        name = name.split(separator)[0]
    plain = name.strip().lower().replace("-", "_").replace(".", "_")
    wanted = module.split(".")[0].lower()
    return wanted in (plain, plain.removeprefix("py"), plain.removeprefix("python_"))
