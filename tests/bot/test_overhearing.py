"""What is kept of a conversation, and what happens when it cannot be had."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot import overhearing
from bot.face import Busy, Face, Remarks, Undeliverable
from bot.overhearing import BLOCKS_MAX, REMARK_MAX, REMARKS_MAX, Overhearing, talk_of
from handlers import Caller, Invocation, Place, Platform, Topic
from jobs.requests import Remark, Snippet
from tests.fakes.chat import ChatPlatform

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Heard:
    """A conversation that answers as it is told to."""

    def __init__(self, *answers: Remarks | Exception | None) -> None:
        self.answers = list(answers)

    async def said_before(self, asked: Invocation) -> Remarks:
        """See `bot.face.Conversation`."""
        del asked
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer or Remarks()


def chats(*answers: Remarks | Exception | None) -> Overhearing:
    platform = ChatPlatform()
    return Overhearing({Platform.SLACK: Face(platform, platform, conversation=Heard(*answers))})


def asked(message: str = "1.0", platform: Platform = Platform.SLACK) -> Invocation:
    return Invocation(
        caller=Caller(platform=platform, account="U1", name="ann"),
        place=Place(platform=platform, workspace="T1", channel="C1", message=message),
        text="@gryph generate fix",
        received_at=AT,
    )


def remark(text: str, *snippets: Snippet) -> Remark:
    return Remark(author="ann", text=text, at=AT, snippets=snippets)


async def test_of_much_the_newest_is_kept() -> None:
    said = Remarks(tuple(remark(f"{n} {'x' * REMARK_MAX}") for n in range(REMARKS_MAX + 2)), 1)
    talk = await talk_of(said, None)
    assert len(talk.remarks) == REMARKS_MAX
    assert talk.remarks[0].text.startswith("2 ")
    assert {len(each.text) for each in talk.remarks} == {REMARK_MAX}
    assert talk.left_out == 3


async def test_blocks_are_found_behind_what_is_kept_of_a_text_before_its_files() -> None:
    file = Snippet(text="y = 1\n", name="y.py")
    text = "x" * REMARK_MAX + "\n\n```python\nx = 1\n```\n"
    (kept,) = (await talk_of(Remarks((remark(text, file),)), None)).remarks
    assert kept.snippets == (Snippet(text="x = 1\n", language="python"), file)


async def test_of_many_blocks_the_newest_are_kept() -> None:
    block = "```\n" + "x" * (BLOCKS_MAX // 3) + "\n```\n"
    talk = await talk_of(Remarks(tuple(remark(block) for _ in range(4))), None)
    assert [len(each.snippets) for each in talk.remarks] == [0, 0, 1, 1]


async def test_for_jobs_that_do_not_read_it_no_block_is_looked_for() -> None:
    said = Remarks((remark("```\nx = 1\n```\n"),))
    talk = await talk_of(said, Topic(title="Slugs"), with_snippets=False)
    assert (talk.title, talk.remarks[0].snippets) == ("Slugs", ())


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (Busy("429"), "I could not read the thread: Slack does not answer now."),
        (Undeliverable("gone"), "I could not read the thread: Slack does not let me."),
        (None, "I could not read the thread: Slack does not answer now."),
    ],
)
async def test_a_look_that_fails_is_told(
    trouble: Exception | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overhearing, "LOOK_S", 0.05)
    talk = await chats(trouble).talk(asked())
    assert talk is not None
    assert (talk.remarks, talk.notes) == ((), (told,))


async def test_one_message_is_one_look() -> None:
    first, second = Remarks((remark("one"),)), Remarks((remark("two"),))
    looking = chats(first, second)
    once, again, next_one = [await looking.talk(asked(each)) for each in ("1.0", "1.0", "2.0")]
    assert once is again
    assert next_one is not None
    assert next_one.remarks[0].text == "two"


async def test_a_platform_without_conversations_is_not_looked_into() -> None:
    assert await chats().talk(asked(platform=Platform.CONSOLE)) is None
