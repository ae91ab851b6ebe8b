"""Slack, Discord and GitHub on loopback, people who ask there at once, and what they are shown."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import httpx

from bot.console.client import gateway_url
from bot.console.settings import ClientSettings
from tests.acceptance.conftest import FILES
from tests.acceptance.stack import START_S, Stack, eventually, running
from tests.benchmarks.generating.commands import (
    COMMENT,
    FILE,
    STATUS,
    Command,
    Face,
    Shown,
    Stamped,
    now_s,
)
from tests.fakes.discord_wire.server import Discord
from tests.fakes.discord_wire.world import EPOCH_MS, Channel, ChannelKind, User
from tests.fakes.git_host import commit
from tests.fakes.github.hooks import sign
from tests.fakes.github.people import add_comment, comment_event
from tests.fakes.github.server import GitHub
from tests.fakes.github.world import APP_ID, INSTALLATION, WEBHOOK_SECRET, Repository
from tests.fakes.slack.server import BOT_TOKEN
from tests.fakes.slack.workspace import BOT, SECRET, Slack

LOCAL = "acme/text"
"""The repository that is meant in the chats; it lies on the worker's machine."""
LOOK_S = 0.05
"""How often it is looked for messages; the times are the platforms' own."""
_RESULT = " · result"


@dataclass
class Town:
    """The platforms and the stack behind them; each person has a place of their own."""

    github: GitHub
    slack: Slack
    discord: Discord
    stack: Stack
    http: httpx.AsyncClient
    checkout: Path
    """Of the repository that the chats mean."""
    repositories: Sequence[Repository]
    """One of each team, with an installation of its own."""
    people: Sequence[str]
    channels: Sequence[str]
    users: Sequence[str]
    rooms: Sequence[Channel]
    members: Sequence[User]
    shown: list[Shown] = field(default_factory=list[Shown])
    """Everything we said, wherever it is."""

    async def say(self, command: Command) -> None:
        """Somebody gives the command; returns when the platform has its acknowledgement."""
        at = command.number
        command.sent_s = now_s()
        match command.face:
            case Face.SLACK:
                channel = self.channels[at]
                said = await self.slack.say(self.users[at], channel, f"<@{BOT}> {command.line}")
                command.thread = f"{channel}:{said.ts}"
            case Face.DISCORD:
                words = f"{self.discord.people.mention} {command.line}"
                message = self.discord.people.say(self.members[at], self.rooms[at], words)
                command.thread = f"D{message.id}"
                return
            case Face.GITHUB:
                repository = self.repositories[at % len(self.repositories)]
                number = repository.new_number()
                command.thread = f"{repository.full_name}#{number}"
                await self._comment(repository, number, self.people[at], command.line)
        command.acknowledged_s = now_s()

    async def _comment(self, repository: Repository, number: int, login: str, line: str) -> None:
        """On an issue of its own; delivered here, since the fake's own webhooks name one
        installation only.
        """
        world = self.github.world
        by = world.account(login)
        world.talk(repository, number, by, "Words", "")
        made = add_comment(world, repository, number, by, f"/gryph {line}")
        event, payload = comment_event(world, repository, made, ("created", login))
        body = json.dumps({**payload, "installation": {"id": repository.installation}}).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": sign(body, WEBHOOK_SECRET),
        }
        url = f"{self.slack.app_url}/github/webhook"
        answer = await self.http.post(url, content=body, headers=headers)
        answer.raise_for_status()

    async def watch(self) -> None:
        """Until cancelled: find each new message of ours soon enough to see its first edit."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Find what is new."""
        self.shown += list(chain(self._on_slack(), self._on_discord(), self._on_github()))

    def of(self, command: Command) -> list[Shown]:
        """What stands in the command's thread."""
        return [each for each in self.shown if each.thread == command.thread]

    def _on_slack(self) -> Iterator[Shown]:
        for channel in self.channels:
            for message in self.slack.world.ours(channel):
                if isinstance(message.history, Stamped):
                    continue
                message.history = Stamped(message.history, float(message.ts))
                marked = (message.metadata or {}).get("event_payload", {})
                what = marked.get("key", "").rpartition(":")[2]
                kind = what if what == STATUS else f"{what} {marked.get('part', '')}"
                root = message.thread_ts or message.ts
                yield Shown(f"{channel}:{root}", kind if what else FILE, message.history)

    def _on_discord(self) -> Iterator[Shown]:
        for channel in list(self.discord.world.channels.values()):
            for message in self.discord.world.ours(channel.id):
                if isinstance(message.history, Stamped):
                    continue
                posted_s = ((message.id >> 22) + EPOCH_MS) / 1000
                message.history = Stamped(message.history, posted_s)
                _, is_result, part = message.content.rpartition("\n")[2].partition(_RESULT)
                kind = f"result {part}" if is_result else STATUS
                is_thread = channel.kind is ChannelKind.THREAD
                yield Shown(f"D{channel.id}" if is_thread else "stray", kind, message.history)

    def _on_github(self) -> Iterator[Shown]:
        for repository in self.repositories:
            for comment in list(repository.comments.values()):
                ours = comment.by is self.github.world.bot
                if ours and not isinstance(comment.history, Stamped):
                    comment.history = Stamped(comment.history, comment.created_at.timestamp())
                    thread = f"{repository.full_name}#{comment.number}"
                    yield Shown(thread, COMMENT, comment.history)


