"""GitHub, Slack and Discord in one process, each behind the weather, with a hand for the campaign.

`python -m tests.acceptance.campaign.platforms --folder DIR` prints where everything is as one
line of JSON. The campaign makes people act by `POST /happen`, which answers with the event the
platform would send (the campaign delivers it, since when, how often and to whom is its matter; only
Discord's go to whoever is connected to its gateway, and "again" has them told once more), tells
GitHub by `POST /attempts` how its deliveries fared, and reads by `GET /said` what we said.
"""

import argparse
import asyncio
import json
import random
import sys
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.acceptance.campaign.discord_town import DiscordTown
from tests.acceptance.campaign.weather import Proxy, Weather
from tests.fakes.discord_wire.routes import API, TOKEN
from tests.fakes.discord_wire.server import Discord
from tests.fakes.github.hooks import Delivery
from tests.fakes.github.people import add_comment, comment_event
from tests.fakes.github.server import GitHub
from tests.fakes.github.shapes import stamp
from tests.fakes.github.world import APP_ID, INSTALLATION, WEBHOOK_SECRET, Comment, Repository
from tests.fakes.slack.server import BOT_TOKEN
from tests.fakes.slack.workspace import BOT, SECRET, Slack
from tests.fakes.slack.world import TEAM, Message

_WHISPERED = "whispered:"
"""Before the token of a response_url: where a slash command is answered."""
_SEPARATOR = {"C": ":"}
"""Before the last part of a root: Slack's begin with a channel's id."""
DOOR_S = 10.0
"""How long GitHub waits for an answer to a webhook."""


