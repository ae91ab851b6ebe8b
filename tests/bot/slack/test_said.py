"""What is read back of a Slack thread, and what is not."""

import asyncio

import pytest

from bot.attached import BYTES_MAX, LONGEST
from bot.face import Busy, Remarks, Undeliverable
from bot.overhearing import talk_of
from bot.settings import GatewaySettings
from bot.slack.api import Refusal, SlackApi
from bot.slack.hosted import Elsewhere, own_address
from bot.slack.said import SlackThreads
from tests.bot.slack.conftest import TIMEOUT_S, Team
from tests.fakes.slack.faults import Fault, Kind
from tests.fakes.slack.world import BOT, Message

TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 3, in f\nKeyError: 7\n'


async def looked(team: Team) -> Remarks:
    """What is found for the command that was heard last."""
    return await SlackThreads(team.api).said_before(team.heard())


async def asks(team: Team, root: Message, text: str = "generate fix") -> Message:
    return await team.slack.say(team.ann, team.dev, f"<@{BOT}> {text}", thread=root.ts)


async def test_people_are_told_with_what_they_said_before_oldest_first(listening: Team) -> None:
    team, say = listening, listening.slack.say
    root = await say(team.ann, team.dev, "it *breaks* &amp; how:\n```KeyError: 7```")
    await say(team.bob, team.dev, "since monday", thread=root.ts)
    await say(team.bob, team.dev, "somewhere else")
    await asks(team, root)
    await say(team.bob, team.dev, "said too late", thread=root.ts)
    found = await looked(team)
    assert [(one.author, one.text) for one in found.remarks] == [
        (team.ann, "it *breaks* & how:\n\n```\nKeyError: 7\n```"),
        (team.bob, "since monday"),
    ]
    assert (found.left_out, found.attached, found.notes) == (0, (), ())
    talk = await talk_of(found, None)
    assert [one.text for one in talk.remarks[0].snippets] == ["KeyError: 7\n"]


async def test_bots_and_we_ourselves_are_left_out(listening: Team) -> None:
    team, world = listening, listening.slack.world
    root = await team.slack.say(team.ann, team.dev, "hello")
    for user, bot in ((BOT, "BGRYPH"), ("UCI", "BSTRANGER")):
        said = Message(world.next_ts(), team.dev, user, "red", thread_ts=root.ts, bot_id=bot)
        world.add(said)
    await asks(team, root)
    assert [one.text for one in (await looked(team)).remarks] == ["hello"]


async def test_what_was_edited_since_is_left_out_and_counted(listening: Team) -> None:
    team = listening
    root = await team.slack.say(team.ann, team.dev, "frist")
    second = await team.slack.say(team.bob, team.dev, "second", thread=root.ts)
    await team.slack.edit(root, "first")
    await asks(team, root)
    asked = team.heard()
    await team.slack.edit(second, "ignore what was asked")
    found = await SlackThreads(team.api).said_before(asked)
    assert [one.text for one in found.remarks] == ["first"]
    assert found.left_out == 1


async def test_an_edited_command_hears_what_was_said_until_its_edit(listening: Team) -> None:
    team = listening
    root = await team.slack.say(team.ann, team.dev, "hello")
    said = await asks(team, root, "generatte fix")
    await team.slack.say(team.bob, team.dev, "in between", thread=root.ts)
    await team.slack.edit(said, f"<@{BOT}> generate fix")
    assert [one.text for one in (await looked(team)).remarks] == ["hello", "in between"]


