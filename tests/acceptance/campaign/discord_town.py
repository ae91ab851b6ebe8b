"""Discord's part of the campaigns' platforms: people who act in it, and what we said to them."""

import asyncio
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.acceptance.campaign.weather import Weather
from tests.fakes.discord_wire.interactions import Interaction
from tests.fakes.discord_wire.server import Discord
from tests.fakes.discord_wire.world import Channel, ChannelKind, Flag, Message, User

UNREST_S = (10.0, 40.0)
"""Between two troubles of the gateway connection, while the weather is bad."""
LOOSE = "Dloose"
"""The root of answers to slash commands that Discord showed as failed to whoever used them."""
_PATH = re.compile(r"\bwork/\w+\.py\b")
_REQUEST = re.compile(r"\*\*@.*\*\* asked: ")


def root_of_path(path: str) -> str:
    """Where what we say about a slash command's job stands."""
    return f"D:{path}"


@dataclass
class DiscordTown:
    """One server."""

    discord: Discord
    channels: list[Channel]
    users: list[User]

    @classmethod
    def populated(cls, discord: Discord, channels: int, people: list[str]) -> "DiscordTown":
        """With so many channels, and people of these names."""
        users = [discord.world.add_user(name) for name in people]
        guild = discord.world.add_guild("Acme", users)
        made = [discord.world.add_channel(guild, f"c{number}") for number in range(channels)]
        return cls(discord, made, users)

    @property
    def listens(self) -> bool:
        """Whether a gateway of ours is connected and its commands can be used."""
        return bool(self.discord.gateway.connected and self.discord.routes.commands)

    async def happen(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Somebody acts, or Discord tells of the act with the id `again` once more."""
        channel = self.channels[int(asked["where"]) % len(self.channels)]
        user = self.users[int(asked["who"]) % len(self.users)]
        act, text, again = asked["act"], asked["text"], asked["again"]
        if act == "slash":
            made = await (self._again(again) if again else self._slash(user, channel, text))
        elif act == "react":
            made = self._react(user, channel, text)
        elif again:
            message = self.discord.world.message(channel.id, int(again))
            made = _heard(message, self.discord.conversations.again(message))
        else:
            words = f"{self.discord.people.mention} {text}" if act == "say" else text
            said = self.discord.people.say(user, channel, words)
            made = _heard(said, len(self.discord.gateway.connected))
        return made

    async def _slash(self, user: User, channel: Channel, text: str) -> dict[str, Any]:
        """The person sees within three seconds whether it was acknowledged."""
        verb, _, target = text.partition(" ")
        options = {"target": target} if target else {}
        try:
            made = self.discord.people.slash(user, channel, verb, **options)
        except LookupError:  # nobody has told Discord of it yet
            return {"id": "", "root": "", "status": 0}
        is_answered = await self.discord.people.sees_answer(made)
        root = root_of_path(target) if target else f"D{made.id}"
        return {"id": str(made.id), "root": root, "status": 200 if is_answered else 0}

    async def _again(self, interaction: str) -> dict[str, Any]:
        made = self._interaction(int(interaction))
        self.discord.interactions.send(made)
        return {"id": interaction, "root": "", "status": 200}

    def _interaction(self, number: int) -> Interaction:
        every = self.discord.interactions.by_token.values()
        return next(each for each in every if each.id == number)

    def _react(self, user: User, channel: Channel, emoji: str) -> dict[str, Any]:
        """On our newest message there, if there is one."""
        ours = self.discord.world.ours(channel.id)
        if ours:
            self.discord.people.react(user, ours[-1], emoji)
        return {"id": "reaction", "root": "nowhere", "status": 200}

    async def unrest(self, weather: Weather, seed: int) -> None:
        """Until cancelled: in bad weather the gateway's connections do not last."""
        dice = random.Random(seed + 5)  # noqa: S311 - a campaign's seed
        gateway = self.discord.gateway
        while True:
            await asyncio.sleep(dice.uniform(*UNREST_S))
            if not weather.share or not gateway.connected:
                continue
            what = dice.choice(["cut", "asked to reconnect", "cut, and the session forgotten"])
            weather.had[f"Discord's gateway: {what}"] += 1
            if what == "asked to reconnect":
                gateway.ask_to_reconnect()
                continue
            if what != "cut":
                gateway.forget()
            gateway.cut()

    def said(self, root: str | None) -> list[dict[str, Any]]:
        """All our messages, or those of one root."""
        found = [
            {
                "face": "discord",
                "root": at,
                "kind": kind,
                "text": message.content,
                "at": str(message.id),
                "history": message.history,
            }
            for channel in self._where(root)
            for message in self.discord.world.ours(channel.id)
            for at, kind in [self._about(channel, message)]
        ]
        return [each for each in found if root in (None, each["root"])]

    def _where(self, root: str | None) -> Iterator[Channel]:
        """The channels in which messages of a root may stand."""
        number = int(root[1:]) if root and root[1:].isdigit() else None
        for channel in list(self.discord.world.channels.values()):
            if number is None or number == channel.id or number in channel.messages:
                yield channel

    def _about(self, channel: Channel, message: Message) -> tuple[str, str]:
        """What a message of ours is about, and of which kind it is."""
        if channel.kind is ChannelKind.THREAD:
            is_result = " · result" in message.content.rpartition("\n")[2]
            assert channel.parent is not None
            start = self.discord.world.channels[channel.parent].messages[channel.id]
            asked = _PATH.search(start.content)
            is_ours = start.author is self.discord.world.bot and asked is not None
            root = root_of_path(asked[0]) if is_ours and asked else f"D{channel.id}"
            return root, "result" if is_result else "status"
        if message.reply_to is not None:
            return f"D{message.reply_to}", "answer"
        asked = _PATH.search(message.content)
        if asked is not None and _REQUEST.match(message.content):
            return root_of_path(asked[0]), "request"
        kind = "unanswered" if message.flags & Flag.LOADING else "answer"
        return LOOSE if message.interaction is None else f"D{message.interaction}", kind


def _heard(message: Message, sessions: int) -> dict[str, Any]:
    return {"id": str(message.id), "root": f"D{message.id}", "status": 200 if sessions else 0}
