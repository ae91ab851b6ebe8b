"""What people do on Discord, as far as their clients let them."""

from collections.abc import Sequence
from typing import Any

from tests.fakes.discord_wire.conversations import Conversations, File
from tests.fakes.discord_wire.interactions import Interaction, Interactions
from tests.fakes.discord_wire.routes import Routes
from tests.fakes.discord_wire.world import Channel, Message, User, World

_STRING, _BOOLEAN = 3, 5


class People:
    """Their hands."""

    def __init__(
        self,
        world: World,
        conversations: Conversations,
        interactions: Interactions,
        routes: Routes,
    ) -> None:
        """They see the commands that are registered at `routes`."""
        self._world = world
        self._conversations = conversations
        self._interactions = interactions
        self._routes = routes

    @property
    def mention(self) -> str:
        """How a person mentions our bot."""
        return f"<@{self._world.bot.id}>"

    def say(
        self,
        user: User,
        channel: Channel,
        content: str,
        reply_to: Message | None = None,
        files: Sequence[File] = (),
    ) -> Message:
        """Write a message."""
        return self._conversations.say(user, channel, content, reply_to, files)

    def edit(self, message: Message, content: str) -> None:
        """Change one's own message."""
        self._conversations.reword(message, content)

    def react(self, user: User, message: Message, emoji: str, *, added: bool = True) -> None:
        """Put an emoji on a message, or take it off."""
        self._conversations.react(user, message, emoji, added=added)

    def slash(self, user: User, channel: Channel, verb: str, **options: str | bool) -> Interaction:
        """Use the slash command. Raises LookupError when it, or an option, is not on offer."""
        command = next((each for each in self._routes.commands), None)
        if command is None:
            raise LookupError("no slash command is registered")
        subcommand = _named(command, verb)
        given = [_value(_named(subcommand, name), value) for name, value in options.items()]
        missing = [o["name"] for o in subcommand["options"] if o.get("required")]
        if set(missing) - set(options):
            raise LookupError(f"{verb} needs {missing}")
        data = {
            "id": command["id"],
            "name": command["name"],
            "type": 1,
            "options": [{"type": 1, "name": verb, "options": given}],
        }
        made = self._interactions.make(user, channel, data, None)
        self._interactions.send(made)
        return made

    def press(self, user: User, message: Message, label: str) -> Interaction:
        """Press the button with that label. Raises LookupError, naming what there is instead."""
        buttons = [button for row in message.components for button in row["components"]]
        found = next((each for each in buttons if each["label"] == label), None)
        if found is None:
            raise LookupError(f"no button {label!r} among {[b['label'] for b in buttons]}")
        data = {"custom_id": found["custom_id"], "component_type": 2}
        channel = self._world.channels[message.channel]
        made = self._interactions.make(user, channel, data, message)
        self._interactions.send(made)
        return made

    async def sees_answer(self, made: Interaction) -> bool:
        """Whether it was acknowledged in time; otherwise "the application did not respond"."""
        return await self._interactions.is_answered(made)


def _named(parent: dict[str, Any], name: str) -> dict[str, Any]:
    options: list[dict[str, Any]] = parent.get("options") or []
    for each in options:
        if each["name"] == name:
            return each
    raise LookupError(f"{parent['name']} has no {name!r}, only {[o['name'] for o in options]}")


def _value(option: dict[str, Any], value: str | bool) -> dict[str, Any]:  # noqa: FBT001 - an option's value
    if option["type"] != (_BOOLEAN if isinstance(value, bool) else _STRING):
        raise LookupError(f"{option['name']} does not take {value!r}")
    return {"type": option["type"], "name": option["name"], "value": value}