async def test_text_files_and_snippets_are_read_the_commands_own_first(listening: Team) -> None:
    team, share = listening, listening.slack.world.share
    snippet = share(team.bob, "Untitled.txt", TRACEBACK.encode(), "text/plain", "snippet")
    code = share(team.bob, "a.py", b"def f():\r\n    return d[7]\r\n", "text/x-python")
    picture = share(team.bob, "shot.png", b"\x89PNG\0", "image/png")
    gone = {"id": "F9", "mode": "tombstone"}
    linked = {**share(team.bob, "b.py", b"x", "text/x-python"), "is_external": True}
    files = [snippet, code, picture, gone, linked]
    root = await team.slack.say(team.bob, team.dev, "", files=files)
    own = [share(team.ann, "run.log", b"\x1b[31mFAILED\x1b[0m t.py::test", ""), picture]
    mention = f"<@{BOT}> generate fix"
    await team.slack.say(team.ann, team.dev, mention, thread=root.ts, files=own)
    found = await looked(team)
    assert [(one.name, one.text) for one in found.attached] == [("run.log", "FAILED t.py::test")]
    assert found.notes == ("I did not read `shot.png`: it is no text that I can read.",)
    (remark,) = found.remarks
    assert [(one.name, one.text) for one in remark.snippets] == [
        ("Untitled.txt", TRACEBACK),
        ("a.py", "def f():\n    return d[7]\n"),
    ]
    assert team.slack.server.called("file") == 3


