"""A Discord in memory: simcord's server, made exact where our code leans on it, and our client.

`async with discord_world(COMMANDS) as world` gives real discord.py without network: people act
through `world.ann` (member), `world.mod` (Manage Messages), `world.admin`, and what they did is in
`world.intake.events`; what we posted is read with `world.said(...)`. `world.client` is logged in
and connected, so `discord_face(world.settings, world.client, world.artifacts, ...)` speaks into
it. simcord lacks three rules, added here: `enforce_nonce`, one thread for each message (160004),
and that an archived thread takes no edits (50083) but wakes when somebody posts.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import discord
from discord.http import HTTPClient, Route
from pydantic import SecretStr
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle
from simcord.env import Env

from bot.discord.inbound import GryphClient, Memory
from bot.settings import GatewaySettings
from handlers import Command, Invocation, Reaction
from storage.ids import ArtifactId, JobId
from tests.fakes.intake import RecordingIntake

BAD_REQUEST = 400


class MemoryArtifacts:
    """Artifacts in memory; `contents` may be filled, and emptied as retention does."""

    def __init__(self) -> None:
        """Nothing kept yet."""
        self.contents: dict[ArtifactId, bytes] = {}

    async def read(self, artifact: ArtifactId) -> bytes:
        """The content; FileNotFoundError when it is not there."""
        if artifact not in self.contents:
            raise FileNotFoundError(artifact)
        return self.contents[artifact]

    def link(self, artifact: ArtifactId) -> str:
        """An address on a gateway of this name."""
        return f"https://gryph.test/artifacts/{artifact}"

    async def keep(self, job: JobId | None, name: str, content: bytes) -> ArtifactId:
        """Keep it under a name that tells what it is."""
        artifact = ArtifactId(f"A-{job}-{name}")
        self.contents[artifact] = content
        return artifact


class MemoryText:
    """A text that outlives the clients that remember it."""

    def __init__(self) -> None:
        """Nothing is remembered."""
        self.text: str | None = None

    async def get(self) -> str | None:
        """The text set last."""
        return self.text

    async def set(self, text: str) -> None:
        """Remember it."""
        self.text = text


def no_memory() -> Memory:
    """Of a client that has never run before."""
    return Memory(MemoryText(), MemoryText())


class _Response:
    """As much of a response as discord.py's exceptions read."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.reason = "refused"
        self.headers = dict(headers)


@dataclass
class _Refusal:
    method: str
    ending: str
    status: int
    code: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    is_answer_lost: bool = False
    """Whether the call takes effect and only its answer is lost."""
    spared: int = 0
    """So many calls like it pass first."""


class ExactRest:
    """Stands before simcord's REST server and keeps the rules it lacks."""

    def __init__(self, env: Env, http: HTTPClient) -> None:
        """Takes the place of `http.request`."""
        self._env = env
        self._request: Callable[..., Awaitable[Any]] = http.request
        self._by_nonce: dict[str, Any] = {}
        self.written: list[tuple[str, str, Mapping[str, Any]]] = []
        """Method, path and body of every write, in order."""
        self.refusals: list[_Refusal] = []
        http.request = self.request

    async def request(self, route: Route, **call: Any) -> Any:
        """One REST call."""
        refusal = self._refusal_of(route)
        if refusal is not None and not refusal.is_answer_lost:
            raise _exception(refusal.status, refusal.code, refusal.headers)
        self._check(route)
        body = _body(call)
        if route.method != "GET":
            self.written.append((route.method, route.path, body))
        is_post = route.path == "/channels/{channel_id}/messages"
        nonce = body.get("nonce") if is_post and body.get("enforce_nonce") else None
        if nonce is not None and nonce in self._by_nonce:
            return self._by_nonce[nonce]
        answer = await self._request(route, **call)
        if nonce is not None:
            self._by_nonce[nonce] = answer
            self._wake(route)
        if refusal is not None:
            raise _exception(refusal.status, refusal.code, refusal.headers)
        return answer

    def forget_nonces(self) -> None:
        """Some minutes pass."""
        self._by_nonce.clear()

    def _refusal_of(self, route: Route) -> _Refusal | None:
        for refusal in self.refusals:
            if refusal.method == route.method and route.url.endswith(refusal.ending):
                refusal.spared -= 1
                if refusal.spared < 0:
                    self.refusals.remove(refusal)
                    return refusal
        return None

    def _check(self, route: Route) -> None:
        if route.path == "/channels/{channel_id}/messages/{message_id}/threads":
            message = int(route.url.split("/")[-2])
            if message in self._env.backend.channels:
                raise _exception(BAD_REQUEST, 160004, {})
        is_edit = route.path == "/channels/{channel_id}/messages/{message_id}"
        if is_edit and route.method == "PATCH" and self._archived(route):
            raise _exception(BAD_REQUEST, 50083, {})

    def _archived(self, route: Route) -> bool:
        thread = self._env.backend.channels.get(int(route.channel_id or 0))
        return bool(thread and thread.thread_metadata and thread.thread_metadata.archived)

    def _wake(self, route: Route) -> None:
        thread = self._env.backend.channels.get(int(route.channel_id or 0))
        if thread is not None and thread.thread_metadata is not None:
            thread.thread_metadata.archived = False


