import aiohttp
import pytest
from simcord.actors import MemberActor

from bot.discord.face import discord_face
from bot.discord.refusals import outside_call
from bot.face import Busy
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
    place = Place(
        platform=Platform.DISCORD, workspace=workspace or str(world.guild.id), channel="7"
    )
    caller = Caller(platform=Platform.DISCORD, account=who, name="x", is_bot=is_bot)
    return await face.authority.standing(
        Invocation(caller=caller, place=place, text="/gryph status", received_at=utc_now())
    )


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
