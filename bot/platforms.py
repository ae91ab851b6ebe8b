"""Which platforms are on, and what each brings along."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import APIRouter

from bot.artifacts import Artifacts
from bot.face import Face, Intake
from bot.grants import TokenSource
from bot.leader import Chore
from bot.settings import GatewaySettings
from handlers import Place, Platform
from handlers.config import place_scope
from storage import wishes
from storage.database import Database

Loop = Callable[[], Awaitable[None]]


@dataclass
class Platforms:
    """What the platforms that are switched on bring along."""

    faces: dict[Platform, Face] = field(default_factory=dict[Platform, Face])
    routers: list[APIRouter] = field(default_factory=list[APIRouter])
    loops: list[Loop] = field(default_factory=list[Loop])
    """Run in every gateway."""
    companions: dict[str, Loop] = field(default_factory=dict[str, Loop])
    """Run where the leader is."""
    chores: dict[str, Chore] = field(default_factory=dict[str, Chore])
    tokens: TokenSource | None = None


def connect(
    settings: GatewaySettings, database: Database, intake: Intake, kept: Artifacts
) -> Platforms:
    """Build what is configured; a platform that is off is not even imported.

    Raises:
        MissingSetting: A platform is half configured.
    """
    platforms = Platforms()

    async def repository_of(place: Place) -> str | None:
        chosen = await database.read(lambda s: wishes.get(s, place_scope(place), "repository"))
        if chosen or settings.default_repository:
            return chosen or settings.default_repository
        mapped = list(settings.repositories)
        return mapped[0] if len(mapped) == 1 else None

    _ = (settings, intake, kept, repository_of)
    return platforms
