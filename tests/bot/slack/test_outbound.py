"""Messages reach their thread once, whatever happens on the way."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.face import Busy, Posted, Undeliverable
from bot.fence import Turn, speaking
from bot.slack.outbound import REMEDY
from bot.tokens import TokenRefused
from handlers import Place, Platform
from jobs.messages import Action, Actions, Code, File, Picture, Reply, Suggestion, Text, say
from storage.ids import ArtifactId, JobId
from storage.states import JobState
from tests.bot.slack.conftest import Team, view
from tests.fakes.pauses import let_pause_end
from tests.fakes.slack.faults import Fault, Kind
from tests.fakes.slack.workspace import read

STATUS, RESULT, ANSWER = "J7K2M9Q:status", "J7K2M9Q:result", "inbox:7:answer"
APPLY = Action(verb="apply", label="Apply", job=JobId("J7K2M9Q"), primary=True)


def slash_place(team: Team, channel: str | None = None) -> Place:
    where = channel or team.dev
    return Place(
        platform=Platform.SLACK,
        workspace="T1",
        channel=where,
        callback=team.slack.server.new_response_url(where),
    )


async def finished(team: Team, reply: Reply, place: Place | None = None) -> Posted:
    """A job from its status to its result."""
    where = place or await team.asked()
    status = await team.outbound.post_status(where, view(), key=STATUS)
    done = view(JobState.SUCCEEDED)
    return await team.outbound.post_result(where, status, done, reply, key=RESULT)


async def test_mention_is_answered_in_its_thread(team: Team) -> None:
    place = await team.asked()
    posted = await team.outbound.post_status(place, view(), key=STATUS)
    (status,) = team.ours()
    assert status.thread_ts == place.message
    assert posted.key == f"slack:{team.dev}:{status.ts}"
    assert not status.unfurls
    assert "J7K2M9Q" in status.text


async def test_slash_command_is_told_in_the_channel_and_its_result_in_the_thread(
    team: Team,
) -> None:
    await finished(team, say("done"), slash_place(team))
    status, result = team.ours()
    assert status.thread_ts is None
    assert read(status.blocks).startswith(f"<@{team.ann}> asked: `test src/a.py`")
    assert result.thread_ts == status.ts


async def test_what_is_for_all_is_told_in_the_thread_even_by_a_button(team: Team) -> None:
    place = slash_place(team)
    await team.outbound.answer(place, say("between us"), key="inbox:6:answer")
    assert team.ours() == []
    shown = say("Ana takes it").model_copy(update={"for_all": True})
    await team.outbound.answer(place, shown, key=ANSWER)
    (answer,) = team.ours()
    assert "Ana takes it" in read(answer.blocks)


async def test_status_is_edited_in_place_and_loses_its_cancel_button(team: Team) -> None:
    place = await team.asked()
    outbound = team.outbound
    posted = await outbound.post_status(place, view(JobState.QUEUED), key=STATUS)
    await outbound.edit_status(place, posted, view(JobState.RUNNING))
    await outbound.edit_status(place, posted, view(JobState.SUCCEEDED, text="8 tests"))
    (status,) = team.ours()
    assert status.edits == 2
    assert ["[Cancel]" in read(blocks) for blocks in status.history] == [True, True, False]
    assert status.metadata == {
        "event_type": "gryph_delivery",
        "event_payload": {"key": STATUS, "part": "0"},
    }


async def test_slash_status_stays_the_root_when_edited(team: Team) -> None:
    outbound = team.outbound
    posted = await outbound.post_status(slash_place(team), view(), key=STATUS)
    await outbound.edit_status(slash_place(team), posted, view(JobState.FAILED))
    assert "asked: `test src/a.py`" in read(team.ours()[0].blocks)


async def test_post_repeated_after_a_crash_is_one_message(team: Team) -> None:
    place = await team.asked()
    first = await team.outbound.post_status(place, view(), key=STATUS)
    again = await team.outbound.post_status(place, view(), key=STATUS)
    assert first == again
    reply = say("done")
    results = [
        await team.outbound.post_result(place, first, view(), reply, key=RESULT) for _ in range(3)
    ]
    assert len({r.key for r in results}) == 1
    assert len(team.ours()) == 2


async def test_post_whose_answer_was_lost_is_found(team: Team) -> None:
    place = await team.asked()
    team.slack.server.faults.add(Fault("chat.postMessage", Kind.DONE_BUT_LOST))
    with pytest.raises(Busy):
        await team.outbound.post_status(place, view(), key=STATUS)
    await team.outbound.post_status(place, view(), key=STATUS)
    assert len(team.ours()) == 1


async def test_slash_status_repeated_after_a_crash_is_one_message(team: Team) -> None:
    place = slash_place(team)
    first = await team.outbound.post_status(place, view(), key=STATUS)
    assert await team.outbound.post_status(place, view(), key=STATUS) == first
    assert len(team.ours()) == 1


async def test_two_jobs_of_one_message_have_a_status_each(team: Team) -> None:
    place = await team.asked()
    for key in ("J7K2M9Q:status", "J111111:status"):
        await team.outbound.post_status(place, view(), key=key)
    assert len(team.ours()) == 2


async def test_first_try_costs_one_post(team: Team) -> None:
    place = await team.asked()
    with speaking(Turn(lambda: True, is_first=True)):
        await team.outbound.post_status(place, view(), key=STATUS)
    assert [name for name, _ in team.slack.server.calls] == ["chat.postMessage"]


async def test_later_try_costs_one_look_and_one_post(team: Team) -> None:
    await team.outbound.post_status(await team.asked(), view(), key=STATUS)
    assert [name for name, _ in team.slack.server.calls] == [
        "conversations.replies",
        "chat.postMessage",
    ]


async def test_public_channel_is_joined(team: Team) -> None:
    channel = team.slack.world.add_channel("random", with_bot=False)
    await team.outbound.post_status(slash_place(team, channel), view(), key=STATUS)
    assert len(team.ours(channel)) == 1


async def test_private_channel_tells_the_person_the_remedy(team: Team) -> None:
    channel = team.slack.world.add_channel("secret", kind="private", with_bot=False)
    with pytest.raises(Undeliverable):
        await team.outbound.post_status(slash_place(team, channel), view(), key=STATUS)
    assert [e.text for e in team.slack.world.ephemerals] == [REMEDY]


async def test_answer_to_a_slash_command_is_for_its_person_alone(team: Team) -> None:
    posted = await team.outbound.answer(slash_place(team), say("No such verb."), key=ANSWER)
    (ephemeral,) = team.slack.world.ephemerals
    assert read(ephemeral.blocks) == "No such verb."
    assert team.ours() == []
    assert ANSWER in posted.key


async def test_answer_is_public_when_the_response_url_is_used_up(team: Team) -> None:
    place = slash_place(team)
    for number in range(6):
        await team.outbound.answer(place, say("Well?"), key=f"inbox:{number}")
    assert len(team.slack.world.ephemerals) == 5
    assert len(team.ours()) == 1


async def test_answer_too_long_for_one_message_is_given_in_the_thread(team: Team) -> None:
    await team.outbound.answer(slash_place(team), say("word " * 20_000), key=ANSWER)
    assert team.slack.world.ephemerals == []
    texts = [m for m in team.ours() if m.blocks]
    files = [m for m in team.ours() if m.files]
    assert len(texts) == 3
    assert [f["name"] for m in files for f in m.files] == ["whole-answer.md"]
    assert {m.thread_ts for m in team.ours()[1:]} == {texts[0].ts}


async def test_answer_to_a_mention_is_in_its_thread(team: Team) -> None:
    place = await team.asked("tset src/a.py")
    for _ in range(2):
        await team.outbound.answer(place, say("Did you mean `test`?"), key=ANSWER)
    (answer,) = team.ours()
    assert answer.thread_ts == place.message


async def test_files_are_uploaded_into_the_thread_once(team: Team) -> None:
    code = await team.artifacts.keep(None, "test_a.py", b"def test(): ...")
    plot = await team.artifacts.keep(None, "plot.png", b"\xff\xd8\xff jpeg")
    reply = Reply(
        summary="Two files",
        blocks=(
            Text(markdown="See:"),
            File(artifact=code, name="test_a.py", size_bytes=15),
            Picture(artifact=plot, alt="Coverage over time"),
        ),
    )
    place = await team.asked()
    status = await team.outbound.post_status(place, view(), key=STATUS)
    for _ in range(2):
        await team.outbound.post_result(place, status, view(), reply, key=RESULT)
    (upload,) = [m for m in team.ours() if m.files]
    assert upload.thread_ts == place.message
    assert [f["title"] for f in upload.files] == [
        "test_a.py · J7K2M9Q",
        "Coverage-over-time.jpg · J7K2M9Q",
    ]
    assert len(team.ours()) == 3


async def test_interrupted_upload_is_made_up_for(team: Team) -> None:
    reply = Reply(summary="Code", blocks=(Code(text="x = 1\n" * 2_000, language="python"),))
    place = await team.asked()
    status = await team.outbound.post_status(place, view(), key=STATUS)
    team.slack.server.faults.add(Fault("upload", Kind.ERROR_500))
    with pytest.raises(Busy):
        await team.outbound.post_result(place, status, view(), reply, key=RESULT)
    await team.outbound.post_result(place, status, view(), reply, key=RESULT)
    assert len([m for m in team.ours() if m.files]) == 1
    assert len(team.ours()) == 3


@pytest.mark.parametrize("size_bytes", [0, 1_000_001])
async def test_large_empty_or_lost_file_is_linked(team: Team, size_bytes: int) -> None:
    file = File(artifact=ArtifactId("Abig"), name="model.bin", size_bytes=size_bytes)
    await finished(team, Reply(summary="A file", blocks=(file,)))
    links = read(team.ours()[-1].blocks)
    assert links == ":paperclip: <https://gryph.example/artifacts/Abig|model.bin>"


async def test_files_are_linked_where_uploads_are_not_allowed(team: Team) -> None:
    team.slack.server.missing_scopes.add("files:write")
    reply = Reply(summary="Code", blocks=(Code(text="x = 1\n" * 2_000, language="python"),))
    place = await team.asked()
    status = await team.outbound.post_status(place, view(), key=STATUS)
    for _ in range(2):
        await team.outbound.post_result(place, status, view(), reply, key=RESULT)
    assert list(team.artifacts.content.values()) == [b"x = 1\n" * 2_000]
    assert "https://gryph.example/artifacts/A0|code.py" in read(team.ours()[-1].blocks)
    assert len(team.ours()) == 3


async def test_one_message_a_second_is_waited_for_and_nothing_is_doubled(team: Team) -> None:
    now_s = 1_000_000.0
    team.slack.server.world.clock = lambda: now_s
    team.slack.server.paced = True
    place = slash_place(team).model_copy(update={"callback": None})
    waits: list[float] = []
    while len(waits) < 10:
        try:
            await team.outbound.answer(place, say("word " * 20_000), key=ANSWER)
            break
        except Busy as busy:
            waits.append(busy.retry_after_s)
            now_s += busy.retry_after_s
    assert waits == [1, 1]
    assert len([m for m in team.ours() if m.blocks]) == 3


async def test_blocks_slack_refuses_become_a_line_and_a_file(team: Team) -> None:
    place = await team.asked()
    status = await team.outbound.post_status(place, view(), key=STATUS)
    refused = Fault("chat.postMessage", Kind.REFUSED, code="invalid_blocks")
    team.slack.server.faults.add(refused)
    await team.outbound.post_result(place, status, view(), say("**Done**, well."), key=RESULT)
    assert "The whole answer stands in `whole-answer.md`" in read(team.ours()[1].blocks)
    assert team.ours()[2].files[0]["name"] == "whole-answer.md"


async def test_a_later_message_slack_refuses_repeats_no_earlier_one(team: Team) -> None:
    place = await team.asked()
    status = await team.outbound.post_status(place, view(), key=STATUS)
    refused = Fault("chat.postMessage", Kind.REFUSED, code="invalid_blocks", spared=1)
    team.slack.server.faults.add(refused)
    await team.outbound.post_result(place, status, view(), say("word " * 20_000), key=RESULT)
    _, beginning, whole = team.ours()
    assert read(beginning.blocks).startswith("word word")
    assert whole.files[0]["name"] == "whole-answer.md"


async def test_without_the_history_scope_messages_are_still_posted(team: Team) -> None:
    team.slack.server.missing_scopes.add("channels:history")
    await team.outbound.post_status(await team.asked(), view(), key=STATUS)
    assert len(team.ours()) == 1


async def test_actions_and_suggestions_are_buttons(listening: Team) -> None:
    good = Action(verb="feedback", label="👍", job=JobId("J7K2M9Q"), words="up")
    suggestion = Suggestion(line="plan docs/roadmap.md", label="Plan it")
    reply = Reply(summary="Done", blocks=(Actions(actions=(APPLY, good, suggestion)),))
    await finished(listening, reply)
    result = listening.ours()[-1]
    said: list[str] = []
    for label in ("Apply", "👍", "Plan it"):
        await listening.slack.press(listening.ann, result, label)
        said.append(listening.heard().text)
    assert said == [
        "/gryph apply J7K2M9Q",
        "/gryph feedback J7K2M9Q up",
        "/gryph plan docs/roadmap.md",
    ]


async def test_cancel_button_says_cancel(listening: Team) -> None:
    await listening.outbound.post_status(await listening.asked(), view(), key=STATUS)
    await listening.slack.press(listening.bob, listening.ours()[0], "Cancel")
    assert listening.heard().text == "/gryph cancel J7K2M9Q"


Post = Callable[[Team, Place, Posted], Awaitable[object]]


async def a_status(team: Team, place: Place, status: Posted) -> object:
    del status
    return await team.outbound.post_status(place, view(), key="J222222:status")


async def an_edit(team: Team, place: Place, status: Posted) -> object:
    return await team.outbound.edit_status(place, status, view())


async def a_result(team: Team, place: Place, status: Posted) -> object:
    return await team.outbound.post_result(place, status, view(), say("x"), key=RESULT)


async def an_answer(team: Team, place: Place, status: Posted) -> object:
    del status
    return await team.outbound.answer(place, say("x"), key=ANSWER)


EACH = pytest.mark.parametrize("post", [a_status, an_edit, a_result, an_answer])


@pytest.fixture
async def posted(team: Team) -> tuple[Place, Posted]:
    place = await team.asked()
    return place, await team.outbound.post_status(place, view(), key=STATUS)


def method(post: Post) -> str:
    return "chat.update" if post is an_edit else "chat.postMessage"


@EACH
@pytest.mark.parametrize(
    ("kind", "code", "wait_s"),
    [
        (Kind.RATE_LIMITED, "", 7),
        (Kind.ERROR_500, "", 5),
        (Kind.HANGS, "", 5),
        (Kind.REFUSED, "service_unavailable", 5),
    ],
)
async def test_bad_moment_is_busy(
    team: Team, posted: tuple[Place, Posted], post: Post, kind: Kind, code: str, wait_s: float
) -> None:
    team.slack.server.faults.add(Fault(method(post), kind, code=code))
    with pytest.raises(Busy) as caught:
        await post(team, *posted)
    assert caught.value.retry_after_s == wait_s
    if kind is Kind.RATE_LIMITED and post is not an_edit:  # mere progress is left out
        with pytest.raises(Busy):
            await post(team, *posted)
    else:
        await post(team, *posted)


@EACH
@pytest.mark.parametrize("code", ["is_archived", "thread_not_found", "some_new_error"])
async def test_closed_place_is_undeliverable(
    team: Team, posted: tuple[Place, Posted], post: Post, code: str
) -> None:
    team.slack.server.faults.add(Fault(method(post), Kind.REFUSED, code=code))
    with pytest.raises(Undeliverable, match=code):
        await post(team, *posted)


@EACH
@pytest.mark.parametrize(
    "code", ["token_revoked", "token_expired", "invalid_auth", "account_inactive"]
)
async def test_refused_token_is_waited_for_and_slack_left_alone(
    team: Team,
    posted: tuple[Place, Posted],
    post: Post,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    team.slack.server.faults.add(Fault(method(post), Kind.REFUSED, code=code))
    with pytest.raises(TokenRefused, match=f"GRYPH_SLACK_BOT_TOKEN is refused.*{code}"):
        await post(team, *posted)
    assert team.api.token.is_refused
    asked = len(team.slack.server.calls)
    for _ in range(50):
        with pytest.raises(TokenRefused):
            await post(team, *posted)
    assert len(team.slack.server.calls) == asked
    let_pause_end(team.api.token, monkeypatch)
    await post(team, *posted)
    assert not team.api.token.is_refused


@EACH
async def test_unreachable_slack_is_busy(
    team: Team, posted: tuple[Place, Posted], post: Post
) -> None:
    await team.slack.server.stop()
    with pytest.raises(Busy):
        await post(team, *posted)


async def test_archived_channel_is_undeliverable(team: Team, posted: tuple[Place, Posted]) -> None:
    team.slack.world.channels[team.dev].archived = True
    with pytest.raises(Undeliverable):
        await a_result(team, *posted)


async def test_result_is_said_though_somebody_deleted_its_status(
    team: Team, posted: tuple[Place, Posted]
) -> None:
    team.slack.world.channels[team.dev].messages.pop()
    await an_edit(team, *posted)
    assert team.ours() == []
    await a_result(team, *posted)
    assert len(team.ours()) == 1


async def test_busy_response_url_is_busy(team: Team) -> None:
    team.slack.server.faults.add(Fault("response_url", Kind.ERROR_500))
    with pytest.raises(Busy):
        await team.outbound.answer(slash_place(team), say("x"), key=ANSWER)


async def test_cancelled_delivery_can_be_repeated(team: Team) -> None:
    place = await team.asked()
    team.slack.server.faults.add(Fault("chat.postMessage", Kind.HANGS))
    task = asyncio.ensure_future(team.outbound.post_status(place, view(), key=STATUS))
    while team.slack.server.called("chat.postMessage") == 0:  # noqa: ASYNC110 - no event
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await team.outbound.post_status(place, view(), key=STATUS)
    assert len(team.ours()) == 1


async def test_hostile_reply_pings_nobody(team: Team) -> None:
    hostile = "<!channel> <@U001ANN> @here <!subteam^S1|all> &lt;!here&gt;"
    await finished(team, Reply(summary=hostile, blocks=(Text(markdown=hostile),)))
    assert team.ours()[-1].pings() == set()
