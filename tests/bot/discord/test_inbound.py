import simcord
from simcord.results import to_discord_message

from tests.fakes.discord import DiscordWorld


async def test_slash_command_is_stored_and_deferred(world: DiscordWorld) -> None:
    result = await world.ann.slash(
        world.channel, "gryph test", target="src/a.py", style="unittest", arguments="--seed 7"
    )
    (heard,) = world.heard
    assert heard.text == "/gryph test src/a.py style=unittest --seed 7"
    assert heard.addressed
    assert result.deferred
    assert heard.place.channel == str(world.channel.id)
    assert heard.place.workspace == str(world.guild.id)
    assert heard.place.message is None
    assert heard.place.callback


async def test_mention_is_an_invocation_with_our_name(world: DiscordWorld) -> None:
    said = await world.ann.send(world.channel, f"{world.mention} test src/a.py")
    (heard,) = world.heard
    assert heard.text == "@gryph test src/a.py"
    assert heard.addressed
    assert heard.caller.account == str(world.ann.id)
    assert heard.caller.name == "ann"
    assert heard.place.message == str(said.id)
    assert heard.place.thread is None


async def test_a_name_that_stands_for_a_mention_comes_with_its_account(world: DiscordWorld) -> None:
    await world.ann.send(world.channel, f"{world.mention} match #1 {world.mod.mention}")
    (heard,) = world.heard
    ((name, account),) = heard.mentions
    assert heard.text == f"@gryph match #1 @{name}"
    assert account == str(world.mod.id)


async def test_message_that_does_not_mention_us_is_ignored(world: DiscordWorld) -> None:
    await world.ann.send(world.channel, "/gryph test src/a.py")
    await world.ann.send(world.channel, f"hello {world.mod.mention}")
    assert world.heard == []


async def test_bots_and_webhooks_are_ignored(world: DiscordWorld) -> None:
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    await robot.send(world.channel, f"{world.mention} test src/a.py")
    hook = world.guild.create_webhook(world.channel)
    await hook.send(f"{world.mention} test src/a.py")
    assert world.heard == []


async def test_message_in_a_thread_names_thread_and_channel(world: DiscordWorld) -> None:
    first = await world.ann.send(world.channel, "let us talk")
    thread = await world.client.http.start_thread_with_message(
        world.channel.id, first.id, name="talk", auto_archive_duration=60
    )
    await world.env.settle()
    await world.ann.send(world.thread, f"{world.mention} status")
    (heard,) = world.heard
    assert heard.place.thread == str(thread["id"])
    assert heard.place.channel == str(world.channel.id)


async def test_direct_message_needs_no_mention_before_a_verb(world: DiscordWorld) -> None:
    await world.ann.send_dm("test src/a.py")
    await world.ann.send_dm("can you test things?")
    with_verb, without = world.heard
    assert with_verb.text == "@gryph test src/a.py"
    assert with_verb.place.workspace == "dm"
    assert without.text == "can you test things?"
    assert without.addressed


async def test_edit_carries_the_text_before_it(world: DiscordWorld) -> None:
    said = await world.ann.send(world.channel, f"{world.mention} tset src/a.py")
    await world.ann.edit(said, f"{world.mention} test src/a.py")
    _, edited = world.heard
    assert edited.previous_text == "@gryph tset src/a.py"
    assert edited.text == "@gryph test src/a.py"


async def test_edit_after_a_restart_does_not_run_the_command_again(world: DiscordWorld) -> None:
    said = await world.ann.send(world.channel, f"{world.mention} test src/a.py")
    await world.restart()
    await world.ann.edit(said, f"{world.mention} test src/a.py thanks")
    assert len(world.heard) == 1


async def test_edit_after_a_restart_that_adds_a_command_is_heard(world: DiscordWorld) -> None:
    said = await world.ann.send(world.channel, "good morning")
    await world.restart()
    await world.ann.edit(said, f"good morning {world.mention} status")
    (heard,) = world.heard
    assert heard.text == "good morning @gryph status"


async def test_edit_that_takes_the_mention_away_is_ignored(world: DiscordWorld) -> None:
    said = await world.ann.send(world.channel, f"{world.mention} status")
    await world.ann.edit(said, "never mind")
    assert len(world.heard) == 1


async def test_same_message_twice_is_one_event(world: DiscordWorld) -> None:
    said = await world.ann.send(world.channel, f"{world.mention} status")
    stored = world.env.backend.get_message(world.channel.id, said.id)
    await world.client.on_message(to_discord_message(world.env, stored))
    assert len(world.heard) == 1


async def test_commands_are_told_once_until_they_change(world: DiscordWorld) -> None:
    def told() -> int:
        return sum(request.method == "PUT" for request in world.env.http_requests)

    assert told() == 1
    await world.restart()
    assert told() == 1
    world.commands = {"help": world.commands["help"]}
    await world.restart()
    assert told() == 2
    assert world.ann.available_commands(world.channel) == ("gryph help",)


async def test_refused_sync_leaves_mentions_working_and_is_tried_again(
    world: DiscordWorld,
) -> None:
    digest, world.told.text = world.told.text, None
    world.env.inject_error("PUT", "/applications/*/commands", status=500)
    await world.restart()
    assert world.told.text is None
    await world.ann.send(world.channel, f"{world.mention} status")
    assert len(world.heard) == 1
    await world.restart()
    assert world.told.text == digest


async def test_interaction_that_is_too_old_is_still_stored(world: DiscordWorld) -> None:
    world.env.inject_error("POST", "/interactions/*/*/callback", status=404, code=10062)
    await world.ann.slash(world.channel, "gryph status")
    assert [each.text for each in world.heard] == ["/gryph status"]


async def test_simcord_is_the_version_the_overlay_was_written_for() -> None:
    assert simcord.__version__ == "3.2.1"
