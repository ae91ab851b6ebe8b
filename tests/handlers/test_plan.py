"""What people say to have work planned, and what is asked of the worker."""

import json
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from handlers import Tier, UserError
from handlers.plan_events import events_of, pins_of
from jobs.desk import Desk, Done
from jobs.messages import say
from jobs.requests import (
    NOWHERE,
    ChangePlan,
    ComparePlans,
    JobRequest,
    PlanFile,
    PlanTalk,
    Talk,
)
from storage.ids import JobId
from tests.fakes.chat import Chat


class Asked:
    """A worker that notes what it was asked and is done."""

    def __init__(self) -> None:
        self.requests: list[JobRequest] = []
        self.jobs: list[JobId] = []

    def __call__(self, request: JobRequest, desk: Desk) -> Done:
        self.requests.append(request)
        self.jobs.append(desk.job)
        return Done("planned", say("here it is"))

    @property
    def file(self) -> PlanFile:
        assert isinstance(self.requests[-1], PlanFile)
        return self.requests[-1]

    @property
    def talk(self) -> PlanTalk:
        assert isinstance(self.requests[-1], PlanTalk)
        return self.requests[-1]

    @property
    def change(self) -> ChangePlan:
        assert isinstance(self.requests[-1], ChangePlan)
        return self.requests[-1]

    @property
    def events(self) -> list[dict[str, object]]:
        """As they lie in the ledger, without what is not said."""
        return [one.model_dump(mode="json", exclude_defaults=True) for one in self.change.events]


@pytest.fixture
def asked(chat: Chat) -> Asked:
    chat.work = asked = Asked()
    return asked


@pytest.fixture
async def first(chat: Chat, asked: Asked) -> JobId:
    """A plan in the thread in which people go on."""
    chat.thread = "1.0"
    await chat.say("@gryph plan plan.toml")
    return asked.jobs[-1]


async def test_a_file_with_its_budget_and_seed_becomes_a_job(chat: Chat, asked: Asked) -> None:
    assert "here it is" in await chat.say("@gryph plan docs/plan.toml budget=20s seed=7")
    assert (asked.file.path, asked.file.cpu_s, asked.file.seed) == ("docs/plan.toml", 20.0, 7)
    assert (await chat.newest_job()).queue == "cpu"


async def test_a_reader_may_plan_and_a_stranger_may_not(chat: Chat, asked: Asked) -> None:
    chat.platform.tiers["bob"] = Tier.READ
    assert "here it is" in await chat.say("@gryph plan plan.toml", by="bob")
    assert await chat.say("@gryph plan plan.toml", by="mallory") == snapshot(
        "`plan` is open to people with read access; here you have no access."
    )


async def test_a_list_below_the_command_goes_along_without_it(chat: Chat, asked: Asked) -> None:
    await chat.say("@gryph plan budget=3\n- API (3d, backend:2) after DB @ana\n- DB (2d)\n")
    assert asked.talk.text.split("\n") == [
        "",
        "- API (3d, backend:2) after DB @ana",
        "- DB (2d)",
        "",
    ]
    assert asked.talk.cpu_s == 3.0
    assert asked.talk.talk == Talk(), "the thread is left alone"


async def test_a_list_needs_no_repository(chat: Chat, asked: Asked) -> None:
    chat.platform.repository = None
    assert "here it is" in await chat.say("@gryph plan\n- API (3d)\n")
    assert asked.talk.source == NOWHERE


async def test_a_pasted_block_goes_along(chat: Chat, asked: Asked) -> None:
    await chat.say("@gryph plan\n```toml\n[tasks.API]\nestimate = '3d'\n```\n")
    assert [(s.language, s.text) for s in asked.talk.snippets] == [
        ("toml", "[tasks.API]\nestimate = '3d'\n")
    ]


async def test_in_a_thread_the_worker_finds_the_list_above(chat: Chat, asked: Asked) -> None:
    chat.thread = "1.0"
    await chat.say("@gryph plan")
    assert (asked.talk.text, asked.talk.talk) == ("", None)


async def test_nothing_to_plan_is_told_with_the_ways_there_are(chat: Chat, asked: Asked) -> None:
    assert await chat.say("@gryph plan") == snapshot(
        "Plan what? Name a file (`/gryph plan plan.toml`), issues (`/gryph plan milestone:3`), or write the tasks below the command, a line each: `- API (3d, backend:2) after DB @ana`."
    )
    assert asked.requests == []


