"""What people do in Slack arrives once, in the gateway's own terms."""

import json
import time
from urllib.parse import urlencode

import pytest
from typing_extensions import override

from bot.face import NotTaken
from bot.slack.inbound import routes
from handlers import Event
from storage.ids import InboxId
from tests.bot.slack.conftest import Team
from tests.fakes.intake import RecordingIntake
from tests.fakes.slack.workspace import COMMANDS, EVENTS, FORM, INTERACTIONS, JSON, sign
from tests.fakes.slack.world import BOT, Message


async def test_mention_becomes_a_command(listening: Team) -> None:
    message = await listening.slack.say(listening.ann, listening.dev, f"<@{BOT}> test src/a.py")
    heard = listening.heard()
    assert heard.text == "@gryph test src/a.py"
    assert heard.addressed
    assert heard.caller.account == listening.ann
    assert (heard.place.workspace, heard.place.channel) == ("T1", listening.dev)
    assert (heard.place.thread, heard.place.message) == (None, message.ts)


async def test_mention_in_a_thread_keeps_the_thread(listening: Team) -> None:
    root = await listening.slack.say(listening.bob, listening.dev, "look at this")
    await listening.slack.say(listening.ann, listening.dev, f"<@{BOT}> status", thread=root.ts)
    assert listening.heard().place.thread == root.ts


async def test_direct_message_needs_no_mention(listening: Team) -> None:
    await listening.slack.say(listening.ann, listening.direct, "status J7K2M9Q")
    assert listening.heard().text == "@gryph status J7K2M9Q"
    assert listening.heard().addressed


async def test_slash_command_is_the_line_it_stands_for(listening: Team) -> None:
    await listening.slack.slash(listening.ann, listening.dev, "test src/a.py --style unittest")
    heard = listening.heard()
    assert heard.text == "/gryph test src/a.py --style unittest"
    assert heard.caller.name == "ann"
    assert heard.place.message is None
    assert heard.place.callback is not None
    assert listening.slack.sent[-1].answer == ""


async def test_slash_command_about_a_payload_is_no_interaction(listening: Team) -> None:
    await listening.slack.slash(listening.ann, listening.dev, "test src/payload.py")
    assert listening.heard().text == "/gryph test src/payload.py"


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b'"text"', b'{"authorizations": 7}'])
async def test_signed_json_of_another_shape_is_no_error(listening: Team, body: bytes) -> None:
    sent = await listening.slack.post(EVENTS, body, JSON)
    assert sent.status == (400 if body[:1] != b"{" else 200)
    assert listening.intake.events == []


async def test_one_event_delivered_four_times_is_one_event(listening: Team) -> None:
    await listening.slack.say(listening.ann, listening.dev, f"<@{BOT}> status")
    await listening.slack.again(3)
    assert len(listening.intake.events) == 1
    assert [sent.status for sent in listening.slack.sent] == [200] * 4


async def test_same_message_as_mention_and_as_message_is_one_event(listening: Team) -> None:
    message = await listening.slack.say(listening.ann, listening.dev, f"<@{BOT}> status")
    await listening.slack.event(
        {
            "type": "message",
            "channel_type": "channel",
            "user": listening.ann,
            "text": message.text,
            "ts": message.ts,
            "channel": listening.dev,
        }
    )
    assert len(listening.intake.events) == 1


async def test_slash_command_delivered_twice_is_one_event(listening: Team) -> None:
    await listening.slack.slash(listening.ann, listening.dev, "status")
    await listening.slack.again()
    assert len(listening.intake.events) == 1


async def test_edit_carries_the_text_before_it(listening: Team) -> None:
    message = await listening.slack.say(listening.ann, listening.direct, "test src/a.py")
    await listening.slack.edit(message, "test src/a.py\ntest src/b.py")
    heard = listening.heard()
    assert heard.previous_text == "@gryph test src/a.py"
    assert heard.text.endswith("test src/b.py")
    await listening.slack.again()
    assert len(listening.intake.events) == 2


async def test_change_that_is_no_edit_is_ignored(listening: Team) -> None:
    message = await listening.slack.say(listening.ann, listening.direct, "status")
    await listening.slack.edit(message, "status")
    assert len(listening.intake.events) == 1


@pytest.mark.parametrize("added", [True, False])
async def test_reaction_to_our_message_is_feedback(listening: Team, *, added: bool) -> None:
    ours = listening.slack.world.add(
        Message(listening.slack.world.next_ts(), listening.dev, BOT, "done")
    )
    await listening.slack.react(listening.ann, ours, "+1::skin-tone-3", added=added)
    felt = listening.felt()
    assert (felt.emoji, felt.added) == ("+1", added)
    assert felt.message_key == f"slack:{listening.dev}:{ours.ts}"


async def test_reaction_to_anothers_message_is_ignored(listening: Team) -> None:
    theirs = await listening.slack.say(listening.bob, listening.dev, "lunch?")
    await listening.slack.react(listening.ann, theirs, "+1")
    assert listening.intake.events == []


