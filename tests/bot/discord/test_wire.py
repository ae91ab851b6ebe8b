"""The fake Discord keeps Discord's rules, as real discord.py meets them over the wire."""

import asyncio

import aiohttp
import discord
import pytest
from discord.http import Route

from bot.discord.rest import Outgoing
from bot.face import Busy
from bot.tokens import TokenRefused
from tests.bot.discord.town import Client, Town, connected, until
from tests.fakes.discord_wire.faults import Fault, Kind
from tests.fakes.discord_wire.gateway import Close
from tests.fakes.discord_wire.world import MAY_MANAGE_MESSAGES, Right
from tests.fakes.intake import RecordingIntake


async def test_a_broken_connection_is_resumed_with_what_was_said_meanwhile(town: Town) -> None:
    async with connected(town) as client:
        town.discord.gateway.cut()
        town.mention("status")
        await until(lambda: client.heard == ["@gryph status"])
    assert (len(town.discord.gateway.started), town.discord.gateway.resumed) == (1, 1)


async def test_discord_may_ask_to_reconnect(town: Town) -> None:
    async with connected(town) as client:
        town.discord.gateway.ask_to_reconnect()
        await until(lambda: town.discord.gateway.resumed == 1)
        town.mention("status")
        await until(lambda: client.heard == ["@gryph status"])


async def test_two_sessions_of_one_token_hear_the_same(town: Town) -> None:
    async with connected(town) as one, connected(town, RecordingIntake()) as other:
        town.mention("status")
        await until(lambda: one.heard == other.heard == ["@gryph status"])


async def test_a_session_that_is_forgotten_is_begun_anew(town: Town) -> None:
    async with connected(town):
        town.discord.gateway.forget()
        town.discord.gateway.cut()
        await until(lambda: len(town.discord.gateway.started) == 2)
    assert town.discord.gateway.resumed == 0


async def test_sessions_are_begun_one_after_the_other(town: Town) -> None:
    town.discord.gateway.start_every_s = 0.3
    async with connected(town):
        started = asyncio.get_running_loop().time()
        async with connected(town):
            assert asyncio.get_running_loop().time() - started > 0.2


async def test_a_wrong_token_is_refused_on_both_ways(town: Town) -> None:
    with pytest.raises(TokenRefused):
        await Client(town, token="x.y.z").open()
    async with aiohttp.ClientSession() as http, http.ws_connect(town.discord.gateway.url) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 2, "d": {"token": "x.y.z", "intents": 1}})
        await socket.receive()
        assert socket.close_code == Close.BAD_TOKEN
    assert town.discord.invalid == 1


async def test_what_does_not_mention_us_has_no_text(town: Town) -> None:
    people = town.discord.people
    people.say(town.ann, town.channel, "/gryph status")
    mentioned = town.mention("help")
    async with connected(town) as client:
        channel = client.get_partial_messageable(town.channel.id)
        texts = {each.id: each.content async for each in channel.history()}
    assert texts[mentioned] == f"{people.mention} help"
    assert list(texts.values()).count("") == 1


async def test_one_key_is_one_message_though_the_first_answer_was_lost(town: Town) -> None:
    town.discord.faults.add(Fault("POST", "/messages", Kind.CUT))
    async with connected(town) as client:
        with pytest.raises(Busy):
            await client.rest.send(town.channel.id, Outgoing("hello"), key="k")
        again = await client.rest.send(town.channel.id, Outgoing("hello"), key="k")
        other = await client.rest.send(town.channel.id, Outgoing("hello"), key="l")
    assert again != other
    assert town.said() == ["hello", "hello"]


async def test_an_error_after_the_effect_is_tried_again_by_the_library_with_one_effect(
    town: Town,
) -> None:
    town.discord.faults.add(Fault("POST", "/messages", Kind.DONE_BUT_LOST))
    async with connected(town) as client:
        await client.rest.send(town.channel.id, Outgoing("hello"), key="k")
    assert town.said() == ["hello"]
    assert town.discord.called("POST", "/messages") == 2


async def test_more_calls_than_a_bucket_holds_wait(town: Town) -> None:
    async with connected(town) as one, connected(town) as other:
        started = asyncio.get_running_loop().time()
        for number, client in enumerate([one, other] * 3):
            await client.rest.send(town.channel.id, Outgoing(f"{number}"), key=f"{number}")
        assert asyncio.get_running_loop().time() - started > 2
    assert town.said() == list("012345")


@pytest.mark.parametrize(
    ("kind", "wait_s"), [(Kind.BANNED, 5.0), (Kind.ERROR_503, 5.0)], ids=["banned", "503"]
)
async def test_what_the_network_refuses_is_told_as_busy(
    town: Town, kind: Kind, wait_s: float
) -> None:
    town.discord.faults.add(Fault("POST", "/messages", kind))
    async with connected(town) as client:
        with pytest.raises(Busy) as busy:
            await client.rest.send(town.channel.id, Outgoing("hello"), key="k")
    assert busy.value.retry_after_s == wait_s
    assert town.said() == []


async def test_text_beyond_the_limit_is_refused(town: Town) -> None:
    async with connected(town) as client:
        channel = client.get_partial_messageable(town.channel.id)
        with pytest.raises(discord.HTTPException) as refused:
            await channel.send("x" * 2001)
    assert (refused.value.status, refused.value.code) == (400, 50035)


