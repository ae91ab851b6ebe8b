import aiohttp
import pytest
from simcord.actors import MemberActor

from bot.discord.authority import DiscordAuthority
from bot.discord.face import discord_face
from bot.discord.refusals import outside_call
from bot.face import Busy
from bot.minute import KEPT_S
from bot.settings import GatewaySettings
from handlers import Caller, Invocation, Place, Platform, Standing, Tier
from storage.clock import utc_now
from tests.fakes.discord import DiscordWorld


async def repository_of(place: Place) -> str | None:
    return f"acme/{place.channel}"


async def standing(
    world: DiscordWorld, who: str, *, is_bot: bool = False, workspace: str | None = None
) -> Standing:
    settings = GatewaySettings(discord_member_tier="read")
    face = discord_face(settings, world.client, world.artifacts, repository_of)
    return await face.authority.standing(
        asked(who, workspace or str(world.guild.id), is_bot=is_bot)
    )


def asked(who: str, workspace: str, *, is_bot: bool = False) -> Invocation:
    place = Place(platform=Platform.DISCORD, workspace=workspace, channel="7")
    caller = Caller(platform=Platform.DISCORD, account=who, name="x", is_bot=is_bot)
    return Invocation(caller=caller, place=place, text="/gryph status", received_at=utc_now())


async def test_tiers_follow_the_servers_own_permissions(world: DiscordWorld) -> None:
    async def tier(member: MemberActor) -> Tier:
        return (await standing(world, str(member.id))).tier

    assert await tier(world.ann) is Tier.READ
    assert await tier(world.mod) is Tier.WRITE
    assert await tier(world.admin) is Tier.ADMIN


async def test_permission_taken_away_counts_at_once(world: DiscordWorld) -> None:
    assert (await standing(world, str(world.mod.id))).tier is Tier.WRITE
    member = world.env.backend.get_guild(world.guild.id).members[world.mod.id]
    member.role_ids.clear()
    assert (await standing(world, str(world.mod.id))).tier is Tier.READ


async def test_a_members_roles_are_asked_for_each_time_and_what_they_may_do_once_a_minute(
    world: DiscordWorld,
) -> None:
    moment = [0.0]
    settings = GatewaySettings(discord_member_tier="read")
    authority = DiscordAuthority(settings, world.client, repository_of, clock=lambda: moment[0])

    async def tier(member: MemberActor) -> Tier:
        return (await authority.standing(asked(str(member.id), str(world.guild.id)))).tier

    server = world.env.backend.get_guild(world.guild.id)
    assert (await tier(world.mod), await tier(world.ann)) == (Tier.WRITE, Tier.READ)
    server.members[world.mod.id].role_ids.clear()
    server.owner_id = world.ann.id
    assert (await tier(world.mod), await tier(world.ann)) == (Tier.READ, Tier.READ)
    moment[0] = KEPT_S
    assert await tier(world.ann) is Tier.ADMIN


async def test_owner_is_an_administrator(world: DiscordWorld) -> None:
    assert (await standing(world, str(world.guild.owner.id))).tier is Tier.ADMIN


async def test_who_left_the_server_is_anyone(world: DiscordWorld) -> None:
    world.guild.remove_member(world.mod)
    assert (await standing(world, str(world.mod.id))).tier is Tier.ANYONE


async def test_server_we_left_trusts_nobody(world: DiscordWorld) -> None:
    assert (await standing(world, str(world.admin.id), workspace="404")).tier is Tier.ANYONE


async def test_direct_message_and_bots_are_anyone(world: DiscordWorld) -> None:
    assert (await standing(world, str(world.admin.id), workspace="dm")).tier is Tier.ANYONE
    assert (await standing(world, str(world.admin.id), is_bot=True)).tier is Tier.ANYONE


async def test_repository_is_that_of_the_place(world: DiscordWorld) -> None:
    assert (await standing(world, str(world.ann.id))).repository == "acme/7"


async def test_discord_that_does_not_answer_is_busy(world: DiscordWorld) -> None:
    world.env.inject_error("GET", "/guilds/*", status=503)
    with pytest.raises(Busy):
        await standing(world, str(world.ann.id))


async def test_a_session_that_was_closed_under_a_call_is_busy() -> None:
    session = aiohttp.ClientSession()
    await session.close()
    with pytest.raises(Busy):
        async with outside_call():
            await session.get("http://127.0.0.1:1/")