@dataclass
class Town:
    """The platforms and what the campaign may do with them."""

    github: GitHub
    slack: Slack
    discord: DiscordTown
    weather: Weather
    repositories: list[Repository]
    channels: list[str]
    people: list[str]
    users: list[str]
    told: dict[str, tuple[str, dict[str, Any]]] = field(
        default_factory=dict[str, tuple[str, dict[str, Any]]]
    )
    """GitHub's events by guid, for redeliveries."""
    gateways: list[str] = field(default_factory=list[str])
    turn: int = 0

    def routes(self) -> list[web.RouteDef]:
        """The campaign's hands."""
        return [
            web.post("/happen", self._happen),
            web.post("/attempts", self._attempts),
            web.post("/gateways", self._gateways),
            web.post("/weather", self._weather),
            web.get("/weather", self._forecast),
            web.get("/said", self._said),
            web.get("/listening", self._listening),
            web.post("/door", self._door),
        ]

    async def _happen(self, request: web.Request) -> web.Response:
        asked = cast("dict[str, Any]", await request.json())
        act, text = asked["act"], asked["text"]
        if asked["face"] == "discord":
            return web.json_response(await self.discord.happen(asked))
        if asked["face"] == "github":
            word = "/gryph " if act == "say" else ""
            return web.json_response(self._comment(asked["where"], asked["who"], word + text))
        channel = self.channels[int(asked["where"]) % len(self.channels)]
        user = self.users[int(asked["who"]) % len(self.users)]
        if act == "slash":
            return web.json_response(self._slash(channel, user, text))
        if act == "react":
            return web.json_response(self._react(channel, user, text))
        text = f"<@{BOT}> {text}" if act == "say" else text
        return web.json_response(self._message(channel, user, text))

    def _comment(self, where: int, who: int, text: str) -> dict[str, Any]:
        """A comment on an issue of its own, so that what belongs to it is seen from outside."""
        world = self.github.world
        repo = self.repositories[where % len(self.repositories)]
        by = world.account(self.people[who % len(self.people)])
        number = len(repo.issues) + 1
        world.talk(repo, number, by, "Issue", "")
        made = add_comment(world, repo, number, by, text)
        event, payload = comment_event(world, repo, made, ("created", by.login))
        payload = {**payload, "installation": {"id": repo.installation}}
        guid = str(uuid.uuid4())
        self.told[guid] = (event, payload)
        return {
            "id": guid,
            "event": event,
            "root": f"{repo.full_name}#{number}",
            "body": json.dumps(payload),
        }

    def _message(self, channel: str, user: str, text: str) -> dict[str, Any]:
        said = self.slack.world.add(Message(self.slack.world.next_ts(), channel, user, text))
        return self._callback(
            {
                "type": "app_mention" if f"<@{BOT}>" in text else "message",
                "user": user,
                "text": text,
                "ts": said.ts,
                "channel": channel,
                "channel_type": "channel",
                "team": TEAM,
                "event_ts": said.ts,
            },
            f"{channel}:{said.ts}",
        )

    def _react(self, channel: str, user: str, emoji: str) -> dict[str, Any]:
        """On our newest message there, or on one that is gone."""
        ours = self.slack.world.ours(channel)
        ts = ours[-1].ts if ours else self.slack.world.next_ts()
        return self._callback(
            {
                "type": "reaction_added",
                "user": user,
                "reaction": emoji,
                "item_user": BOT,
                "item": {"type": "message", "channel": channel, "ts": ts},
                "event_ts": self.slack.world.next_ts(),
            },
            "nowhere",
        )

    def _callback(self, event: dict[str, Any], root: str) -> dict[str, Any]:
        payload = {
            "type": "event_callback",
            "team_id": TEAM,
            "event_id": f"Ev{uuid.uuid4().hex[:12]}",
            "event_time": int(self.slack.world.clock()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": True}],
            "event": event,
        }
        told = {"id": payload["event_id"], "event": event["type"], "root": root}
        return {**told, "body": json.dumps(payload)}

    def _slash(self, channel: str, user: str, text: str) -> dict[str, Any]:
        url = self.slack.server.new_response_url(channel)
        trigger = uuid.uuid4().hex
        form = {
            "command": "/gryph",
            "text": text,
            "team_id": TEAM,
            "channel_id": channel,
            "user_id": user,
            "user_name": self.slack.world.users[user].name,
            "response_url": url,
            "trigger_id": trigger,
        }
        root = f"{_WHISPERED}{url.rpartition('/')[2]}"
        return {"id": trigger, "event": "slash", "root": root, "body": urlencode(form)}

    async def _attempts(self, request: web.Request) -> web.Response:
        world = self.github.world
        for attempt in cast("list[dict[str, Any]]", await request.json()):
            event, payload = self.told[attempt["id"]]
            made = Delivery(
                world.new_id(),
                attempt["id"],
                event,
                payload,
                world.now(),
                attempt["status"],
                redelivery=False,
            )
            age = timedelta(seconds=attempt.get("age_s", 0.0))
            self.github.hooks.deliveries.append(made.older(age))
        return web.json_response({})

    async def _gateways(self, request: web.Request) -> web.Response:
        self.gateways = cast("list[str]", await request.json())
        return web.json_response({})

    async def _weather(self, request: web.Request) -> web.Response:
        self.weather.share = cast("dict[str, float]", await request.json())["share"]
        return web.json_response({})

    async def _forecast(self, request: web.Request) -> web.Response:
        del request
        redelivered = [each for each in self.github.hooks.deliveries if each.redelivery]
        return web.json_response(
            {
                "had": dict(self.weather.had),
                "calls": dict(self.weather.calls),
                "redelivered": len(redelivered),
                "arrived": [
                    each.guid for each in redelivered if each.status_code in range(200, 300)
                ],
            }
        )

    async def _said(self, request: web.Request) -> web.Response:
        """All our messages, or those of one `root`."""
        root = request.query.get("root")
        if root is not None and root.startswith("D"):
            return web.json_response(self.discord.said(root))
        wanted = None if root is None else root.rpartition(_SEPARATOR.get(root[:1], "#"))[0]
        github = [
            _shown_comment(repo, comment)
            for repo in self.repositories
            if wanted in (None, repo.full_name)
            for comment in repo.comments.values()
            if comment.by is self.github.world.bot
        ]
        slack = [
            _shown_message(channel, message)
            for channel in self.channels
            if wanted in (None, channel)
            for message in self.slack.world.ours(channel)
        ]
        whispers = [
            {"face": "slack", "root": f"{_WHISPERED}{token}", "text": "", "at": "", "key": "answer"}
            for token, url in self.slack.server.response_urls.items()
            for _ in range(url.uses)
        ]
        discord = self.discord.said(None) if root is None else []
        every = github + slack + whispers + discord
        found = [each for each in every if root in (None, each["root"])]
        return web.json_response(found)

    async def _listening(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self.discord.listens)

    async def _door(self, request: web.Request) -> web.Response:
        """GitHub's webhook address: whichever gateway takes the connection."""
        body = await request.read()
        kept = {"Content-Type", "X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256"}
        headers = {name: request.headers[name] for name in kept}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(DOOR_S)) as http:
            for _ in self.gateways:
                self.turn += 1
                gateway = self.gateways[self.turn % len(self.gateways)]
                try:
                    async with http.post(
                        f"{gateway}/github/webhook", data=body, headers=headers
                    ) as answer:
                        return web.Response(status=answer.status)
                except aiohttp.ClientConnectorError:
                    continue
                except (aiohttp.ClientError, TimeoutError):
                    break
        return web.Response(status=502)


