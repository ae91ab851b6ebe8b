"""Which pytest plugins tests are run with: those that the checkout declares and that are here."""

from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

from engines.sandbox.environments.types import Declared

_GROUP = "pytest11"
_UNWANTED = frozenset({"randomly", "xdist", "xdist.looponfail", "schemathesis"})
"""They shuffle or spread tests, or take seconds to load; no test needs them."""


def declared_plugins(declared: Declared, packages: Sequence[Path]) -> list[str]:
    """Modules for `-p`, of the installed distributions that the checkout asks for."""
    wanted = {_plain(Requirement(one).name) for one in declared.requirements}
    found = [one for name in sorted(wanted) for one in _installed(name)]
    found += [
        one
        for one in distributions(path=[str(folder) for folder in packages])
        if _plain(one.name) in wanted
    ]
    points = [point for one in found for point in one.entry_points if point.group == _GROUP]
    return list(dict.fromkeys(one.module for one in points if one.name not in _UNWANTED))


def _installed(name: str) -> Iterator[Distribution]:
    try:
        yield distribution(name)
    except PackageNotFoundError:
        return


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
