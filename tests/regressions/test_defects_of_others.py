"""Defects that were read in other bots' code; the docstring names the bot."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select, text

from bot.commands import COMMANDS, refusal
from bot.face import NotTaken
from bot.github.inbound import routes as github_routes
from bot.settings import GatewaySettings, MissingSetting
from bot.slack.inbound import routes as slack_routes
from handlers import Standing, Tier
from storage.tables import InboxRow
from tests.bot.github.town import town as github_alone
from tests.bot.slack.conftest import settings_for
from tests.faces.test_discord import Server
from tests.faces.test_github import Town
from tests.faces.test_slack import Team
from tests.fakes.chat import Chat
from tests.fakes.github.access import Fault
from tests.fakes.github.hooks import sign
from tests.fakes.github.server import listener_on, listening
from tests.fakes.intake import RecordingIntake
from tests.fakes.slack.workspace import Slack
from tests.fakes.slack.world import BOT
from tests.handlers.test_conversations import FORK


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_webhook_secret_nothing_is_served(secret: str | None) -> None:
    """pr-agent, opsdroid: a missing secret was taken as "everything is valid"."""
    settings = GatewaySettings.model_validate({"github_webhook_secret": secret})
    with pytest.raises(MissingSetting, match="GRYPH_GITHUB_WEBHOOK_SECRET"):
        github_routes(settings, RecordingIntake())


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha1=" + "0" * 40, "sha256=" + "0" * 64, sign(b"{}", "")]
)
async def test_a_webhook_without_our_signature_leaves_nothing(town: Town, signature: str) -> None:
    """pr-agent, opsdroid: signatures were checked where there was one."""
    assert town.github.hooks.url is not None
    headers = {
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": "1",
        "Content-Type": "application/json",
        **({"X-Hub-Signature-256": signature} if signature else {}),
    }
    async with httpx.AsyncClient() as client:
        answer = await client.post(town.github.hooks.url, content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert await town.spine.database.read(lambda s: s.exec(select(InboxRow)).all()) == []


async def test_slack_without_our_signature_leaves_nothing(team: Team) -> None:
    """opsdroid."""
    unsigned = {"X-Slack-Signature": "v0=" + "0" * 64}
    body = b'{"type":"event_callback","event":{"type":"app_mention","text":"help"}}'
    sent = await team.slack.post("/slack/events", body, "application/json", unsigned)
    assert sent.status == 401
    assert await team.spine.database.read(lambda s: s.exec(select(InboxRow)).all()) == []


async def test_nobody_is_eligible_by_default_on_github(town: Town) -> None:
    """pr-agent."""
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py", by="stranger")
    assert await town.spine.jobs() == []


async def test_nobody_is_eligible_by_default_in_slack(team: Team) -> None:
    """pr-agent."""
    foreign = team.slack.world.add_user("eve", team="T2")
    for person in (foreign, team.guest, team.slack.world.add_user("bot", flags={"is_bot": True})):
        await team.mention("test src/a.py", by=person)
    assert await team.spine.jobs() == []


async def test_nobody_is_eligible_by_default_on_discord(server: Server) -> None:
    """pr-agent."""
    await server.world.ann.send(server.world.channel, f"{server.world.mention} test src/a.py")
    await server.world.ann.send_dm("test src/a.py")
    await server.spine.until_quiet()
    assert await server.spine.jobs() == []


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_every_permission_check_can_say_no(verb: str) -> None:
    """OpenHands: `get_members(...) is not None` is always true."""
    command = COMMANDS[verb]
    for tier in Tier:
        said = refusal(command, Standing(tier), is_requester=False)
        assert (said is None) == (tier >= command.permission.tier)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_platform_that_will_not_tell_has_not_said_yes(town: Town, status: int) -> None:
    """OpenHands: an answer of any kind counted as membership."""
    number = await town.pull()
    town.github.access.faults.append(Fault("GET", "/permission", status, times=9))
    await town.comment(number, "@gryph test src/c.py", by="root")
    assert await town.spine.jobs() == []
    assert "is open to" in town.read(number)


async def test_approval_of_a_commit_does_not_survive_a_push(town: Town) -> None:
    """Prow's ok-to-test trusts whatever is pushed later."""
    fork = town.github.world.repository("mallory/shop")
    number = await town.pull(by="mallory", fork=fork)
    head = town.repo.pulls[number].head_sha
    await town.comment(number, f"@gryph approve {head}", by="root")
    await town.github.people.push(town.repo, number, {"src/c.py": b"import os\n"})
    await town.comment(number, "@gryph test src/c.py", by="mallory")
    assert town.engine.seen == []
    assert (await town.spine.newest_job()).state == "waiting"


async def test_an_event_that_cannot_be_claimed_is_not_taken_twice_but_not_at_all(
    chat: Chat,
) -> None:
    """open-swe: when its store of seen events was away, everything passed."""
    rename = text("ALTER TABLE inbox_keys RENAME TO away")
    await chat.database.write(lambda s: s.connection().execute(rename).close())
    for _ in range(2):
        with pytest.raises(NotTaken):
            await chat.send("@gryph test src/a.py", key="Ev1")
    rename = text("ALTER TABLE away RENAME TO inbox_keys")
    await chat.database.write(lambda s: s.connection().execute(rename).close())
    assert await chat.send("@gryph test src/a.py", key="Ev1")
    assert not await chat.send("@gryph test src/a.py", key="Ev1")
    await chat.until_quiet()
    assert len(await chat.jobs()) == 1


async def test_github_is_answered_before_anything_is_asked_of_the_network(tmp_path: Path) -> None:
    """open-swe: tokens and users were fetched before the ack."""
    async with github_alone(tmp_path) as here:
        number = await here.github.people.open_issue(here.repo, "ann")
        here.github.access.calls.clear()
        await here.github.people.comment(here.repo, number, "ann", "@gryph test src/a.py")
        assert here.github.hooks.deliveries[-1].status_code == 202
        assert here.github.access.calls == []
        assert [one.text for one in here.heard] == ["@gryph test src/a.py"]


async def test_slack_is_answered_before_anything_is_asked_of_the_network() -> None:
    """open-swe."""
    async with Slack.running() as slack:
        intake, app, listener = RecordingIntake(), FastAPI(), listener_on(0)
        app.include_router(slack_routes(settings_for(slack), intake))
        slack.app_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with listening(app, listener):
            channel = slack.world.add_channel("dev")
            await slack.say(slack.world.add_user("ann"), channel, f"<@{BOT}> help")
        assert [sent.status for sent in slack.sent] == [200]
        assert slack.server.calls == []
        assert len(intake.events) == 1


@pytest.mark.parametrize(
    "emoji", ["x", "octagonal_sign", "no_entry", "stop_sign", "wastebasket", "-1"]
)
async def test_a_reaction_stops_no_run(chat: Chat, emoji: str) -> None:
    """open-swe: anyone who could react could stop a run."""
    chat.platform.pull = FORK
    chat.platform.tiers |= {"bob": Tier.WRITE, "bob-hub": Tier.WRITE, "root": Tier.ADMIN}
    await chat.link("bob", "bob-hub")
    await chat.say("@gryph test src/a.py", by="mallory")
    job = await chat.newest_job()
    for person in ("eve", "bob", "root"):
        await chat.react(emoji, f"{job.id}:status", by=person)
    assert (await chat.newest_job()).state == "waiting"
    await chat.say(f"@gryph approve {FORK.head_sha}", by="bob")
    assert (await chat.newest_job()).state == "succeeded"
