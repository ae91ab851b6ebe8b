import discord
import pytest
from inline_snapshot import snapshot

from bot.discord.outbound import DiscordOutbound
from bot.face import Busy, JobView, Posted, Undeliverable
from bot.fence import Turn, speaking
from bot.tokens import TokenRefused
from handlers import Place
from jobs.messages import Action, Actions, Code, File, Picture, Reply, Suggestion, Text, say
from storage.ids import ArtifactId
from storage.states import JobState
from tests.bot.discord.views import JOB, RESULT, view
from tests.fakes.discord import DiscordWorld
from tests.fakes.pauses import let_pause_end

STATUS, RESULT_KEY = f"{JOB}:status", f"{JOB}:result"


def outbound(world: DiscordWorld) -> DiscordOutbound:
    return DiscordOutbound(world.client, world.artifacts)


def seen(world: DiscordWorld, state: JobState = JobState.QUEUED) -> JobView:
    return view(state, account=str(world.ann.id))


async def asked_by_slash(world: DiscordWorld) -> Place:
    await world.ann.slash(world.channel, "gryph test", target="src/a.py")
    return world.heard[-1].place


async def asked_by_mention(world: DiscordWorld) -> Place:
    await world.ann.send(world.channel, f"{world.mention} test src/a.py")
    return world.heard[-1].place


def labels(message: discord.Message) -> list[str | None]:
    return [
        button.label
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for button in row.children
        if isinstance(button, discord.Button)
    ]


