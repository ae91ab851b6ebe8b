"""What Slack sends, read tolerantly: only the fields that are used.

https://docs.slack.dev/reference/events · /interactivity/implementing-slash-commands ·
/reference/interaction-payloads/block_actions-payload
"""

from typing import Any

from pydantic import BaseModel, ConfigDict


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Authorization(_Read):
    """For whom the event was sent: our bot user."""

    user_id: str | None = None
    is_bot: bool = False


class EventCallback(_Read):
    """The envelope of every event."""

    event_id: str
    event: dict[str, Any]
    team_id: str | None = None
    enterprise_id: str | None = None
    authorizations: tuple[Authorization, ...] = ()

    @property
    def workspace(self) -> str:
        """The team, or the organisation an org-wide installation speaks for."""
        return self.team_id or self.enterprise_id or ""

    @property
    def bot(self) -> str | None:
        """Our bot's user id."""
        return next((a.user_id for a in self.authorizations if a.is_bot), None)


class Edited(_Read):
    """When a person changed a message; unfurling changes it without this."""

    ts: str


class Written(_Read):
    """A message's content."""

    ts: str
    user: str | None = None
    text: str = ""
    thread_ts: str | None = None
    bot_id: str | None = None
    subtype: str | None = None
    edited: Edited | None = None
    files: Any = None
    """Read by `bot.slack.hosted.attached`."""


class MessageEvent(Written):
    """`app_mention` or `message`."""

    type: str
    channel: str
    channel_type: str | None = None
    message: Written | None = None
    """The message as it is now, for `message_changed`."""
    previous_message: Written | None = None


class Item(_Read):
    """What a reaction was put on."""

    type: str
    channel: str | None = None
    ts: str | None = None


class ReactionEvent(_Read):
    """`reaction_added` or `reaction_removed`."""

    type: str
    user: str
    reaction: str
    item: Item
    item_user: str | None = None
    event_ts: str = ""


class SlashCommand(_Read):
    """A slash command's form."""

    user_id: str
    channel_id: str
    trigger_id: str
    text: str = ""
    user_name: str | None = None
    team_id: str | None = None
    enterprise_id: str | None = None
    response_url: str | None = None


class Person(_Read):
    """Who pressed."""

    id: str
    username: str | None = None
    name: str | None = None


class Named(_Read):
    """Something with an id: a team, an organisation, a channel."""

    id: str


class Container(_Read):
    """Where the button is."""

    message_ts: str | None = None
    thread_ts: str | None = None
    channel_id: str | None = None
    is_ephemeral: bool = False


class Press(_Read):
    """One element that was used."""

    action_id: str
    action_ts: str
    value: str | None = None


class Interaction(_Read):
    """An interactivity payload; only `block_actions` is acted on."""

    type: str
    user: Person
    container: Container = Container()
    team: Named | None = None
    enterprise: Named | None = None
    channel: Named | None = None
    actions: tuple[Press, ...] = ()
    response_url: str | None = None
