"""What people say to have somebody named, and what is asked of the worker."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from sqlmodel import Session, col, select

from handlers import Tier
from jobs.desk import Desk, Done
from jobs.messages import say
from jobs.requests import (
    Issues,
    JobRequest,
    MatchBatch,
    MatchKnowledge,
    MatchTask,
    OpenWork,
    PlanIssue,
    Source,
    Wanted,
)
from storage import people
from storage.clock import utc_now
from storage.database import Database
from storage.tables.matching import MatchRow
from tests.fakes.chat import Chat, chatting
from tests.fakes.code_host import HEAD, ScriptedHost
from tests.fakes.matching import Matching

ISSUE = Wanted(named="#12", number=12, title="Reconnect", text="It drops.", author="zoe")
PULL = Wanted(named="#13", number=13, title="Faster", files=("src/a.py",), is_pull=True)


class Asked:
    """A worker that notes what it was asked and is done."""

    def __init__(self) -> None:
        self.requests: list[JobRequest] = []

    def __call__(self, request: JobRequest, desk: Desk) -> Done:
        del desk
        self.requests.append(request)
        return Done("matched", say("here they are"))

    @property
    def task(self) -> MatchTask:
        assert isinstance(self.requests[-1], MatchTask)
        return self.requests[-1]

    @property
    def batch(self) -> MatchBatch:
        assert isinstance(self.requests[-1], MatchBatch)
        return self.requests[-1]

    @property
    def knowledge(self) -> MatchKnowledge:
        assert isinstance(self.requests[-1], MatchKnowledge)
        return self.requests[-1]


@pytest.fixture
def host() -> ScriptedHost:
    return ScriptedHost(tasks={12: ISSUE, 13: PULL})


@pytest.fixture
async def chat(
    sqlite: Database, valkey_url: str, tmp_path: Path, host: ScriptedHost
) -> AsyncGenerator[Chat]:
    async with chatting(sqlite, valkey_url, tmp_path, host=host) as chat:
        yield chat


@pytest.fixture
def asked(chat: Chat) -> Asked:
    chat.work = asked = Asked()
    return asked


async def test_an_issue_is_read_where_it_is(chat: Chat, asked: Asked, host: ScriptedHost) -> None:
    host.work = (OpenWork(login="ana", tasks=3),)
    assert "here they are" in await chat.say("@gryph match #12")
    assert (asked.task.task, asked.task.mode) == (ISSUE, "author")
    assert asked.task.open_work == (OpenWork(login="ana", tasks=3),)
    assert asked.task.source == Source(repository="o/r", sha=HEAD)
    assert (await chat.newest_job()).queue == "cpu"


@pytest.mark.parametrize("said", ["#13", "o/r#13", "https://github.com/o/r/pull/13"])
async def test_of_a_pull_request_reviewers_are_looked_for(
    chat: Chat, asked: Asked, said: str
) -> None:
    await chat.say(f"@gryph match {said}")
    assert (asked.task.task, asked.task.mode) == (PULL, "reviewer")
    assert asked.task.source == Source(repository="o/r", sha=HEAD), "not the pull request's own"
    await chat.say(f"@gryph match {said} for=work")
    assert asked.task.mode == "author"


async def test_files_and_folders_are_named_by_their_paths(chat: Chat, asked: Asked) -> None:
    await chat.say("@gryph match src/parser.py")
    assert asked.task.task == Wanted(named="src/parser.py", files=("src/parser.py",))
    await chat.say("@gryph match engines/sandbox/ docs/../README.md")
    assert asked.task.task.files == ("engines/sandbox", "README.md")
    await chat.say("@gryph match @dev:src/parser.py for=review")
    assert (asked.task.mode, asked.task.source.sha) == ("reviewer", "d" * 40)


async def test_a_single_word_may_be_a_folder_or_say_what_it_is_about(
    chat: Chat, asked: Asked
) -> None:
    await chat.say("@gryph match engines")
    assert asked.task.task == Wanted(named="engines", files=("engines",), may_be_text=True)


@pytest.mark.parametrize(
    "said",
    ['match "flaky websocket reconnect"', "match flaky websocket reconnect", "match\n\nflaky websocket reconnect"],
)  # fmt: skip
async def test_a_text_says_what_is_to_be_done(chat: Chat, asked: Asked, said: str) -> None:
    await chat.say(f"@gryph {said}")
    assert asked.task.task == Wanted(
        named="", title="flaky websocket reconnect", text="flaky websocket reconnect"
    )


async def test_what_stands_below_the_command_belongs_to_it(chat: Chat, asked: Asked) -> None:
    await chat.say('@gryph match "the gateway"\nIt drops connections.\n')
    assert asked.task.task.title == "the gateway"
    assert asked.task.task.text == "the gateway\nIt drops connections."
    await chat.say("@gryph match src/gateway.py\nIt drops connections.\n")
    assert asked.task.task.text == "It drops connections."
    assert asked.task.task.files == ("src/gateway.py",)


async def test_of_a_very_long_text_the_beginning_is_read_and_that_is_told(
    chat: Chat, asked: Asked
) -> None:
    await chat.say("@gryph match\n" + "words of a long story\n" * 1900)
    assert len(asked.task.task.text) == 10_000
    assert asked.task.notes == ("Only the first 10,000 characters were read.",)


async def test_several_issues_or_a_milestone_are_given_out_together(
    chat: Chat, asked: Asked, host: ScriptedHost
) -> None:
    await chat.say("@gryph match #12, #13")
    assert (asked.batch.named, asked.batch.tasks) == ("#12, #13", (ISSUE, PULL))
    issue = PlanIssue(number=7, title="Old", body="It is.", labels=("bug",), assignees=("ana",))
    host.milestones["3"] = Issues(named="Milestone v1", issues=(issue,))
    await chat.say("@gryph match milestone:3")
    assert asked.batch.named == "Milestone v1"
    assert asked.batch.tasks == (
        Wanted(
            named="#7", number=7, title="Old", text="It is.", labels=("bug",), assignees=("ana",)
        ),
    )


async def test_somebody_may_be_asked_for_by_name(chat: Chat, asked: Asked) -> None:
    await chat.say("@gryph match #12 @ana")
    assert (asked.task.task, asked.task.person) == (ISSUE, "ana")
    await chat.say("@gryph match ask @ana about it")
    assert (asked.task.task.title, asked.task.person) == ("ask @ana about it", "")


@pytest.mark.parametrize(
    ("said", "person"),
    [
        ("match #12 @Ana Lovelace", "Ana Lovelace"),
        ("match src/a.py docs/ @Ana Lovelace.", "Ana Lovelace"),
        ('match "the gateway drops" @Ana Lovelace', "Ana Lovelace"),
        ("match the gateway drops @ana", "ana"),
        ("match engines @Ana Lovelace", "Ana Lovelace"),
        ("match #12 @ana,", "ana"),
    ],
)
async def test_a_name_may_have_several_words(
    chat: Chat, asked: Asked, said: str, person: str
) -> None:
    assert "here they are" in await chat.say(f"@gryph {said}")
    assert asked.task.person == person


async def test_whom_a_chat_mentions_is_asked_for_by_their_login(chat: Chat, asked: Asked) -> None:
    await chat.link("ana", "ana-l")
    await chat.link("Bo Diddley", "bo-d")
    for said in ("@U-ana", "@ANA"):
        await chat.say(f"@gryph match #12 {said}")
        assert asked.task.person == "ana-l"
    await chat.say("@gryph match the gateway drops @Bo Diddley")
    assert (asked.task.person, asked.task.task.title) == ("bo-d", "the gateway drops")
    await chat.say("@gryph config", by="Cy Twombly")
    await chat.say("@gryph match #12 @U-Cy Twombly")
    assert asked.task.person == "Cy Twombly", "nobody knows their login"
    answer = await chat.say("@gryph match #12 @U02ABCDEF")
    assert answer.startswith("I cannot tell who of the repository `@U02ABCDEF` is")


async def test_of_two_who_are_called_the_same_none_is_taken_for_the_other(
    chat: Chat, asked: Asked
) -> None:
    await chat.link("ana", "ana-l")

    def write(session: Session) -> None:
        people.person_of(session, platform="slack", account="U-2", name="ana", now=utc_now())

    await chat.database.write(write)
    await chat.say("@gryph match #12 @ana")
    assert asked.task.person == "ana"


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("#12 for @ana", "match #12 @ana"),
        ("#12 ana", "match #12 @ana"),
        ("#12 is flaky since the move to redis", "match #12 @ana"),
        ("o/r#7 bo", "match o/r#7 @bo"),
        ("#12 @", "match #12 @ana"),
        ("@bo #7", "match #7 @bo"),
        ("@bo PR 7", "match #7 @bo"),
        ("12", "match #12`"),
        ("!12", "match #12`"),
        ("issue 12", "match #12`"),
        ("PR #3", "match #3`"),
        ("pull request 3", "match #3`"),
        ("issue 12 @bo", "match #12 @bo`"),
        ("milestone 3", "match milestone:3`"),
        ("4512fd3", "match #12`"),
        ("who src/a.py src/b.py", "match who src/parser.py`"),
        ("who is free?", "match who src/parser.py`"),
        ("who src/a.py @ana", "match who src/parser.py`"),
        ("risks @ana", "match risks src/`"),
        ("risks a b", "match risks src/`"),
        ("outcomes src", "match outcomes`"),
        ("outcomes @ana", "match outcomes`"),
        ("help", "help match`"),
        ("#12 #14 for=review", "match #12 for=review`"),
        ("milestone:3 for=review", "match #12 for=review`"),
        ("who src/a.py for=review", "match #12 for=review`"),
    ],
)
async def test_what_begins_like_a_form_and_is_none_is_asked_about(
    chat: Chat, asked: Asked, host: ScriptedHost, said: str, form: str
) -> None:
    host.milestones["3"] = Issues(named="v1", issues=(PlanIssue(number=1, title="a"),))
    assert f"`/gryph {form}" in await chat.say(f"@gryph match {said}")
    assert asked.requests == []


@pytest.mark.parametrize(
    "said", ["#12 is flaky", "who is free", "risks of the new parser", "issue 12", "help us"]
)
async def test_in_quotes_everything_of_several_words_is_a_text(
    chat: Chat, asked: Asked, said: str
) -> None:
    await chat.say(f'@gryph match "{said}"')
    assert asked.task.task.title == said


async def test_numbers_need_no_blank_between_them(chat: Chat, asked: Asked) -> None:
    await chat.say("@gryph match #12,#13")
    assert asked.batch.named == "#12, #13"


async def test_what_is_quoted_may_be_a_path_with_blanks(chat: Chat, asked: Asked) -> None:
    await chat.say('@gryph match "docs/ünï côde.md"')
    path = "docs/ünï côde.md"
    assert asked.task.task == Wanted(named=path, files=(path,), may_be_text=True)
    await chat.say('@gryph match "drop ../etc and see #12: what/when"')
    assert asked.task.task.title == "drop ../etc and see #12: what/when"


async def test_who_knows_a_file_and_which_are_at_risk(chat: Chat, asked: Asked) -> None:
    await chat.say("@gryph match who src/parser.py")
    assert (asked.knowledge.task, asked.knowledge.path) == ("who", "src/parser.py")
    await chat.say("@gryph match risks")
    assert (asked.knowledge.task, asked.knowledge.path) == ("risks", ".")
    await chat.say("@gryph match risks src/")
    assert (asked.knowledge.task, asked.knowledge.path) == ("risks", "src")
    await chat.say("@gryph match who should rewrite the parser")
    assert asked.task.task.title == "who should rewrite the parser"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("match", "Match what? Name an issue or a pull request (`/gryph match #12`), files or"),
        ("match who", "Who knows which file? `/gryph match who src/parser.py`."),
        ("match #99", "`o/r#99` is not there."),
        ("match milestone:9", "`o/r` has no open milestone `9`."),
        ("match milestone:", "Which milestone? `/gryph match milestone:3`, or its title."),
        ("match milestone:3", "Milestone v1 of `o/r` holds no open issue."),
        ("match milestone:4 @ana", "`@ana` is asked about one task at a time."),
        ("match ../etc/passwd", "`../etc/passwd` is outside the repository."),
        ("match @refs/pull/1/head:a.py", "`refs/pull/1/head`: name a branch, a tag or a full"),
        ("match a/b.py @x:c.py", "Name files of one repository, and of one branch, in a line."),
        ("match #12 for=nobody", "`for` is `work` or `review`, not `nobody`."),
        ("match" + " #1 #2" * 20 + "".join(f" #{n}" for n in range(40)), "At most 30 issues are"),
        ("match" + " a/b.py" * 101, "At most 100 paths are taken together; name their folder."),
    ],
)
async def test_what_cannot_be_read_is_told_with_what_can(
    chat: Chat, asked: Asked, host: ScriptedHost, said: str, answer: str
) -> None:
    host.milestones["3"] = Issues(named="Milestone v1", issues=())
    host.milestones["4"] = Issues(named="v2", issues=(PlanIssue(number=1, title="a"),))
    assert (await chat.say(f"@gryph {said}")).startswith(answer)
    assert asked.requests == []


async def test_a_reader_may_ask_and_a_stranger_may_not(chat: Chat, asked: Asked) -> None:
    chat.platform.tiers["bob"] = Tier.READ
    assert "here they are" in await chat.say("@gryph match #12", by="bob")
    assert await chat.say("@gryph match #12", by="mallory") == snapshot(
        "`match` is open to people with read access; here you have no access."
    )
    assert len(asked.requests) == 1


async def test_without_a_repository_it_is_asked_which(chat: Chat, asked: Asked) -> None:
    chat.platform.repository = None
    assert (await chat.say('@gryph match "the parser"')).startswith("Which repository?")
    assert asked.requests == []


async def test_where_no_host_is_connected_files_and_texts_go_and_numbers_do_not(
    sqlite: Database, valkey_url: str, tmp_path: Path
) -> None:
    async with chatting(sqlite, valkey_url, tmp_path) as chat:
        chat.work = asked = Asked()
        await chat.say("@gryph match src/a.py")
        assert asked.task.source == Source(repository="o/r")
        assert await chat.say("@gryph match #12") == snapshot(
            "`o/r` is not connected at GitHub, so I cannot look at its #12: name a file, or say in "
            "quotes what is to be done."
        )


async def test_a_folder_of_this_machine_has_files_only(chat: Chat, asked: Asked) -> None:
    chat.platform.repository = "local:/code/shop"
    chat.platform.tiers["ann"] = Tier.OPERATOR
    await chat.say("@gryph match /code/shop/src/a.py")
    assert asked.task.task.files == ("src/a.py",)
    assert asked.task.repository == asked.task.source.repository == "local:/code/shop"
    assert await chat.say("@gryph match #12") == snapshot(
        "`local:/code/shop` is a folder, so I cannot look at its #12: name a file, or say in "
        "quotes what is to be done."
    )


@pytest.mark.parametrize(
    "said",
    [
        "decline invalid tokens in the login form",
        "decline in-flight requests",
        "take over the session cache from redis",
        "assign reviewers automatically",
        "suggest better names in the parser",
    ],
)
async def test_a_task_that_begins_like_a_choice_is_none(chat: Chat, said: str) -> None:
    chat.work, chat.thread = Matching(chat.database), "17.1"
    await chat.say("@gryph match #12")
    assert f'`/gryph match "{said}"`' in await chat.say(f"@gryph match {said}")
    assert states(chat) == ["open"]


@pytest.mark.parametrize(
    "said", ["busy", "on another project", "too busy", "#12 I must finish mine", "1", "2 weeks off"]
)
async def test_in_its_thread_a_match_is_declined_with_a_reason(chat: Chat, said: str) -> None:
    chat.work, chat.thread = Matching(chat.database), "17.1"
    await chat.say("@gryph match #12")
    assert "is passed over" in await chat.say(f"@gryph match decline {said}")
    assert states(chat) == ["declined", "open"]


def states(chat: Chat) -> list[str]:
    """Of everybody who was named, in turn."""

    def read(session: Session) -> list[str]:
        rows = session.exec(select(MatchRow).order_by(col(MatchRow.turn)))
        return [row.state for row in rows]

    return chat.database.read_now(read)