@pytest.mark.parametrize(
    ("said", "events"),
    [
        (
            "ana away 2026-12-07..2026-12-11",
            [{"person": "ana", "first": "2026-12-07", "last": "2026-12-11"}],
        ),
        ("@ana off 2026-12-07", [{"person": "ana", "first": "2026-12-07", "last": "2026-12-07"}]),
        ("ana sick 2d", [{"person": "ana", "amount": "2d"}]),
        ("API takes 5d", [{"task": "API", "amount": "5d"}]),
        ("the login page late 3d", [{"task": "the login page", "amount": "3d", "late": True}]),
        (
            '"done and dusted" late by 4h',
            [{"task": "done and dusted", "amount": "4h", "late": True}],
        ),
        ("API done 2026-12-04", [{"task": "API", "on": "2026-12-04"}]),
        ("API done.", [{"task": "API"}]),
        ("API @ana", [{"task": "API", "person": "ana"}]),
        ("add carl (backend:2, frontend)", [{"person": "carl", "skills": "backend:2, frontend"}]),
        ("add carl", [{"person": "carl", "skills": ""}]),
        (
            'add "Hot fix" (1d, backend:2) due 2026-12-09',
            [{"title": "Hot fix", "rest": "(1d, backend:2) due 2026-12-09"}],
        ),
        (
            "API late 3d, ana sick 2d, add Docs (1d, writing)",
            [
                {"task": "API", "amount": "3d", "late": True},
                {"person": "ana", "amount": "2d"},
                {"title": "Docs", "rest": "(1d, writing)"},
            ],
        ),
    ],
)
async def test_events_are_read_as_people_say_them(
    chat: Chat, asked: Asked, first: JobId, said: str, events: list[dict[str, object]]
) -> None:
    for task in ("what-if", "replan"):
        await chat.say(f"@gryph plan {task} {said}")
        assert (asked.change.task, asked.change.follows) == (task, first)
        assert asked.events == events


async def test_a_replan_follows_the_newest_plan_that_people_hold(
    chat: Chat, asked: Asked, first: JobId
) -> None:
    await chat.say("@gryph plan what-if API late 1d")
    await chat.say("@gryph plan replan API late 2d")
    assert asked.change.follows == first
    second = asked.jobs[-1]
    await chat.say(f"@gryph plan compare {first} {second}")
    await chat.say("@gryph plan pin API ana, DB @bob")
    assert asked.change.follows == second
    assert asked.events == [{"task": "API", "person": "ana"}, {"task": "DB", "person": "bob"}]


async def test_a_plan_is_named_by_its_job_from_elsewhere(
    chat: Chat, asked: Asked, first: JobId
) -> None:
    chat.thread = None
    assert await chat.say("@gryph plan replan API late 3d") == snapshot(
        "Which plan? There is none in this thread: name its job, `/gryph plan replan J-ID …`."
    )
    await chat.say(f"@gryph plan replan {first} API late 3d")
    assert asked.change.follows == first


async def test_two_plans_are_compared_and_one_with_the_threads_own(
    chat: Chat, asked: Asked, first: JobId
) -> None:
    await chat.say("@gryph plan replan API late 2d")
    second = asked.jobs[-1]
    await chat.say(f"@gryph plan compare {first}")
    assert isinstance(asked.requests[-1], ComparePlans)
    assert asked.requests[-1].plans == (second, first)
    assert "made no plan" in await chat.say(f"@gryph plan compare {first} {asked.jobs[-1]}")


async def test_a_request_can_be_kept_and_read_again(chat: Chat, asked: Asked, first: JobId) -> None:
    await chat.say("@gryph plan replan ana away 2026-12-07, API takes 5d, add carl (qa)")
    kept = json.dumps((await chat.newest_job()).request)
    assert ChangePlan.model_validate_json(kept) == asked.change
    assert date(2026, 12, 7).isoformat() in kept


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("plan ../../etc/passwd", "outside the repository"),
        ("plan other/secret:plan.toml", "not open to this place"),
        ("plan the whole sprint", "is more than I understand"),
        ("plan J000000", "is the id of a job"),
        ("plan plan.toml budget=0", "CPU seconds from 1 to 60"),
        ("plan plan.toml budget=61s", "CPU seconds from 1 to 60"),
        ("plan plan.toml seed=x", "give a whole number"),
        ("plan milestone:", "Which milestone?"),
        ("plan o/r#12", "issues are planned where they are"),
        ("plan replan J000000 API late 3d", "I know no job"),
        ("plan replan", "What has happened?"),
        ("plan what-if API is big", "I do not understand `API is big`"),
        ("plan what-if API late", "how long?"),
        ("plan what-if API takes 5 fortnights", "how long?"),
        ("plan what-if API done tomorrow", "is no date"),
        ("plan what-if ana away 2026-02-30", "is no date"),
        ("plan what-if ana away 2026-12-11..2026-12-07", "is before the first"),
        ("plan what-if add", "Add whom, or what?"),
        ("plan pin API", "Pin which task to whom?"),
        ("plan compare", "Compare which plans?"),
        ("plan compare J000000 nonsense", "Compare which plans?"),
    ],
)
async def test_what_cannot_be_meant_is_told(chat: Chat, asked: Asked, line: str, told: str) -> None:
    assert told in await chat.say(f"@gryph {line}")
    assert asked.requests == []


@given(st.lists(st.text(max_size=12), max_size=8))
def test_any_words_are_events_or_told_to_be_none(words: list[str]) -> None:
    for read in (events_of, pins_of):
        with suppress(UserError):
            assert read(words)
