"""Whether this installation, which sandboxed programs can read, has what is asked for already."""

from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import Requirement

from engines.sandbox.environments.types import Declared


def are_installed(wanted: Declared) -> bool:
    """Whether every requirement is met, in a version that the constraints allow, too."""
    asked = [Requirement(one) for one in wanted.requirements]
    named = {_plain(one.name) for one in asked}
    limits = [Requirement(one) for one in wanted.constraints]
    return all(map(_is_met, (*asked, *(one for one in limits if _plain(one.name) in named))))


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _is_met(asked: Requirement) -> bool:
    """Extras count as missing: what they bring in is not looked up."""
    if asked.marker is not None and not asked.marker.evaluate({"extra": ""}):
        return True
    try:
        found = version(asked.name)
    except PackageNotFoundError:
        return False
    return not asked.extras and asked.specifier.contains(found, prereleases=True)
