"""The packages that checkouts depend on: who installs them, and what is said of those missing."""

from collections.abc import Iterator
from dataclasses import dataclass

from engines.sandbox.environments.cache import Cache
from engines.sandbox.environments.environment import Builder
from engines.sandbox.environments.pip_builder import PipBuilder
from engines.sandbox.environments.types import BuilderAway, Built, Declared, Environment
from engines.watch import Watch
from jobs.settings import WorkerSettings
from jobs.wording import code

_NAMED = 6
_OFF = (
    "this installation does not install the packages of repositories (`GRYPH_INSTALL_PACKAGES` is "
    "off)"
)


@dataclass(frozen=True)
class NoBuilder:
    """Installs nothing, as the administrator wants it."""

    identity: str = "none"

    def wait(self) -> None:
        """Nobody else builds either."""

    def build(self, wanted: Declared, folder: object) -> Built:
        """Refuse."""
        del wanted, folder
        raise BuilderAway(_OFF)


def builder_for(settings: WorkerSettings, watch: Watch) -> Builder:
    """Who installs packages for one job."""
    if not settings.install_packages:
        return NoBuilder()
    return PipBuilder(settings.package_index_url or "", settings.package_folder, watch=watch)


def cache_of(settings: WorkerSettings) -> Cache:
    """Where they are kept for all workers of this machine."""
    return Cache(settings.home / "packages", settings.packages_max_bytes)


def missing_told(environment: Environment) -> Iterator[str]:
    """What is not installed, a line of Markdown for each reason."""
    reasons: dict[str, list[str]] = {}
    for one in environment.missing:
        reasons.setdefault(one.reason.rstrip("."), []).append(code(one.requirement))
    for reason, names in reasons.items():
        rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"Not installed for the tests: {', '.join(names[:_NAMED])}{rest}; {reason}."