async def test_a_message_starts_one_thread_which_wakes_when_we_post(town: Town) -> None:
    root = town.mention("test a.py")
    async with connected(town) as client:
        thread = await client.rest.open_thread(town.channel.id, root, "tests")
        assert await client.rest.open_thread(town.channel.id, root, "tests") == thread == root
        posted = await client.rest.send(root, Outgoing("queued"), key="k")
        town.discord.world.channels[root].is_archived = True
        await client.rest.edit(root, posted, "done", ())
    assert [each.content for each in town.discord.world.ours(root)] == ["done"]


async def test_a_missing_right_is_told_apart(town: Town) -> None:
    town.channel.denied = {Right.OPEN_THREADS, Right.READ_HISTORY}
    root = town.mention("test a.py")
    async with connected(town) as client:
        assert await client.rest.open_thread(town.channel.id, root, "tests") is None
        assert await client.rest.own_messages(town.channel.id) == []


async def test_a_slash_command_is_answered_where_it_was_asked(town: Town) -> None:
    async with connected(town) as client:
        asked = town.discord.people.slash(town.ann, town.channel, "test", target="a.py")
        assert await town.discord.people.sees_answer(asked)
        assert client.heard == ["/gryph test a.py"]
        await client.rest.complete(asked.token, "asked", ())
    assert town.said() == ["asked"]


async def test_a_slash_command_that_nobody_hears_fails_for_the_person(town: Town) -> None:
    async with connected(town) as client:
        pass
    asked = town.discord.people.slash(town.ann, town.channel, "status")
    asked.made_at_s -= 3.5
    assert not await town.discord.people.sees_answer(asked)
    await client.open()
    assert await client.rest.complete(asked.token, "too late", ()) is None
    await client.close()


async def test_an_answer_is_given_once(town: Town) -> None:
    async with connected(town) as client:
        asked = town.discord.people.slash(town.ann, town.channel, "status")
        await town.discord.people.sees_answer(asked)
        route = Route("POST", f"/interactions/{asked.id}/{asked.token}/callback")
        with pytest.raises(discord.HTTPException) as refused:
            await client.http.request(route, json={"type": 5})
    assert refused.value.code == 40060


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.DONE_BUT_LOST])
async def test_an_acknowledgement_whose_answer_is_lost_is_given(
    town: Town, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    town.discord.faults.add(Fault("POST", "/callback", kind))
    async with connected(town):
        asked = town.discord.people.slash(town.ann, town.channel, "status")
        assert await town.discord.people.sees_answer(asked)
        await until(lambda: town.discord.called("POST", "/callback") == 2)
    assert "exception" not in caplog.text


async def test_a_pressed_button_is_acknowledged_without_a_message(town: Town) -> None:
    async with connected(town) as client:
        channel = client.get_partial_messageable(town.channel.id)
        view = discord.ui.View()
        view.add_item(discord.ui.Button(label="Cancel", custom_id="g:cancel:J7K2M9Q"))
        await channel.send("running", view=view)
        (ours,) = town.discord.world.ours(town.channel.id)
        pressed = town.discord.people.press(town.ann, ours, "Cancel")
        assert await town.discord.people.sees_answer(pressed)
        assert client.heard == ["/gryph cancel J7K2M9Q"]
    assert town.said() == ["running"]


async def test_reactions_and_edits_are_told(town: Town) -> None:
    async with connected(town) as client:
        await client.rest.send(town.channel.id, Outgoing("hello"), key="k")
        (ours,) = town.discord.world.ours(town.channel.id)
        town.discord.people.react(town.ann, ours, "👍")
        await until(lambda: len(client.taken.events) == 1)
        said = town.mention("staus")
        await until(lambda: client.heard == ["@gryph staus"])
        people = town.discord.people
        people.edit(town.channel.messages[said], f"{people.mention} status")
        await until(lambda: client.heard == ["@gryph staus", "@gryph status"])


async def test_files_are_kept_with_their_message(town: Town) -> None:
    async with connected(town) as client:
        channel = client.get_partial_messageable(town.channel.id)
        file = discord.File(__file__, "test_wire.py", description="this")
        posted = await channel.send("see", file=file)
        content = await posted.attachments[0].read()
    assert content.startswith(b'"""The fake Discord')
    (ours,) = town.discord.world.ours(town.channel.id)
    assert ours.attachments[0]["description"] == "this"


async def test_rights_are_read_from_roles(town: Town) -> None:
    town.discord.world.grant(town.guild, town.ann, MAY_MANAGE_MESSAGES)
    async with connected(town) as client:
        guild = await client.fetch_guild(town.guild.id, with_counts=False)
        member = await guild.fetch_member(town.ann.id)
    assert member.guild_permissions.manage_messages
    assert not member.guild_permissions.administrator


async def test_nobody_is_notified_by_what_we_post(town: Town) -> None:
    async with connected(town) as client:
        outgoing = Outgoing(f"<@{town.ann.id}> look")
        await client.rest.send(town.channel.id, outgoing, key="k")
    (ours,) = town.discord.world.ours(town.channel.id)
    assert ours.pings == set()