async def test_slash_command_is_lived_through_in_a_thread(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_slash(world)
    status = await face.post_status(place, seen(world), key=STATUS)
    (root,) = world.said(world.channel)
    assert root.content == snapshot("""\
**@ann** asked: `/gryph test src/a.py`
-# J7K2M9Q\
""")
    assert world.thread.name == "test src/a.py · J7K2M9Q"
    assert world.thread.id == root.id
    (message,) = world.said(world.thread)
    assert message.content == snapshot("""\
🕓 **test** `src/a.py` · queued
-# J7K2M9Q · asked by @ann\
""")
    assert labels(message) == ["Cancel"]
    await face.edit_status(place, status, seen(world, JobState.RUNNING))
    await face.edit_status(place, status, seen(world, JobState.SUCCEEDED))
    (message,) = world.said(world.thread)
    assert labels(message) == []
    result = await face.post_result(
        place, status, seen(world, JobState.SUCCEEDED), RESULT, key=RESULT_KEY
    )
    done, shown = world.said(world.thread)
    assert done.content == snapshot("""\
✅ **test** `src/a.py` · succeeded
-# J7K2M9Q · asked by @ann · took 1 min 12 s\
""")
    assert shown.content == snapshot("""\
**12 tests** pass in fresh processes.

**Lines covered**: 84 %
**Branches covered**: 71 %
```python
def test_parse() -> None:
    assert parse('1') == 1
```
-# J7K2M9Q · result\
""")
    assert labels(shown) == ["Apply", "Retry", "👍", "👎"]
    assert result.key == f"discord:{shown.id}"


async def test_who_asked_by_slash_command_is_put_into_the_thread(world: DiscordWorld) -> None:
    place = await asked_by_slash(world)
    await outbound(world).post_status(place, seen(world), key=STATUS)
    members = world.env.backend.get_channel(world.thread.id).thread_members
    assert world.ann.id in members


async def test_mention_gets_a_thread_from_its_message(world: DiscordWorld) -> None:
    place = await asked_by_mention(world)
    await outbound(world).post_status(place, seen(world), key=STATUS)
    assert str(world.thread.id) == place.message
    assert len(world.said(world.thread)) == 1
    assert world.said(world.channel) == []


async def test_two_jobs_of_one_message_share_its_thread(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    await face.post_status(place, seen(world), key=STATUS)
    other = view(account=str(world.ann.id), job="J0000001")
    await face.post_status(place, other, key="J0000001:status")
    assert len(world.said(world.thread)) == 2


async def test_mention_in_a_thread_is_answered_there(world: DiscordWorld) -> None:
    place = await asked_by_mention(world)
    await outbound(world).post_status(place, seen(world), key=STATUS)
    await world.ann.send(world.thread, f"{world.mention} test src/b.py")
    await outbound(world).post_status(
        world.heard[-1].place, view(job="J0000001"), key="J0000001:status"
    )
    assert [m.content.splitlines()[-1] for m in world.said(world.thread)] == snapshot(
        ["-# J7K2M9Q · asked by @ann", "-# J0000001 · asked by @ann"]
    )


async def test_direct_message_is_answered_in_place(world: DiscordWorld) -> None:
    await world.ann.send_dm("test src/a.py")
    place = world.heard[-1].place
    face = outbound(world)
    status = await face.post_status(place, seen(world), key=STATUS)
    await face.post_result(place, status, seen(world, JobState.SUCCEEDED), RESULT, key=RESULT_KEY)
    assert len(world.said(world.ann.user.dm_channel)) == 2


async def test_slash_command_in_a_direct_message_becomes_the_status(world: DiscordWorld) -> None:
    await world.ann.user.slash("gryph test", target="src/a.py")
    place = world.heard[-1].place
    await outbound(world).post_status(place, seen(world), key=STATUS)
    (message,) = world.said(world.ann.user.dm_channel)
    assert message.content.startswith("🕓 **test** `src/a.py`")
    assert labels(message) == ["Cancel"]


async def test_voice_channel_without_threads_is_answered_in_place(world: DiscordWorld) -> None:
    place = await asked_by_mention(world)
    world.refuse("POST", "/threads", status=400, code=50024)
    await outbound(world).post_status(place, seen(world), key=STATUS)
    (message,) = world.said(world.channel)
    assert message.reference is not None
    assert str(message.reference.message_id) == place.message


async def test_deleted_question_is_answered_in_the_channel(world: DiscordWorld) -> None:
    said = await world.ann.send(world.channel, f"{world.mention} test src/a.py")
    await world.ann.delete(said)
    await outbound(world).post_status(world.heard[-1].place, seen(world), key=STATUS)
    assert len(world.said(world.channel)) == 1


async def test_slash_token_that_expired_is_not_needed(world: DiscordWorld) -> None:
    place = await asked_by_slash(world)
    await world.env.advance_time(16 * 60)
    await outbound(world).post_status(place, seen(world), key=STATUS)
    assert len(world.said(world.thread)) == 1
    assert world.said(world.channel)[-1].content.startswith("**@ann** asked:")


async def test_answer_that_is_quicker_than_the_acknowledgement_waits_for_it(
    world: DiscordWorld,
) -> None:
    place = await asked_by_slash(world)
    world.refuse("PATCH", "@original", status=404, code=10015)
    with speaking(Turn(lambda: True, is_first=True)), pytest.raises(Busy) as busy:
        await outbound(world).answer(place, say("No jobs yet."), key="answer:1:0")
    assert busy.value.retry_after_s == 3
    await outbound(world).answer(place, say("No jobs yet."), key="answer:1:0")
    (message,) = world.said(world.channel)
    assert message.content == "No jobs yet."


async def test_command_that_was_never_acknowledged_is_answered_in_the_channel(
    world: DiscordWorld,
) -> None:
    place = await asked_by_slash(world)
    world.refuse("PATCH", "@original", status=404, code=10015)
    with speaking(Turn(lambda: True, is_first=False)):
        await outbound(world).answer(place, say("No jobs yet."), key="answer:1:0")
    assert world.said(world.channel)[-1].content == "No jobs yet."


@pytest.mark.parametrize("lost", ["/messages", "@original", "/threads", "thread-members"])
@pytest.mark.parametrize("minutes_later", [False, True])
async def test_status_is_posted_once_whatever_answer_is_lost(
    world: DiscordWorld, lost: str, *, minutes_later: bool
) -> None:
    face, place = outbound(world), await asked_by_slash(world)
    ending = f"thread-members/{world.ann.id}" if lost == "thread-members" else lost
    method = {"@original": "PATCH", "thread-members": "PUT"}.get(lost, "POST")
    world.lose_answer(method, ending)
    with pytest.raises(Busy):
        await face.post_status(place, seen(world), key=STATUS)
    if minutes_later:
        world.rest.forget_nonces()
    status = await face.post_status(place, seen(world), key=STATUS)
    (message,) = world.said(world.thread)
    assert status == Posted(
        f"discord:{message.id}",
        {"channel": str(world.thread.id), "message": str(message.id)},
    )
    assert len(world.said(world.channel)) == 1


@pytest.mark.parametrize("lost_part", [1, 2, 3])
async def test_result_is_posted_once_whatever_part_was_lost(
    world: DiscordWorld, lost_part: int
) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    status = await face.post_status(place, seen(world), key=STATUS)
    reply = Reply(summary="long", blocks=(Text(markdown="word " * 900), *RESULT.blocks))
    final = seen(world, JobState.SUCCEEDED)
    world.lose_answer("POST", "/messages", spared=lost_part - 1)
    with pytest.raises(Busy):
        await face.post_result(place, status, final, reply, key=RESULT_KEY)
    world.rest.forget_nonces()
    again = await face.post_result(place, status, final, reply, key=RESULT_KEY)
    parts = world.said(world.thread)[1:]
    assert [each.content.splitlines()[-1] for each in parts] == snapshot(
        [
            "-# J7K2M9Q · result 1/3",
            "-# J7K2M9Q · result 2/3",
            "-# J7K2M9Q · result 3/3",
        ]
    )
    assert again.key == f"discord:{parts[-1].id}"


async def test_answer_to_a_mention_is_a_reply_posted_once(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    world.lose_answer("POST", "/messages")
    with pytest.raises(Busy):
        await face.answer(place, say("No such file."), key="answer:1:0")
    world.rest.forget_nonces()
    posted = await face.answer(place, say("No such file."), key="answer:1:0")
    (message,) = world.said(world.channel)
    assert message.content == "No such file."
    assert posted.key == f"discord:{message.id}"
    assert world.channel.threads == []


async def test_same_answer_to_two_people_reaches_both(world: DiscordWorld) -> None:
    first = await asked_by_mention(world)
    second = await asked_by_mention(world)
    for number, place in enumerate((first, second)):
        await outbound(world).answer(place, say("Same."), key=f"answer:{number}")
    assert len(world.said(world.channel)) == 2


async def test_answer_to_a_slash_command_is_its_own_answer(world: DiscordWorld) -> None:
    result = await world.ann.slash(world.channel, "gryph help")
    place = world.heard[-1].place
    run = Actions(actions=(Suggestion(line="test src/a.py", label="Run it"),))
    reply = Reply(summary="help", blocks=(Text(markdown="word " * 600), run))
    await outbound(world).answer(place, reply, key="answer:1:0")
    assert result.response is not None
    assert result.response.content.startswith("word word")
    assert len(world.said(world.channel)) == 2
    assert labels(world.said(world.channel)[-1]) == ["Run it"]


async def test_files_and_pictures_are_uploaded(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    chart, data = ArtifactId("A1"), ArtifactId("A2")
    world.artifacts.contents |= {chart: b"\x89PNG", data: b"{}"}
    blocks = (
        Picture(artifact=chart, alt="Coverage over time"),
        File(artifact=data, name="coverage.json", size_bytes=2),
    )
    status = await face.post_status(place, seen(world), key=STATUS)
    await face.post_result(
        place, status, seen(world), Reply(summary="s", blocks=blocks), key=RESULT_KEY
    )
    (message,) = world.said(world.thread)[1:]
    assert [each.filename for each in message.attachments] == ["J7K2M9Q-1.png", "coverage.json"]
    assert message.attachments[0].description == "Coverage over time"


async def test_what_cannot_be_uploaded_is_linked_or_said_to_be_gone(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    big, gone = ArtifactId("Abig"), ArtifactId("Agone")
    world.artifacts.contents[big] = bytes(11 * 1024 * 1024)
    blocks = (
        Picture(artifact=big, alt="huge"),
        File(artifact=big, name="dump.bin", size_bytes=11 * 1024 * 1024),
        File(artifact=gone, name="old.txt", size_bytes=3),
    )
    status = await face.post_status(place, seen(world), key=STATUS)
    await face.post_result(
        place, status, seen(world), Reply(summary="s", blocks=blocks), key=RESULT_KEY
    )
    assert [each.content for each in world.said(world.thread)[1:]] == snapshot(
        [
            """\
[J7K2M9Q\\-1.png](https://gryph.test/artifacts/Abig) · 11.5 MB
old.txt is no longer kept.\
""",
            """\
[dump.bin](https://gryph.test/artifacts/Abig) · 11.5 MB
-# J7K2M9Q · result\
""",
        ]
    )


async def test_long_code_is_a_file_beside_its_beginning(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    code = "\n".join(f"line_{number} = {number}" for number in range(500))
    reply = Reply(summary="code", blocks=(Code(text=code, language="python"),))
    status = await face.post_status(place, seen(world), key=STATUS)
    await face.post_result(place, status, seen(world), reply, key=RESULT_KEY)
    (message,) = world.said(world.thread)[1:]
    (attachment,) = message.attachments
    assert attachment.filename == "J7K2M9Q-1.py"
    assert await attachment.read() == code.encode()


async def test_nobody_is_pinged(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    await face.answer(place, say(f"@everyone {world.mod.mention} look"), key="answer:1:0")
    stored = world.env.backend.messages[world.channel.id]
    ours = max(stored.values(), key=lambda each: each.id)
    assert not ours.mention_everyone
    assert not ours.ping_user_ids


async def test_archived_thread_is_woken_for_an_edit(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    status = await face.post_status(place, seen(world), key=STATUS)
    thread = world.env.backend.get_channel(world.thread.id)
    assert thread.thread_metadata is not None
    thread.thread_metadata.archived = True
    role = world.guild.default_role
    world.env.backend.get_guild(world.guild.id).roles[role.id].permissions |= discord.Permissions(
        manage_channels=True, manage_threads=True
    ).value
    await face.edit_status(place, status, seen(world, JobState.SUCCEEDED))
    assert world.said(world.thread)[0].content.startswith("✅")
    assert not thread.thread_metadata.archived


async def test_status_that_was_deleted_does_not_stop_the_result(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    status = await face.post_status(place, seen(world), key=STATUS)
    await world.admin.delete(world.said(world.thread)[0])
    final = seen(world, JobState.SUCCEEDED)
    await face.edit_status(place, status, final)
    await face.post_result(place, status, final, RESULT, key=RESULT_KEY)
    assert len(world.said(world.thread)) == 1


async def test_rate_limit_says_when_to_come_back(world: DiscordWorld) -> None:
    place = await asked_by_mention(world)
    world.refuse("POST", "/messages", status=429, headers={"Retry-After": "7.5"})
    with pytest.raises(Busy) as caught:
        await outbound(world).answer(place, say("hello"), key="answer:1:0")
    assert caught.value.retry_after_s == 7.5


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (500, 0, Busy),
        (503, 0, Busy),
        (429, 0, Busy),
        (401, 0, Busy),
        (403, 50001, Undeliverable),
        (404, 10003, Undeliverable),
        (400, 160005, Undeliverable),
        (400, 50083, Undeliverable),
        (400, 50035, discord.HTTPException),
    ],
)
async def test_refusals_are_told_apart(
    world: DiscordWorld, status: int, code: int, kind: type[Exception]
) -> None:
    place = await asked_by_mention(world)
    world.refuse("POST", "/messages", status=status, code=code)
    with pytest.raises(kind):
        await outbound(world).answer(place, say("hello"), key="answer:1:0")


async def test_refused_token_is_waited_for_and_discord_left_alone(
    world: DiscordWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await asked_by_mention(world)
    world.refuse("POST", "/messages", status=401)
    face = outbound(world)
    for _ in range(200):
        with pytest.raises(TokenRefused, match="GRYPH_DISCORD_TOKEN is refused"):
            await face.answer(place, say("hello"), key="answer:1:0")
    assert world.client.token.is_refused
    assert world.rest.refusals == []
    let_pause_end(world.client.token, monkeypatch)
    await face.answer(place, say("hello"), key="answer:1:0")
    assert not world.client.token.is_refused


async def test_missing_history_permission_does_not_keep_us_silent(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    world.refuse("GET", "/messages", status=403, code=50013)
    await face.answer(place, say("hello"), key="answer:1:0")
    assert len(world.said(world.channel)) == 1


async def test_button_works_after_a_restart(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    status = await face.post_status(place, seen(world), key=STATUS)
    await face.post_result(place, status, seen(world, JobState.SUCCEEDED), RESULT, key=RESULT_KEY)
    await world.restart()
    shown = world.said(world.thread)[-1]
    result = await world.mod.click(shown, label="Retry")
    await world.mod.click(shown, label="👎")
    _, retry, feedback = world.heard
    assert retry.text == f"/gryph retry {JOB}"
    assert feedback.text == f"/gryph feedback {JOB} down"
    assert retry.caller.name == "mod"
    assert retry.addressed
    assert retry.place.thread == str(world.thread.id)
    assert retry.place.message == str(shown.id)
    assert retry.place.callback is None
    assert result.acknowledged


async def test_suggestion_in_a_channel_starts_a_thread_from_its_message(
    world: DiscordWorld,
) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    run = Actions(actions=(Suggestion(line="test src/a.py", label="Run it"),))
    reply = Reply(summary="?", blocks=(Text(markdown="Did you mean this?"), run))
    await face.answer(place, reply, key="answer:1:0")
    await world.ann.click(world.said(world.channel)[0], label="Run it")
    assert world.heard[-1].text == "/gryph test src/a.py"
    await face.post_status(world.heard[-1].place, seen(world), key=STATUS)
    assert len(world.said(world.thread)) == 1


async def test_action_too_long_for_a_button_is_shown_to_be_typed(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    line = "test " + "a" * 120 + ".py"
    actions = Actions(actions=(Suggestion(line=line, label="Run it"),))
    await face.answer(place, Reply(summary="?", blocks=(actions,)), key="answer:1:0")
    (message,) = world.said(world.channel)
    assert f"/gryph {line}" in message.content
    assert labels(message) == []


async def test_same_button_twice_is_shown_once(world: DiscordWorld) -> None:
    retry = Actions(actions=(Action(verb="retry", label="Retry", job=JOB),))
    face, place = outbound(world), await asked_by_mention(world)
    await face.answer(place, Reply(summary="?", blocks=(retry, retry)), key="answer:1:0")
    assert labels(world.said(world.channel)[0]) == ["Retry"]


async def test_reaction_on_a_result_is_taken_in_and_taken_back(world: DiscordWorld) -> None:
    face, place = outbound(world), await asked_by_mention(world)
    status = await face.post_status(place, seen(world), key=STATUS)
    result = await face.post_result(
        place, status, seen(world, JobState.SUCCEEDED), RESULT, key=RESULT_KEY
    )
    shown = world.said(world.thread)[-1]
    await world.ann.react(shown, "👍🏽")
    await world.ann.unreact(shown, "👍🏽")
    put, taken = world.reactions
    assert (put.message_key, put.emoji, put.added) == (result.key, "👍", True)
    assert (taken.message_key, taken.emoji, taken.added) == (result.key, "👍", False)
    assert put.caller.account == taken.caller.account == str(world.ann.id)
    assert put.place.thread == str(world.thread.id)


async def test_reaction_on_somebody_elses_message_is_ignored(world: DiscordWorld) -> None:
    said = await world.mod.send(world.channel, "lunch?")
    await world.ann.react(said, "👍")
    await world.ann.unreact(said, "👍")
    assert world.reactions == []
