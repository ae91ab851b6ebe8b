"""Which platforms are on, and what each brings along."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError

from bot.artifacts import Artifacts
from bot.budgets import Budgets
from bot.commands import COMMANDS
from bot.face import Busy, Face, Intake
from bot.grants import TokenSource
from bot.leader import Chore
from bot.settings import GatewaySettings
from bot.tokens import Token
from bot.uplinks import Uplink
from handlers import Place, Platform
from handlers.config import place_scope
from storage import wishes
from storage.clock import utc_now
from storage.database import Database

REACTIONS_POLLED_S = 120.0

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
    bodies: dict[str, int] = field(default_factory=dict[str, int])
    """Paths whose bodies may be of another size than the usual, in bytes."""
    standing: list[Token] = field(default_factory=list[Token])
    """Our own tokens, each with whether its platform takes it."""
    uplinks: list[Uplink] = field(default_factory=list[Uplink])
    """Connections over which we hear, where a platform does not come to us."""
    tokens: TokenSource | None = None
    closers: list[Loop] = field(default_factory=list[Loop])
    """Let go of connections at the end."""

    def trouble(self) -> dict[str, str]:
        """What is wrong between us and the platforms, in words, by part of `/readyz`."""
        refused = [each for each in self.standing if each.is_refused]
        said = {
            "tokens": [f"{each.setting} is refused. {each.remedy}" for each in refused],
            "uplinks": [words for each in self.uplinks if (words := each.trouble())],
        }
        return {part: " ".join(sentences) for part, sentences in said.items() if sentences}


def connect(
    settings: GatewaySettings,
    database: Database,
    intake: Intake,
    kept: Artifacts,
    budgets: Budgets,
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

    if settings.slack_on:
        _add_slack(platforms, settings, intake, kept, (repository_of, budgets))
    if settings.discord_on:
        _add_discord(platforms, settings, database, intake, (kept, repository_of, budgets))
    if settings.github_on:
        _add_github(platforms, settings, database, intake, (kept, budgets))
    return platforms


RepositoryOf = Callable[[Place], Awaitable[str | None]]

# The imports below stand in their functions because each platform's SDK costs tens of megabytes.


def _add_slack(
    platforms: Platforms,
    settings: GatewaySettings,
    intake: Intake,
    kept: Artifacts,
    parts: tuple[RepositoryOf, Budgets],
) -> None:
    from bot.slack.api import SlackApi  # noqa: PLC0415
    from bot.slack.face import slack_face  # noqa: PLC0415
    from bot.slack.inbound import app_token, routes, socket_mode  # noqa: PLC0415

    repository_of, budgets = parts
    api = SlackApi(settings, budgets=budgets)
    platforms.faces[Platform.SLACK] = slack_face(settings, kept, repository_of, api)
    platforms.standing.append(api.token)
    platforms.closers.append(api.close)
    platforms.routers.append(routes(settings, intake))
    if settings.slack_app_token is not None:
        token = app_token()
        platforms.standing.append(token)
        uplink = Uplink(Platform.SLACK)
        platforms.uplinks.append(uplink)
        platforms.loops.append(lambda: socket_mode(settings, intake, token, uplink))


class _Remembered:
    """A text that outlives restarts, kept beside people's wishes."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._where = ("installation", name)

    async def get(self) -> str | None:
        try:
            return await self._database.read(lambda s: wishes.get(s, *self._where))
        except SQLAlchemyError as error:
            raise Busy(f"database: {type(error).__name__}") from error

    async def set(self, text: str) -> None:
        try:
            await self._database.write(lambda s: wishes.put(s, *self._where, text, utc_now()))
        except SQLAlchemyError as error:
            raise Busy(f"database: {type(error).__name__}") from error


def _add_discord(
    platforms: Platforms,
    settings: GatewaySettings,
    database: Database,
    intake: Intake,
    parts: tuple[Artifacts, RepositoryOf, Budgets],
) -> None:
    from bot.discord.connection import Connection  # noqa: PLC0415
    from bot.discord.face import discord_face  # noqa: PLC0415
    from bot.discord.inbound import GryphClient, Memory  # noqa: PLC0415
    from bot.discord.pace import Pace  # noqa: PLC0415

    kept, repository_of, budgets = parts
    pace = Pace(budgets, settings.discord_calls_per_second)
    told, heard = (_Remembered(database, name) for name in ("discord-commands", "discord-heard"))
    client = GryphClient(settings, intake, COMMANDS, Memory(told, heard), pace)
    connection = Connection(client)
    platforms.faces[Platform.DISCORD] = discord_face(settings, client, kept, repository_of, budgets)
    platforms.standing.append(client.token)
    platforms.uplinks.append(client.uplink)
    platforms.loops.append(connection.stay_logged_in)
    platforms.companions["discord"] = connection.listen


def _add_github(
    platforms: Platforms,
    settings: GatewaySettings,
    database: Database,
    intake: Intake,
    parts: tuple[Artifacts, Budgets],
) -> None:
    from bot.github.chores import GitHubChores  # noqa: PLC0415
    from bot.github.client import GitHubClient  # noqa: PLC0415
    from bot.github.face import github_face  # noqa: PLC0415
    from bot.github.inbound import LARGEST_BODY_BYTES, PATH, routes  # noqa: PLC0415

    kept, budgets = parts
    client = GitHubClient.of(settings, budgets)
    platforms.faces[Platform.GITHUB] = github_face(settings, client, kept)
    platforms.routers.append(routes(settings, intake))
    platforms.bodies[PATH] = LARGEST_BODY_BYTES
    platforms.standing.append(client.token)
    platforms.tokens = client
    platforms.closers.append(client.close)
    chores = GitHubChores(client, database, intake)
    platforms.chores["github-webhooks"] = Chore(settings.github_sweep_s, chores.sweep)
    platforms.chores["github-reactions"] = Chore(REACTIONS_POLLED_S, chores.look_at_reactions)
