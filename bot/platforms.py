"""Which platforms are on, and what each brings along."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import APIRouter

from bot.face import Face
from bot.grants import TokenSource
from bot.leader import Chore
from handlers import Platform

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
    return platforms
