"""One gateway with all four faces in front of it, as people reach it from each.

Inbound routes, authorities, the code host and the writer are the real ones, against the fakes. What
we say is kept instead of posted where it matters who is told what; with `speaks` it is posted.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from simcord.actors import MemberActor
from sqlmodel import Session
from typing_extensions import override

from bot.api import ApiParts, api_router
from bot.auth import ApiKeys, Role
from bot.budgets import Budgets
from bot.commands import COMMANDS
from bot.console.face import console_face
from bot.console.notifier import Notifier
from bot.discord.face import discord_face
from bot.door import Door
from bot.face import Face, Intake, JobView, Posted
from bot.platforms import Platforms, connect
from bot.settings import GatewaySettings
from bot.web.face import web_of
from engines.sandbox.sandbox import Sandbox
from handlers import Event, Place, Platform, Tier
from jobs.desk import Work
from jobs.messages import Reply
from jobs.settings import WorkerSettings
from jobs.workshop import NoSandbox, Workshop
from storage import people
from storage.clock import utc_now
from storage.database import Database
from storage.ids import InboxId, PersonId
from storage.people import Account
from storage.tables.people import AccountRow
from tests.faces.work import FILES, Engine
from tests.fakes.discord import DiscordWorld, discord_world
from tests.fakes.github.hooks import NEVER_KEPT
from tests.fakes.github.server import GitHub, listener_on, listening
from tests.fakes.github.world import APP_ID, WEBHOOK_SECRET, Repository
from tests.fakes.intake import RecordingIntake
from tests.fakes.slack.server import BOT_TOKEN
from tests.fakes.slack.workspace import SECRET, Slack
from tests.fakes.slack.world import BOT
from tests.fakes.spine import MortalOutbound, Scene, Spine

_NO_SANDBOX = NoSandbox("scripted work needs none")
_NONE: Mapping[str, Work] = {}
SHOP, SECRET_REPOSITORY = "acme/shop", "acme/secret"
_AGAIN_S = 0.1
_TAKEN_S = 60.0
"""How long somebody sends a message again that is not taken."""


@dataclass
class Told:
    """Something we said."""

    place: Place
    key: str
    reply: Reply

    @property
    def text(self) -> str:
        """All of it."""
        return json.dumps(self.reply.model_dump(mode="json"), ensure_ascii=False)


@dataclass
class Listener:
    """An outbound that only remembers answers and results."""

    edit_interval_s: float = 0.0
    result_replaces_status: bool = False
    told: list[Told] = field(default_factory=list[Told])

    async def post_status(self, place: Place, view: JobView, *, key: str) -> Posted:
        """See `bot.face.Outbound`."""
        del place, view
        return Posted(f"heard:{key}")

    async def edit_status(self, place: Place, status: Posted, view: JobView) -> None:
        """See `bot.face.Outbound`."""

    async def post_result(
        self, place: Place, status: Posted, view: JobView, reply: Reply, *, key: str
    ) -> Posted:
        """See `bot.face.Outbound`."""
        del status, view
        self.told.append(Told(place, key, reply))
        return Posted(f"heard:{key}")

    async def answer(self, place: Place, reply: Reply, *, key: str) -> Posted:
        """See `bot.face.Outbound`."""
        self.told.append(Told(place, key, reply))
        return Posted(f"heard:{key}")


class _ForwardingIntake(RecordingIntake):
    """Hands events on to the spine."""

    def __init__(self, real: Intake) -> None:
        super().__init__()
        self._real = real

    @override
    async def accept(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        return await self._real.accept(event, keys)


@dataclass
class Everywhere:
    """The platforms, and what stands behind them."""

    github: GitHub
    shop: Repository
    secret: Repository
    slack: Slack
    discord: DiscordWorld
    console: httpx.AsyncClient
    keys: ApiKeys
    spine: Spine
    engine: Engine
    ears: Listener
    faces: Mapping[Platform, Face]
    """As composed, with outbounds that speak."""

    async def until_handled(self) -> None:
        """Wait until every event is handled, every job that may run has run, and all is said."""
        await self.github.hooks.settle()
        await self.spine.until_quiet()

    async def comment(self, login: str, number: int, text: str, *, copies: int = 1) -> None:
        """Somebody comments in the shop."""
        self.github.hooks.copies = copies
        await self.github.people.comment(self.shop, number, login, text)
        self.github.hooks.copies = 1

    async def edit_comment(self, login: str, number: int, text: str) -> None:
        """Somebody comments in the shop and then writes something else instead."""
        said = await self.github.people.comment(self.shop, number, login, "Good morning")
        await self.github.people.edit(self.shop, said, login, text)

    async def mention(self, user: str, channel: str, text: str, *, copies: int = 1) -> None:
        """Somebody mentions us in Slack."""
        await self.slack.say(user, channel, f"<@{BOT}> {text}")
        if copies > 1:
            await self.slack.again(copies - 1)

    async def edit_message(self, user: str, channel: str, text: str) -> None:
        """Somebody writes something in Slack and then mentions us instead."""
        said = await self.slack.say(user, channel, "Good morning")
        await self.slack.edit(said, f"<@{BOT}> {text}")

    async def say(self, member: MemberActor, text: str, *, copies: int = 1) -> None:
        """Somebody mentions us on Discord."""
        said = await member.send(self.discord.channel, f"{self.discord.mention} {text}")
        for _ in range(copies - 1):
            await self.discord.client.on_message(said)

    async def edit_saying(self, member: MemberActor, text: str) -> None:
        """Somebody says something on Discord and then mentions us instead."""
        said = await member.send(self.discord.channel, "Good morning")
        await member.edit(said, f"{self.discord.mention} {text}")

    async def post(
        self, name: str, role: Role, body: Mapping[str, str | None], *, copies: int = 1
    ) -> str:
        """Somebody posts over the API; the conversation it stands in."""
        headers = {"Authorization": f"Bearer {self.keys.mint(name, role)}"}
        headers["Idempotency-Key"] = f"{name}-{utc_now().timestamp()}"
        answer = httpx.Response(500)
        for _ in range(copies):
            answer = await self._sent(headers, body)
        answer.raise_for_status()
        return str(answer.json()["conversation"])

    async def _sent(
        self, headers: Mapping[str, str], body: Mapping[str, str | None]
    ) -> httpx.Response:
        """The answer, once the machine is not too busy to take the message."""
        async with asyncio.timeout(_TAKEN_S):
            while True:
                answer = await self.console.post(
                    "/api/v1/messages", headers=headers, json=dict(body)
                )
                if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    return answer
                await asyncio.sleep(_AGAIN_S)

    async def grant(self, account: Account, tier: Tier, scope: str = "*") -> PersonId:
        """The operator gives somebody a role."""

        def write(session: Session) -> PersonId:
            now = utc_now()
            person = person_in(session, account)
            people.grant(session, person, scope, tier, person, now)
            return person

        return await self.spine.database.write(write)

    async def link(self, account: Account, login: str) -> None:
        """Somebody has linked their GitHub account."""
        found = self.github.world.account(login)

        def write(session: Session) -> None:
            session.add(
                AccountRow(
                    person_id=person_in(session, account),
                    platform="github",
                    account=str(found.id),
                    name=login,
                    linked_at=utc_now(),
                )
            )

        await self.spine.database.write(write)


def person_in(session: Session, account: Account) -> PersonId:
    """The person behind an account."""
    return people.person_of(
        session,
        platform=account.platform,
        account=account.account,
        name=account.name,
        now=utc_now(),
    )


def _settings(home: Path, github: GitHub, slack: Slack) -> GatewaySettings:
    return GatewaySettings(
        home=home,
        github_app_id=APP_ID,
        github_private_key=SecretStr(github.world.private_key),
        github_webhook_secret=SecretStr(WEBHOOK_SECRET),
        github_api_url=github.url,
        slack_bot_token=SecretStr(BOT_TOKEN),
        slack_signing_secret=SecretStr(SECRET),
        slack_api_url=slack.api_url,
        default_repository=SHOP,
        github_writes_per_minute=100_000,
        github_writes_per_hour=100_000,
        slack_posts_per_minute=100_000,
        slack_calls_per_minute=100_000,
    )


@asynccontextmanager
async def everywhere(
    database: Database,
    folder: Path,
    valkey_url: str,
    *,
    works: Mapping[str, Work] = _NONE,
    sandbox: Sandbox | NoSandbox = _NO_SANDBOX,
    speaks: bool = False,
) -> AsyncGenerator[Everywhere]:
    """A gateway and a worker between all platforms, in whose chats `acme/shop` is meant.

    `works` are what jobs do instead of `Everywhere.engine`, by kind of request.
    """
    spine, engine, ears = Spine(database, folder / "home"), Engine(), Listener()
    github = GitHub(folder / "repositories")
    github.access.limited = False
    listener = listener_on(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    forwarding = _ForwardingIntake(spine.intake)
    async with (
        github.serving(),
        Slack.running() as slack,
        discord_world(COMMANDS, forwarding) as discord,
        AsyncExitStack() as ended,
    ):
        github.hooks.url, slack.app_url = f"{url}/github/webhook", url
        settings = _settings(spine.home, github, slack)
        platforms = connect(
            settings, database, spine.intake, spine.kept, Budgets(None, clock=_hurried)
        )
        for close in reversed(platforms.closers):
            ended.push_async_callback(close)
        notifier, keys = Notifier(), ApiKeys(spine.home)
        keys.ensure()
        web = web_of(settings, database, "http://gryph.test")
        parts = ApiParts(keys, spine.intake, database, notifier, spine.kept.read, web.sessions)
        app = _application(platforms, parts)
        faces = {
            Platform.GITHUB: platforms.faces[Platform.GITHUB],
            Platform.SLACK: platforms.faces[Platform.SLACK],
            Platform.DISCORD: discord_face(
                discord.settings, discord.client, spine.kept, _shop_everywhere
            ),
            Platform.CONSOLE: console_face(database, notifier),
        }
        desks = _desks(spine, github, sandbox)
        ended.callback(desks.close)
        scene = Scene(
            faces={
                platform: _behind(face, None if speaks else ears)
                for platform, face in faces.items()
            },
            desks=desks,
            works={**engine.works, **works},
            per_hour=(100_000, 100_000, 100_000),
            tokens=platforms.tokens,
        )
        shop = github.world.repository(SHOP, FILES)
        secret = github.world.repository(SECRET_REPOSITORY, FILES)
        shop.private = secret.private = True
        async with (
            listening(app, listener),
            httpx.AsyncClient(base_url=url, limits=NEVER_KEPT) as console,
            spine.running(valkey_url, scene),
        ):
            yield Everywhere(
                github, shop, secret, slack, discord, console, keys, spine, engine, ears, faces
            )


def _application(platforms: Platforms, parts: ApiParts) -> FastAPI:
    """What is reached over HTTP."""
    app = FastAPI()
    app.add_middleware(Door, largest=platforms.bodies)
    for router in (*platforms.routers, api_router(parts)):
        app.include_router(router)
    return app


def _hurried() -> float:
    """Pauses that platforms ask for are over at once: here it matters what is said, not when."""
    return 1_000 * time.monotonic()


def _desks(spine: Spine, github: GitHub, sandbox: Sandbox | NoSandbox) -> Workshop:
    """The worker's real desks."""
    return Workshop(
        WorkerSettings(home=spine.home, github_git_url=github.git_url),
        spine.database,
        spine.store,
        spine.keys,
        sandbox,
    )


def _behind(face: Face, ears: Listener | None) -> Face:
    """The face with an outbound that is heard, or one that speaks without waiting long."""
    outbound = ears or MortalOutbound(face.outbound)
    return Face(outbound, face.authority, face.writer, face.host, face.conversation)


async def _shop_everywhere(place: Place) -> str | None:
    del place
    return SHOP