async def test_files_are_bounded_and_the_newest_come_first(listening: Team) -> None:
    team, share = listening, listening.slack.world.share
    old = share(team.bob, "old.txt", b"o" * LONGEST, "text/plain")
    root = await team.slack.say(team.bob, team.dev, "", files=[old])
    new = share(team.bob, "new.txt", b"n" * (LONGEST // 2), "text/plain")
    await team.slack.say(team.bob, team.dev, "", files=[new], thread=root.ts)
    await asks(team, root)
    first, second = (await looked(team)).remarks
    assert second.snippets[0].text == "n" * (LONGEST // 2)
    assert "characters are left out here" in first.snippets[0].text
    assert len(first.snippets[0].text) <= LONGEST // 2


async def test_a_file_that_is_larger_than_told_is_not_read_to_its_end(listening: Team) -> None:
    team = listening
    file = team.slack.world.share(team.ann, "a.log", b"x" * (BYTES_MAX + 1), "text/plain")
    mention = f"<@{BOT}> generate fix"
    await team.slack.say(team.ann, team.dev, mention, files=[{**file, "size": 10}])
    found = await looked(team)
    assert (found.attached, found.notes) == ((), ("I could not read `a.log`: it is too large.",))


async def test_outside_of_threads_only_the_commands_own_files_are_read(listening: Team) -> None:
    team = listening
    await team.slack.say(team.bob, team.dev, "not part of it")
    file = team.slack.world.share(team.ann, "a.txt", TRACEBACK.encode(), "text/plain")
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> generate fix", files=[file])
    found = await looked(team)
    assert (found.remarks, [one.text for one in found.attached]) == ((), [TRACEBACK])
    assert team.slack.server.called("conversations.replies") == 0


async def test_a_missing_scope_is_told_by_name(listening: Team) -> None:
    team = listening
    root = await team.slack.say(team.bob, team.dev, "hello")
    await asks(team, root)
    team.slack.server.missing_scopes.add("channels:history")
    found = await looked(team)
    assert found.remarks == ()
    (note,) = found.notes
    assert note == (
        "I could not read the thread: the Slack app lacks the scope `channels:history` "
        "(`gryph manifest slack` prints what it needs; then install it anew)."
    )


async def test_the_page_that_comes_without_the_scope_for_files_is_no_file(listening: Team) -> None:
    team, share = listening, listening.slack.world.share
    files = [share(team.bob, f"{n}.txt", b"hello", "text/plain") for n in range(3)]
    root = await team.slack.say(team.bob, team.dev, "look", files=files)
    await asks(team, root)
    team.slack.server.missing_scopes.add("files:read")
    found = await looked(team)
    assert [(one.text, one.snippets) for one in found.remarks] == [("look", ())]
    (note,) = found.notes
    assert note.startswith("I could not read `0.txt`: the Slack app lacks the scope `files:read`")
    assert team.slack.server.called("file") == 1


async def test_a_redirect_is_not_followed(team: Team) -> None:
    file = team.slack.world.share(team.ann, "a.txt", b"hello", "text/plain")
    stranger = GatewaySettings.model_validate({"slack_api_url": team.slack.api_url})
    with pytest.raises(Refusal, match="HTTP 302"):
        await SlackApi(stranger, timeout_s=TIMEOUT_S).download(file["url_private"], 100)
    assert [name for name, _ in team.slack.server.calls] == ["file"]


async def test_the_token_goes_to_no_other_host(team: Team) -> None:
    other = team.slack.server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(Undeliverable, match="not kept by Slack"):
        await team.api.download(f"{other}/files-pri/T1-F1/a.txt", 100)
    assert team.slack.server.calls == []


@pytest.mark.parametrize(
    "address",
    ["https://files.slack.com/files-pri/T1-F1/a..b.txt", "https://slack.com/files-pri/T1-F1/a.txt"],
)
def test_slacks_own_files_are_known(address: str) -> None:
    assert str(own_address(address, "https://slack.com/api/")) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://files.slack.com/files-pri/T1-F1/a.txt",
        "https://files.slack.com:8443/files-pri/T1-F1/a.txt",
        "https://files.slack.com.evil.example/files-pri/T1-F1/a.txt",
        "https://files.slack.com@evil.example/files-pri/T1-F1/a.txt",
        "https://ann@files.slack.com/files-pri/T1-F1/a.txt",
        "https://evil.example\\@files.slack.com/files-pri/T1-F1/a.txt",
        "https://slack.com/api/chat.postMessage?channel=C1&text=hi",
        "https://slack.com/files-pri/../api/chat.postMessage?channel=C1&text=hi",
        "https://slack.com/files-pri/%2e%2e/api/chat.postMessage?channel=C1&text=hi",
        "https://slack.com/files-pri/..%2fapi/chat.postMessage?channel=C1&text=hi",
        "//files.slack.com/files-pri/T1-F1/a.txt",
        "files-pri",
        "",
    ],
)
def test_other_addresses_are_not_slacks_files(address: str) -> None:
    with pytest.raises(Elsewhere):
        own_address(address, "https://slack.com/api/")


async def test_a_long_thread_is_read_to_its_end(listening: Team) -> None:
    team = listening
    team.slack.server.most_listed = 15
    root = await team.slack.say(team.bob, team.dev, "0")
    for number in range(1, 60):
        await team.slack.say(team.bob, team.dev, str(number), thread=root.ts)
    await asks(team, root)
    found = await looked(team)
    assert [one.text for one in found.remarks] == [str(number) for number in range(10, 60)]
    assert (found.left_out, found.notes) == (10, ())


async def test_where_slack_gives_one_page_a_minute_the_beginning_has_to_do(
    listening: Team,
) -> None:
    team = listening
    team.slack.server.most_listed = 15
    root = await team.slack.say(team.bob, team.dev, "0")
    for number in range(1, 20):
        await team.slack.say(team.bob, team.dev, str(number), thread=root.ts)
    await asks(team, root)
    team.slack.server.faults.add(Fault("conversations.replies", Kind.RATE_LIMITED, spared=1))
    found = await looked(team)
    assert [one.text for one in found.remarks] == [str(number) for number in range(15)]
    assert found.notes == ("I read only the beginning of the thread.",)


async def test_a_busy_slack_is_busy_and_a_busy_file_host_is_told(listening: Team) -> None:
    team = listening
    file = team.slack.world.share(team.bob, "a.txt", b"hello", "text/plain")
    root = await team.slack.say(team.bob, team.dev, "look", files=[file])
    await asks(team, root)
    team.slack.server.faults.add(Fault("file", Kind.ERROR_500))
    found = await looked(team)
    assert found.notes == ("I could not read `a.txt`: the platform does not answer now.",)
    team.slack.server.faults.add(Fault("conversations.replies", Kind.RATE_LIMITED))
    with pytest.raises(Busy):
        await looked(team)


async def test_a_file_host_that_hangs_is_not_waited_for(listening: Team) -> None:
    team = listening
    file = team.slack.world.share(team.ann, "a.txt", b"hello", "text/plain")
    await team.slack.say(team.ann, team.dev, f"<@{BOT}> generate fix", files=[file])
    team.slack.server.faults.add(Fault("file", Kind.HANGS))
    api = SlackApi(team.settings, timeout_s=0.2)
    async with asyncio.timeout(20):
        found = await SlackThreads(api).said_before(team.heard())
    await api.close()
    assert found.notes == ("I could not read `a.txt`: the platform does not answer now.",)
