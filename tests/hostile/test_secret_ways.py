"""A secret is followed through the spine: what is said, kept and audited holds none of it."""

from sqlmodel import Session, select

from jobs.desk import Declined, Desk, Done
from jobs.messages import Code, Reply, Text
from jobs.requests import JobRequest
from storage.redaction import HIDDEN
from storage.tables.jobs import JobRow
from storage.tables.trust import AuditRow
from tests.fakes.chat import Chat

SECRET = "ghp_" + "a1B2c3" * 6


def _quotes_it(request: JobRequest, desk: Desk) -> Done:
    del request
    desk.watch.report(f"reading {SECRET}")
    return Done(
        f"found {SECRET}",
        Reply(
            summary=f"{SECRET} is in the code",
            blocks=(Text(markdown=f"It says `{SECRET[:18]}"), Code(text=SECRET[18:])),
        ),
    )


def _refuses_with_it(request: JobRequest, desk: Desk) -> Done:
    del request, desk
    raise Declined(f"`{SECRET}.py` cannot be read")


def _kept(session: Session) -> str:
    lines = [str(row.detail) for row in session.exec(select(AuditRow))]
    return "".join((*lines, *(row.line for row in session.exec(select(JobRow)))))


async def test_a_result_is_said_without_the_secret_in_it(chat: Chat) -> None:
    chat.work = _quotes_it
    await chat.say("@gryph test src/a.py")
    texts = "".join(text for message in chat.platform.messages for text in message.texts)
    assert HIDDEN in texts
    assert SECRET[:18] not in texts
    assert SECRET[18:] not in texts


async def test_a_refusal_is_said_without_the_secret_in_it(chat: Chat) -> None:
    chat.work = _refuses_with_it
    assert SECRET not in await chat.say("@gryph test src/a.py")


async def test_a_command_with_a_secret_is_kept_and_audited_without_it(chat: Chat) -> None:
    said = await chat.say(f"@gryph test src/{SECRET}.py")
    assert SECRET not in said
    assert SECRET not in await chat.say(f"@gryph test {SECRET}")
    kept = await chat.database.read(_kept)
    assert kept.count(HIDDEN) >= 2
    assert SECRET not in kept