def _body(call: Mapping[str, Any]) -> Mapping[str, Any]:
    for part in call.get("form") or ():
        if part.get("name") == "payload_json":
            return json.loads(part["value"])
    return call.get("json") or {}


def _exception(status: int, code: int, headers: Mapping[str, str]) -> discord.HTTPException:
    kinds = {403: discord.Forbidden, 404: discord.NotFound}
    kind = kinds.get(status, discord.HTTPException)
    response: Any = _Response(status, headers)
    return kind(response, {"code": code, "message": "refused by the test"})


@dataclass
class DiscordWorld:
    """One server with one channel, three people, and us."""

    env: Env
    client: GryphClient
    settings: GatewaySettings
    commands: Mapping[str, Command]
    intake: RecordingIntake
    told: MemoryText
    heard_until: MemoryText
    rest: ExactRest
    guild: GuildHandle
    channel: ChannelHandle
    ann: MemberActor
    mod: MemberActor
    admin: MemberActor
    artifacts: MemoryArtifacts = field(default_factory=MemoryArtifacts)

    @property
    def mention(self) -> str:
        """How a person mentions us."""
        assert self.client.user is not None
        return self.client.user.mention

    @property
    def heard(self) -> list[Invocation]:
        """The invocations taken in, in order."""
        return [each for each in self.intake.events if isinstance(each, Invocation)]

    @property
    def reactions(self) -> list[Reaction]:
        """The reactions taken in, in order."""
        return [each for each in self.intake.events if isinstance(each, Reaction)]

    @property
    def thread(self) -> ChannelHandle:
        """The only thread of the channel."""
        (thread,) = self.channel.threads
        return thread

    def said(self, channel: ChannelHandle) -> list[discord.Message]:
        """Our own messages there, oldest first, without system messages."""
        kinds = {
            discord.MessageType.default,
            discord.MessageType.reply,
            discord.MessageType.chat_input_command,
        }
        assert self.client.user is not None
        us = self.client.user.id
        return [m for m in channel.history() if m.author.id == us and m.type in kinds]

    def refuse(
        self,
        method: str,
        ending: str,
        *,
        status: int,
        code: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Refuse the next call whose address ends so."""
        refusal = _Refusal(method, ending, status, code, headers or {})
        self.rest.refusals.append(refusal)

    def lose_answer(self, method: str, ending: str, *, spared: int = 0) -> None:
        """Let the next such call take effect but fail for us, as when our process dies then;
        `spared` calls like it pass first.
        """
        self.rest.refusals.append(_Refusal(method, ending, 500, is_answer_lost=True, spared=spared))

    async def restart(self) -> None:
        """Our process dies and a new one connects; Discord keeps everything."""
        memory = Memory(self.told, self.heard_until)
        self.client = GryphClient(self.settings, self.intake, self.commands, memory)
        await self.env.restart_bot(self.client)
        self.rest = ExactRest(self.env, self.client.http)


@asynccontextmanager
async def discord_world(
    commands: Mapping[str, Command], intake: RecordingIntake | None = None
) -> AsyncGenerator[DiscordWorld]:
    """A world that lasts as long as the block; errors of our handlers rise at its end."""
    settings = GatewaySettings(discord_token=SecretStr("test-token"))
    intake = intake or RecordingIntake()
    told, heard_until = MemoryText(), MemoryText()
    client = GryphClient(settings, intake, commands, Memory(told, heard_until))
    env = Env(client)
    await env.start()
    try:
        guild = env.create_guild("Acme")
        mod_role = guild.create_role("mod", permissions=discord.Permissions(manage_messages=True))
        boss_role = guild.create_role("boss", permissions=discord.Permissions(administrator=True))
        yield DiscordWorld(
            env=env,
            client=client,
            settings=settings,
            commands=commands,
            intake=intake,
            told=told,
            heard_until=heard_until,
            rest=ExactRest(env, client.http),
            guild=guild,
            channel=guild.create_text_channel("general"),
            ann=guild.add_member(env.create_user("ann")),
            mod=guild.add_member(env.create_user("mod"), roles=[mod_role]),
            admin=guild.add_member(env.create_user("admin"), roles=[boss_role]),
        )
    finally:
        await env.shutdown()
    env.raise_errors()
