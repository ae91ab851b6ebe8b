"""What people say to have code written, and what is asked of the worker."""

import pytest
from inline_snapshot import snapshot

from handlers import PullRequest
from jobs.desk import Declined, Desk, Done
from jobs.messages import say
from jobs.requests import GenerateCode, JobRequest
from storage.ids import JobId
from tests.fakes.chat import Chat


class Asked:
    """A worker that notes what it was asked and is done."""

    def __init__(self) -> None:
        self.requests: list[GenerateCode] = []
        self.jobs: list[JobId] = []

    def __call__(self, request: JobRequest, desk: Desk) -> Done:
        assert isinstance(request, GenerateCode)
        self.requests.append(request)
        self.jobs.append(desk.job)
        return Done("written", say("here it is"))

    @property
    def last(self) -> GenerateCode:
        return self.requests[-1]


@pytest.fixture
def asked(chat: Chat) -> Asked:
    chat.work = asked = Asked()
    return asked


async def test_a_wish_with_its_place_tests_and_model_becomes_a_job(
    chat: Chat, asked: Asked
) -> None:
    answer = await chat.say(
        '@gryph generate "a slug of a title" in=src/text.py::slug --tests model=small lang=python'
    )
    assert "here it is" in answer
    assert asked.last.model_dump(exclude_defaults=True, exclude={"source"}) == snapshot(
        {
            "wish": "a slug of a title",
            "workspace": "slack:T1",
            "language": "python",
            "path": "src/text.py",
            "symbol": "slug",
            "tests": True,
            "model": "small",
        }
    )
    assert (await chat.newest_job()).queue == "gpu"


async def test_words_need_no_quotes(chat: Chat, asked: Asked) -> None:
    await chat.say("@gryph generate a queue, bounded and fair in=src/q.py")
    assert (asked.last.wish, asked.last.path) == ("a queue, bounded and fair", "src/q.py")


async def test_a_pasted_traceback_goes_along_with_fix(chat: Chat, asked: Asked) -> None:
    await chat.say("@gryph generate fix\n```python-traceback\nValueError: 7\n```\n")
    assert asked.last.task == "fix"
    assert [(s.language, s.text) for s in asked.last.snippets] == [
        ("python-traceback", "ValueError: 7\n")
    ]


async def test_fix_without_anything_to_fix_is_told_how(chat: Chat, asked: Asked) -> None:
    assert await chat.say("@gryph generate fix") == snapshot(
        "Fix what? Paste the traceback or the failing test as a block of code under the command, or name the test: `/gryph generate fix in=tests/test_parser.py::test_empty`."
    )
    assert asked.requests == []


async def test_fix_in_a_thread_leaves_it_to_the_worker_to_find_what(
    chat: Chat, asked: Asked
) -> None:
    chat.thread = "1.0"
    await chat.say("@gryph generate fix")
    assert (asked.last.task, asked.last.wish, asked.last.talk) == ("fix", "", None)


async def test_nothing_wished_is_told_with_an_example(chat: Chat, asked: Asked) -> None:
    assert "Generate what? For example" in await chat.say("@gryph generate")
    assert asked.requests == []


@pytest.mark.parametrize(
    "line",
    [
        'generate refactor src/report.py goal="no globals"',
        "generate refactor src/report.py no globals",
        'generate refactor in=src/report.py --goal "no globals"',
        "generate refactor src/report.py no goal=globals",
    ],
)
async def test_a_refactoring_names_file_and_goal(chat: Chat, asked: Asked, line: str) -> None:
    await chat.say(f"@gryph {line}")
    assert (asked.last.task, asked.last.path) == ("refactor", "src/report.py")
    assert set(asked.last.wish.split()) == {"no", "globals"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("generate refactor src/report.py", "To what end?"),
        ('generate refactor goal="less"', "Refactor which file?"),
        ("generate a parser goal=speed", "`goal` belongs to a refactoring"),
        ("generate a parser in=../../etc/passwd", "outside the repository"),
        ("generate a parser in=src/a.py#Lx", "Behind `#` stand lines"),
        ("generate a parser in=other/secret:a.py", "not open to this place"),
        ("generate shorter after=nonsense", "give the id of a job"),
        ("generate shorter after=J000000", "I know no job"),
    ],
)
async def test_what_cannot_be_meant_is_told(chat: Chat, asked: Asked, line: str, told: str) -> None:
    assert told in await chat.say(f"@gryph {line}")
    assert asked.requests == []


async def test_who_may_not_write_may_not_generate(chat: Chat, asked: Asked) -> None:
    answer = await chat.say("@gryph generate a parser", by="mallory")
    assert "is open to people with write access" in answer
    assert asked.requests == []


async def test_the_next_wish_in_a_thread_goes_on_with_the_last_result(
    chat: Chat, asked: Asked
) -> None:
    chat.thread = "1.0"
    await chat.say("@gryph generate a slug in=src/text.py")
    await chat.say("@gryph generate make it async")
    assert asked.last.follows == asked.jobs[0]
    await chat.say("@gryph generate a queue --fresh")
    assert asked.last.follows is None
    chat.thread = "2.0"
    await chat.say("@gryph generate make it async")
    assert asked.last.follows is None


async def test_outside_of_threads_the_job_to_go_on_with_is_named(chat: Chat, asked: Asked) -> None:
    await chat.say("@gryph generate a slug in=src/text.py")
    await chat.say("@gryph generate make it async")
    assert asked.last.follows is None
    await chat.say(f"@gryph generate make it async after={asked.jobs[0].lower()}")
    assert asked.last.follows == asked.jobs[0]


async def test_a_follow_up_works_on_the_commit_of_the_first(chat: Chat, asked: Asked) -> None:
    chat.thread = "1.0"
    await chat.say("@gryph generate a slug in=src/text.py")
    chat.platform.pull = PullRequest(3, "b" * 40, "o/r", "o/r", "main", "ann")
    await chat.say("@gryph generate make it async")
    assert asked.last.source == asked.requests[0].source


async def test_a_job_that_wrote_nothing_is_not_gone_on_with(chat: Chat, asked: Asked) -> None:
    def declined(request: JobRequest, desk: Desk) -> Done:
        raise Declined("no model")

    chat.thread = "1.0"
    chat.work = declined
    await chat.say("@gryph generate a slug")
    job = await chat.newest_job()
    chat.work = asked
    await chat.say("@gryph generate make it async")
    assert asked.last.follows is None
    assert "generated nothing" in await chat.say(f"@gryph generate shorter after={job.id}")
