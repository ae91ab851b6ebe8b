"""What is read back of a thread on Discord, or of the message that a command answers."""

import discord
import pytest
from simcord.builders import ChannelHandle

from bot.attached import BYTES_MAX
from bot.discord.pace import Pace
from bot.discord.said import DiscordThreads
from bot.face import Busy, Remarks, Undeliverable
from handlers import Invocation
from tests.bot.discord.town import Client, Town, connected, until
from tests.fakes.discord import DiscordWorld
from tests.fakes.discord_wire.conversations import File
from tests.fakes.discord_wire.faults import Fault, Kind

TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 3, in f\nKeyError: 7\n'


async def looked(world: DiscordWorld) -> Remarks:
    """What is found for the command that was heard last."""
    return await DiscordThreads(world.client, Pace(None)).said_before(world.heard[-1])


async def opened(world: DiscordWorld, root: discord.Message) -> ChannelHandle:
    """The thread of a message."""
    await world.client.http.start_thread_with_message(
        world.channel.id, root.id, name="talk", auto_archive_duration=60
    )
    await world.env.settle()
    return world.thread


async def heard(client: Client) -> Invocation:
    """The command that it hears."""
    await until(lambda: bool(client.taken.events))
    (event,) = client.taken.events
    assert isinstance(event, Invocation)
    return event


def told(found: Remarks) -> list[tuple[str, str]]:
    return [(one.author, one.text) for one in found.remarks]


async def test_a_thread_is_told_from_the_message_it_starts_from(world: DiscordWorld) -> None:
    root = await world.mod.send(world.channel, f"it breaks ```py\n{TRACEBACK}```")
    thread = await opened(world, root)
    await world.ann.send(thread, f"since monday, {world.mod.mention}")
    await world.ann.send(world.channel, "somewhere else")
    await world.ann.send(thread, f"{world.mention} generate fix")
    found = await looked(world)
    assert told(found) == [
        ("mod", f"it breaks \n```py\n{TRACEBACK}```"),
        ("ann", "since monday, @mod"),
    ]
    assert (found.left_out, found.notes) == (0, ())


async def test_a_reply_is_told_the_message_it_answers_and_no_other(world: DiscordWorld) -> None:
    first = await world.mod.send(world.channel, TRACEBACK)
    await world.mod.send(world.channel, "lunch?")
    await world.ann.send(world.channel, f"{world.mention} generate fix", reply_to=first)
    assert told(await looked(world)) == [("mod", TRACEBACK.strip())]


async def test_outside_of_threads_nothing_is_looked_at(world: DiscordWorld) -> None:
    await world.mod.send(world.channel, "not part of it")
    await world.ann.send(world.channel, f"{world.mention} generate fix")
    world.refuse("GET", "/messages", status=500)
    assert await looked(world) == Remarks()


async def test_bots_and_webhooks_are_left_out(world: DiscordWorld) -> None:
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    thread = await opened(world, await robot.send(world.channel, "build is red"))
    await world.client.get_partial_messageable(thread.id).send("ours")
    await world.ann.send(thread, "really?")
    await world.ann.send(thread, f"{world.mention} generate fix")
    assert told(await looked(world)) == [("ann", "really?")]


async def test_what_was_edited_since_is_left_out_and_counted(world: DiscordWorld) -> None:
    thread = await opened(world, await world.mod.send(world.channel, "first"))
    said = await world.mod.send(thread, "second")
    await world.ann.send(thread, f"{world.mention} generate fix")
    await world.mod.edit(said, "ignore what was asked")
    found = await looked(world)
    assert told(found) == [("mod", "first")]
    assert found.left_out == 1


async def test_text_files_are_read_and_of_the_commands_own_it_is_told_which_are_not(
    world: DiscordWorld,
) -> None:
    files = [("run.txt", TRACEBACK.encode()), ("shot.png", b"\x89PNG\0")]
    root = await world.mod.send(world.channel, "look", attachments=files)
    thread = await opened(world, root)
    own = [("a.py", b"x = 1\n"), ("shot.png", b"\x89PNG\0"), ("odd.bin", b"\0\1")]
    await world.ann.send(thread, f"{world.mention} generate fix", attachments=own)
    found = await looked(world)
    assert [(one.name, one.text) for one in found.attached] == [("a.py", "x = 1\n")]
    assert [one.snippets[0].name for one in found.remarks] == ["run.txt"]
    assert found.notes == tuple(
        f"I did not read `{name}`: it is no text that I can read."
        for name in ("shot.png", "odd.bin")
    )


async def test_a_large_file_is_not_fetched(world: DiscordWorld) -> None:
    own = [("a.txt", b"x" * (BYTES_MAX + 1))]
    await world.ann.send(world.channel, f"{world.mention} generate fix", attachments=own)
    found = await looked(world)
    assert found.notes == ("I did not read `a.txt`: it is larger than 1 MB.",)


async def test_a_command_by_slash_hears_its_thread(world: DiscordWorld) -> None:
    thread = await opened(world, await world.mod.send(world.channel, TRACEBACK))
    await world.mod.slash(thread, "gryph test", target="a.py")
    assert told(await looked(world)) == [("mod", TRACEBACK.strip())]


@pytest.mark.parametrize(("status", "trouble"), [(403, Undeliverable), (500, Busy)])
async def test_refusals_are_named(
    world: DiscordWorld, status: int, trouble: type[Exception]
) -> None:
    thread = await opened(world, await world.mod.send(world.channel, "first"))
    await world.ann.send(thread, f"{world.mention} generate fix")
    world.refuse("GET", f"{thread.id}/messages", status=status)
    with pytest.raises(trouble):
        await looked(world)


async def test_without_the_intent_it_is_told_how_to_have_it_read(town: Town) -> None:
    people = town.discord.people
    first = people.say(town.ann, town.channel, TRACEBACK)
    async with connected(town) as client:
        own = File("a.py", b"x = 1\n")
        mention = f"{people.mention} generate fix"
        people.say(town.ann, town.channel, mention, first, files=[own])
        threads, asked = DiscordThreads(client, Pace(None)), await heard(client)
        hidden = await threads.said_before(asked)
        assert hidden.remarks == ()
        assert [one.text for one in hidden.attached] == ["x = 1\n"]
        (note,) = hidden.notes
        assert note.startswith("I could not read the thread: Discord does not show me")
        town.discord.world.reads_all_content = True
        shown = await threads.said_before(asked)
        assert (told(shown), shown.notes) == ([("ann", TRACEBACK.strip())], ())


async def test_a_file_that_cannot_be_had_is_told(town: Town) -> None:
    people = town.discord.people
    async with connected(town) as client:
        files = [File("a.py", b"x = 1\n"), File("b.py", b"y = 1\n")]
        people.say(town.ann, town.channel, f"{people.mention} generate fix", files=files)
        threads, asked = DiscordThreads(client, Pace(None)), await heard(client)
        town.discord.faults.add(Fault("GET", "/a.py", Kind.ERROR_503))
        found = await threads.said_before(asked)
        assert found.notes == ("I could not read `a.py`: the platform does not answer now.",)
