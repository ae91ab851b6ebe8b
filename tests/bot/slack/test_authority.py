"""What a workspace says of a person decides what they may do."""

from datetime import UTC, datetime

import pytest

from bot.face import Busy
from bot.minute import KEPT_S
from bot.slack.authority import SlackAuthority
from handlers import Caller, Invocation, Place, Platform, Tier
from tests.bot.slack.conftest import Team
from tests.fakes.slack.faults import Fault, Kind
from tests.fakes.slack.world import BOT


async def repository_of(place: Place) -> str | None:
    return f"acme/{place.channel.lower()}"


def authority(team: Team, now_s: list[float] | None = None) -> SlackAuthority:
    moment = now_s or [0.0]
    return SlackAuthority(team.settings, repository_of, api=team.api, clock=lambda: moment[0])


def said_by(team: Team, account: str) -> Invocation:
    return Invocation(
        caller=Caller(platform=Platform.SLACK, account=account, name=account),
        place=Place(platform=Platform.SLACK, workspace="T1", channel=team.dev, message="1.2"),
        text="@gryph test",
        received_at=datetime.now(UTC),
    )


async def tier(team: Team, account: str) -> Tier:
    return (await authority(team).standing(said_by(team, account))).tier


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("is_owner", Tier.ADMIN),
        ("is_primary_owner", Tier.ADMIN),
        ("is_admin", Tier.ADMIN),
        ("deleted", Tier.ANYONE),
        ("is_bot", Tier.ANYONE),
        ("is_restricted", Tier.ANYONE),
        ("is_ultra_restricted", Tier.ANYONE),
        ("is_stranger", Tier.ANYONE),
    ],
)
async def test_tier_follows_the_workspaces_word(team: Team, flag: str, expected: Tier) -> None:
    assert await tier(team, team.slack.world.add_user("eve", {flag: True})) is expected


async def test_restricted_admin_has_nothing(team: Team) -> None:
    both = {"is_admin": True, "is_restricted": True}
    assert await tier(team, team.slack.world.add_user("eve", both)) is Tier.ANYONE


async def test_member_has_what_the_setting_says(team: Team) -> None:
    assert await tier(team, team.ann) is Tier.WRITE
    team.settings = team.settings.model_copy(update={"slack_member_tier": "read"})
    assert await tier(team, team.ann) is Tier.READ


async def test_admin_of_another_workspace_has_nothing_here(team: Team) -> None:
    outsider = team.slack.world.add_user("mallory", {"is_admin": True}, team="T2")
    assert await tier(team, outsider) is Tier.ANYONE


@pytest.mark.parametrize("account", ["U999NOBODY", BOT])
async def test_unknown_user_and_bot_have_nothing(team: Team, account: str) -> None:
    assert await tier(team, account) is Tier.ANYONE


async def test_missing_scope_fails_closed(team: Team) -> None:
    team.slack.server.missing_scopes.add("users:read")
    assert await tier(team, team.ann) is Tier.ANYONE


async def test_repository_is_the_channels(team: Team) -> None:
    standing = await authority(team).standing(said_by(team, team.ann))
    assert standing.repository == f"acme/{team.dev.lower()}"


async def test_answer_is_remembered_for_a_minute(team: Team) -> None:
    now_s = [0.0]
    asked = authority(team, now_s)
    await asked.standing(said_by(team, team.ann))
    team.slack.world.users[team.ann].flags["deleted"] = True
    assert (await asked.standing(said_by(team, team.ann))).tier is Tier.WRITE
    now_s[0] = KEPT_S
    assert (await asked.standing(said_by(team, team.ann))).tier is Tier.ANYONE
    assert team.slack.server.called("users.info") == 2
    assert team.slack.server.called("auth.test") == 1


async def test_silent_slack_is_busy_and_not_remembered(team: Team) -> None:
    asked = authority(team)
    team.slack.server.faults.add(Fault("users.info", Kind.ERROR_500))
    with pytest.raises(Busy):
        await asked.standing(said_by(team, team.ann))
    assert (await asked.standing(said_by(team, team.ann))).tier is Tier.WRITE