def _shown_comment(repo: Repository, comment: Comment) -> dict[str, Any]:
    return {
        "face": "github",
        "root": f"{repo.full_name}#{comment.number}",
        "text": comment.body,
        "at": stamp(comment.created_at),
        "history": comment.history,
    }


def _shown_message(channel: str, message: Message) -> dict[str, Any]:
    return {
        "face": "slack",
        "root": f"{channel}:{message.thread_ts or message.ts}",
        "text": f"{message.text}\n{json.dumps(message.blocks)}",
        "at": message.ts,
        "key": (message.metadata or {}).get("event_payload", {}).get("key", ""),
        "history": [json.dumps(each) for each in message.history],
    }


def _town(
    github: GitHub, slack: Slack, discord: Discord, weather: Weather, given: argparse.Namespace
) -> Town:
    world = github.world
    people = [f"p{number}" for number in range(given.people)]
    repositories: list[Repository] = []
    for number in range(given.repositories):
        repo = world.repository(f"org{number}/r{number}", {"work/__init__.py": b""})
        repo.installation = INSTALLATION + number
        repo.permissions |= dict.fromkeys(people, "write")
        repositories.append(repo)
    slack.server.paced = True
    channels = [slack.world.add_channel(f"c{number}") for number in range(given.channels)]
    users = [slack.world.add_user(name) for name in people]
    town = DiscordTown.populated(discord, given.channels, people)
    return Town(github, slack, town, weather, repositories, channels, people, users)


async def serve(given: argparse.Namespace) -> None:
    """Until interrupted."""
    weather = Weather(given.seed)
    github = GitHub(given.folder)
    async with github.serving(), Slack.running() as slack, Discord.running() as discord:
        town = _town(github, slack, discord, weather, given)
        before = {"github": github.url, "slack": slack.server.url, "discord": discord.url}
        proxies = {name: Proxy(name, url, weather) for name, url in before.items()}
        for proxy in proxies.values():
            await proxy.start()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_routes(town.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        control = f"http://{host}:{port}"
        github.hooks.url = f"{control}/door"
        settings = {
            "GRYPH_GITHUB_APP_ID": str(APP_ID),
            "GRYPH_GITHUB_PRIVATE_KEY": github.world.private_key,
            "GRYPH_GITHUB_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "GRYPH_GITHUB_API_URL": proxies["github"].url,
            "GRYPH_GITHUB_GIT_URL": github.git_url,
            "GRYPH_SLACK_BOT_TOKEN": BOT_TOKEN,
            "GRYPH_SLACK_SIGNING_SECRET": SECRET,
            "GRYPH_SLACK_API_URL": f"{proxies['slack'].url}/api/",
            "GRYPH_DISCORD_TOKEN": TOKEN,
            "GRYPH_DISCORD_API_URL": f"{proxies['discord'].url}{API}",
            "GRYPH_DISCORD_GATEWAY_URL": discord.gateway.url,
            "GRYPH_DISCORD_MEMBER_TIER": "write",
        }
        sys.stdout.write(json.dumps({"control": control, "settings": settings}) + "\n")
        sys.stdout.flush()
        await town.discord.unrest(weather, given.seed)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="GitHub, Slack and Discord for a campaign")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repositories", type=int, default=40)
    parser.add_argument("--channels", type=int, default=60)
    parser.add_argument("--people", type=int, default=50)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    random.seed(given.seed)
    asyncio.run(serve(given))


if __name__ == "__main__":
    main()