async def test_pressed_button_is_the_line_it_stands_for(listening: Team) -> None:
    element = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Retry"},
        "action_id": "g:retry:J7K2M9Q:0",
        "value": "retry J7K2M9Q",
    }
    world = listening.slack.world
    root = world.next_ts()
    blocks = [{"type": "actions", "elements": [element]}]
    ours = world.add(Message(world.next_ts(), listening.dev, BOT, "done", blocks, root))
    await listening.slack.press(listening.bob, ours, "Retry")
    await listening.slack.again()
    heard = listening.heard()
    assert len(listening.intake.events) == 1
    assert heard.text == "/gryph retry J7K2M9Q"
    assert heard.caller.account == listening.bob
    assert (heard.place.thread, heard.place.message) == (root, ours.ts)


async def test_what_is_not_for_us_is_acknowledged_and_dropped(listening: Team) -> None:
    slack, dev = listening.slack, listening.dev
    said = {"type": "message", "channel": dev, "channel_type": "channel", "ts": "1.2"}
    for event in (
        {**said, "user": listening.ann, "text": "no command here"},
        {**said, "user": BOT, "text": f"<@{BOT}> /gryph status"},
        {**said, "user": "U9", "bot_id": "B9", "text": f"<@{BOT}> status"},
        {**said, "user": listening.ann, "text": f"<@{BOT}2> status"},
        {**said, "subtype": "channel_join", "user": "U9", "text": f"<@{BOT}> has joined"},
        {**said, "user": listening.ann, "text": "   ", "channel_type": "im"},
        {"type": "team_rename", "name": "x"},
        {"type": "message", "text": "a field is missing"},
    ):
        await slack.event(event)
    await slack.interact({"type": "view_submission", "user": {"id": listening.ann}})
    assert listening.intake.events == []
    assert {sent.status for sent in slack.sent} == {200}


async def test_org_wide_installation_is_named_by_its_organisation(listening: Team) -> None:
    event = {"type": "app_mention", "user": "U1", "text": f"<@{BOT}> status", "ts": "1.2"}
    await listening.slack.event(
        {**event, "channel": listening.dev}, team_id=None, enterprise_id="E1"
    )
    assert listening.heard().place.workspace == "E1"


async def test_mention_is_found_without_authorizations(listening: Team) -> None:
    event = {"type": "app_mention", "user": "U1", "text": f"<@{BOT}> status <@U2>", "ts": "1.2"}
    await listening.slack.event({**event, "channel": listening.dev}, authorizations=[])
    assert listening.heard().text == "@gryph status @U2"


async def test_url_verification_gets_its_challenge_back(listening: Team) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c3"}).encode()
    sent = await listening.slack.post(EVENTS, body, JSON)
    assert (sent.status, json.loads(sent.answer)) == (200, {"challenge": "c3"})


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X-Slack-Signature": "v0=" + "0" * 64}, "wrong"),
        ({"X-Slack-Signature": ""}, "missing"),
        ({"X-Slack-Request-Timestamp": "yesterday"}, "no number"),
        ({"X-Slack-Request-Timestamp": "9" * 400}, "absurd"),
        (sign(b"{}", time.time()), "of another body"),
        (sign(b'{"type":"x"}', time.time() - 301), "stale"),
        (sign(b'{"type":"x"}', time.time() + 4_000), "of the future"),
        (sign(b'{"type":"x"}', time.time(), "another secret"), "by another"),
    ],
)
@pytest.mark.parametrize("path", [EVENTS, COMMANDS, INTERACTIONS])
async def test_bad_signature_is_refused(
    listening: Team, path: str, headers: dict[str, str], why: str
) -> None:
    sent = await listening.slack.post(path, b'{"type":"x"}', JSON, headers)
    assert sent.status == 401, why


async def test_signature_in_other_characters_is_refused_not_an_error(listening: Team) -> None:
    sent = await listening.slack.post(EVENTS, b"{}", JSON, {"X-Slack-Signature": "v0=\u00e9"})
    assert sent.status == 401


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff\xfe{}"])
async def test_signed_nonsense_is_a_bad_request(listening: Team, body: bytes) -> None:
    sent = await listening.slack.post(EVENTS, body, JSON)
    assert sent.status == 400


async def test_body_beyond_any_event_is_refused(listening: Team) -> None:
    sent = await listening.slack.post(EVENTS, b"x" * 1_000_001, FORM)
    assert sent.status == 413


async def test_signed_ssl_check_is_answered(listening: Team) -> None:
    sent = await listening.slack.post(COMMANDS, urlencode({"ssl_check": "1"}).encode(), FORM)
    assert sent.status == 200


class Broken(RecordingIntake):
    """An intake whose database is away for a while."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self._left = failures
        self.refused = 0

    @override
    async def accept(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        if self._left:
            self._left -= 1
            self.refused += 1
            raise NotTaken("database is away")
        return await super().accept(event, keys)


async def test_event_that_could_not_be_stored_is_not_acknowledged(listening: Team) -> None:
    broken = Broken(failures=1)
    async with listening.heard_by(broken):
        await listening.slack.say(listening.ann, listening.dev, f"<@{BOT}> status")
    assert [one.status for one in listening.slack.sent[-2:]] == [503, 200], "sent again"
    assert len(broken.events) == 1


async def test_without_a_signing_secret_nothing_is_served(team: Team) -> None:
    settings = team.settings.model_copy(update={"slack_signing_secret": None})
    assert routes(settings, team.intake).routes == []
