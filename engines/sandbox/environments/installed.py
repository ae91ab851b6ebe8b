"""Whether this installation, which sandboxed programs can read, has what is asked for already."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from engines.sandbox.environments.types import Declared

_DEPTH_LIMIT = 3
"""Of extras that ask for packages with extras."""


def are_installed(wanted: Declared) -> bool:
    """Whether every requirement is met, in a version that the constraints allow, too."""
    asked = [Requirement(one) for one in wanted.requirements]
    named = {_plain(one.name) for one in asked}
    limits = [Requirement(one) for one in wanted.constraints]
    return all(map(_is_met, (*asked, *(one for one in limits if _plain(one.name) in named))))


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _is_met(asked: Requirement, extra: str = "", depth: int = 0) -> bool:
    """`extra` is the one of another package that brings this requirement in."""
    if asked.marker is not None and not asked.marker.evaluate({"extra": extra}):
        return True
    try:
        found = version(asked.name)
    except PackageNotFoundError:
        return False
    return asked.specifier.contains(found, prereleases=True) and all(
        _is_met(one, each, depth + 1) for each in asked.extras for one in _brought_in(asked, depth)
    )


def _brought_in(asked: Requirement, depth: int) -> Iterator[Requirement]:
    """What an installed package may need, for some extra or always."""
    if depth < _DEPTH_LIMIT:
        yield from (Requirement(one) for one in requires(asked.name) or ())