@asynccontextmanager
async def opened(
    folder: Path, people: int, teams: int, settings: Mapping[str, str]
) -> AsyncGenerator[Town]:
    """Everything running, for so many people, who have so many repositories."""
    home = folder / "home"
    home.mkdir()
    github = GitHub(folder / "repositories")
    names = [f"p{number}" for number in range(people)]
    async with (
        github.serving(),
        Slack.running() as slack,
        Discord.running() as discord,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        slack.server.paced = True
        repositories = [_repository(github, number, names) for number in range(teams)]
        members = [discord.world.add_user(name) for name in names]
        guild = discord.world.add_guild("Acme", members)
        checkout = folder / "checkout"
        commit(checkout, FILES)
        local = json.dumps({LOCAL: str(checkout)})
        where = {**_addresses(github, slack, discord), "GRYPH_REPOSITORIES": local}
        async with running(home, **where, **settings) as stack:
            town = Town(
                github=github,
                slack=slack,
                discord=discord,
                stack=stack,
                repositories=repositories,
                http=http,
                checkout=checkout,
                people=names,
                channels=[slack.world.add_channel(f"c-{name}") for name in names],
                users=[slack.world.add_user(name) for name in names],
                rooms=[discord.world.add_channel(guild, f"c-{name}") for name in names],
                members=members,
            )
            slack.app_url = gateway_url(ClientSettings(home=home))
            await eventually(lambda: discord.gateway.connected, START_S)
            await eventually(lambda: stack.log.count("worker ready") >= len(_WORKERS), START_S)
            yield town


_WORKERS = ("worker-1", "worker-gpu")


def _repository(github: GitHub, team: int, people: Sequence[str]) -> Repository:
    made = github.world.repository(f"team{team}/text{team}", FILES)
    made.private = True
    made.installation = INSTALLATION + team
    made.permissions |= dict.fromkeys(people, "write")
    return made


def _addresses(github: GitHub, slack: Slack, discord: Discord) -> dict[str, str]:
    return {
        "GRYPH_GITHUB_APP_ID": str(APP_ID),
        "GRYPH_GITHUB_PRIVATE_KEY": github.world.private_key,
        "GRYPH_GITHUB_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "GRYPH_GITHUB_API_URL": github.url,
        "GRYPH_GITHUB_GIT_URL": github.git_url,
        "GRYPH_SLACK_BOT_TOKEN": BOT_TOKEN,
        "GRYPH_SLACK_SIGNING_SECRET": SECRET,
        "GRYPH_SLACK_API_URL": slack.api_url,
        **discord.settings,
        "GRYPH_DISCORD_MEMBER_TIER": "write",
        "GRYPH_DEFAULT_REPOSITORY": LOCAL,
    }
