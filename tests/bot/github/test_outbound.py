from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from bot.budgets import Budgets
from bot.face import Busy, Face, JobView, Posted, Undeliverable
from bot.github.face import github_face
from bot.github.outbound import GitHubOutbound
from bot.github.render import status_marker
from handlers import Invocation, Place, Platform
from jobs.messages import Action, Actions, Code, Reply, Text, say
from storage.states import JobState
from tests.bot.github.town import JOB, Town, comment_id, finished, new_client, running, view_of
from tests.fakes.github.access import Fault
from tests.fakes.github.world import CheckRun

T = TypeVar("T")
RESULT = Reply(
    summary="12 tests",
    blocks=(
        Code(text="assert a() == 1", language="python"),
        Actions(
            actions=(
                Action(verb="apply", label="Apply", job=JOB, primary=True),
                Action(verb="retry", label="Retry", job=JOB),
                Action(verb="feedback", label="👍", job=JOB, words="up"),
                Action(verb="feedback", label="👎", job=JOB, words="down"),
            )
        ),
    ),
)


async def on_a_pull(here: Town) -> tuple[Invocation, JobView]:
    """Somebody asks on a pull request; the job as it is queued."""
    number = await here.github.people.open_pull(here.repo, "ann", {"b.py": b"b = 2\n"})
    invocation = await here.asked(number, "/gryph test b.py")
    head = here.repo.pulls[number].head_sha
    return invocation, replace(view_of(invocation), number=number, head_sha=head)


async def on_an_issue(here: Town) -> tuple[Invocation, JobView]:
    """Somebody asks on an issue; the head is the default branch's."""
    number = await here.github.people.open_issue(here.repo, "ann")
    invocation = await here.asked(number, "/gryph test src/a.py")
    return invocation, replace(view_of(invocation), head_sha=here.repo.git.resolve("main"))


async def life(here: Town, invocation: Invocation, view: JobView) -> Posted:
    """A job from its status message to its result."""
    out, place = here.face.outbound, invocation.place
    status = await out.post_status(place, view, key=f"{JOB}:status")
    await out.edit_status(place, status, running(view, "searched 900 calls", 0.4))
    done = finished(view, "12 tests pass, 84 % of lines")
    return await out.post_result(place, status, done, RESULT, key=f"{JOB}:result")


def only_check(here: Town) -> CheckRun:
    """The one check run there is."""
    (run,) = here.repo.checks.values()
    return run


async def test_job_is_one_comment_edited_from_queued_to_its_result(here: Town) -> None:
    invocation, view = await on_an_issue(here)
    posted = await life(here, invocation, view)
    (comment,) = here.said(int(invocation.place.thread or ""))
    states = [body.split(" · ")[1] for body in comment.history]
    assert states == ["🕓 queued", "⏳ running", "✅ succeeded"]
    assert "assert a() == 1" in comment.body
    assert "`/gryph apply J7K2M9Q` to open a pull request" in comment.body
    assert comment.body.endswith("<!-- gryph:job=J7K2M9Q key=J7K2M9Q:status -->")
    assert posted.key == f"github:acme/shop:{comment.id}"
    assert posted.data["node"] == f"IC_kw{comment.id}"


async def test_our_own_comments_come_back_as_webhooks_and_start_nothing(here: Town) -> None:
    invocation, view = await on_an_issue(here)
    await life(here, invocation, view)
    await here.github.hooks.settle()
    events = [each.event for each in here.github.hooks.deliveries]
    assert events.count("issue_comment") == 4
    assert len(here.heard) == 1


async def test_pull_request_gets_a_check_run_with_buttons(here: Town) -> None:
    invocation, view = await on_a_pull(here)
    posted = await life(here, invocation, view)
    run = only_check(here)
    assert run.head_sha == view.head_sha
    assert [each["status"] for each in run.history] == ["queued", "in_progress", "completed"]
    assert run.values["name"] == "gryph / test"
    assert run.values["conclusion"] == "success"
    assert run.values["output"]["title"] == "12 tests pass, 84 % of lines"
    assert run.values["details_url"] == posted.data["url"]
    assert [each["identifier"] for each in run.history[0]["actions"]] == ["cancel J7K2M9Q"]
    assert [each["identifier"] for each in run.values["actions"]] == [
        "apply J7K2M9Q",
        "retry J7K2M9Q",
    ]


@pytest.mark.parametrize(
    ("state", "conclusion"),
    [(JobState.FAILED, "failure"), (JobState.CANCELLED, "cancelled")],
)
async def test_check_run_concludes_as_the_job_does(
    here: Town, state: JobState, conclusion: str
) -> None:
    invocation, view = await on_a_pull(here)
    out = here.face.outbound
    status = await out.post_status(invocation.place, view, key="k")
    done = finished(view, "it did not work", state)
    await out.post_result(invocation.place, status, done, say("Sorry."), key="k")
    assert only_check(here).values["conclusion"] == conclusion
    assert only_check(here).values["actions"][0]["identifier"] == "retry J7K2M9Q"


async def test_button_of_a_check_run_is_the_command_it_stands_for(here: Town) -> None:
    invocation, view = await on_a_pull(here)
    await life(here, invocation, view)
    await here.github.people.press(here.repo, only_check(here).id, "bob", "retry J7K2M9Q")
    heard = here.heard[-1]
    assert heard.text == "/gryph retry J7K2M9Q"
    assert heard.addressed
    assert heard.caller.name == "bob"
    assert (heard.number, heard.place.thread) == (view.number, str(view.number))


async def test_button_on_a_forks_check_run_knows_its_pull_request(here: Town) -> None:
    fork = here.github.world.repository("bob/shop")
    number = await here.github.people.open_pull(here.repo, "bob", {"b.py": b""}, fork=fork)
    invocation = await here.asked(number, "/gryph test b.py")
    head = here.repo.pulls[number].head_sha
    view = replace(view_of(invocation), number=number, head_sha=head)
    await here.face.outbound.post_status(invocation.place, view, key="k")
    await here.github.people.press(here.repo, only_check(here).id, "ann", "cancel J7K2M9Q")
    shown = here.github.hooks.deliveries[-1].payload["check_run"]
    assert shown["pull_requests"] == [], "as GitHub leaves it for forks"
    assert here.heard[-1].number == number


async def test_issue_gets_no_check_run_on_the_default_branch(here: Town) -> None:
    invocation, view = await on_an_issue(here)
    await life(here, invocation, view)
    assert not here.repo.checks


async def test_review_comment_is_answered_in_its_thread(here: Town) -> None:
    people = here.github.people
    number = await people.open_pull(here.repo, "ann", {"b.py": b"b = 2\n"})
    asked = await people.review_comment(here.repo, number, "ann", "/gryph test b.py")
    invocation = here.heard[-1]
    await life(here, invocation, replace(view_of(invocation), number=number))
    (comment,) = here.said(number)
    assert comment.review
    assert comment.in_reply_to == asked.id
    assert "assert a() == 1" in comment.body


async def test_status_posted_before_a_crash_is_found_again(here: Town) -> None:
    invocation, view = await on_a_pull(here)
    first = await here.face.outbound.post_status(invocation.place, view, key=f"{JOB}:status")
    await here.restart()
    again = await here.face.outbound.post_status(invocation.place, view, key=f"{JOB}:status")
    assert again == first
    assert len(here.said(int(invocation.place.thread or ""))) == 1
    assert len(here.repo.checks) == 1


async def test_post_whose_answer_was_lost_is_not_repeated(here: Town) -> None:
    invocation, view = await on_an_issue(here)
    lost = Fault("POST", r"/comments$", 502, after=True)
    here.github.access.faults.append(lost)
    with pytest.raises(Busy):
        await here.face.outbound.post_status(invocation.place, view, key="k")
    await here.face.outbound.post_status(invocation.place, view, key="k")
    assert len(here.said(int(invocation.place.thread or ""))) == 1


async def test_somebody_elses_copy_of_our_marker_is_not_taken_for_ours(here: Town) -> None:
    invocation, view = await on_an_issue(here)
    number = int(invocation.place.thread or "")
    people = here.github.people
    await people.comment(here.repo, number, "mallory", status_marker(JOB))
    await people.comment(here.repo, number, "echo[bot]", status_marker(JOB), type_="Bot")
    here.repo.said(number)[-1].app = "99"
    posted = await here.face.outbound.post_status(invocation.place, view, key="k")
    (ours,) = here.said(number)
    assert comment_id(posted) == ours.id


async def test_answer_is_posted_once(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    place = (await here.asked(number, "/gryph help")).place
    first = await here.face.outbound.answer(place, say("I know 18 commands."), key="answer:1:0")
    await here.restart()
    again = await here.face.outbound.answer(place, say("I know 18 commands."), key="answer:1:0")
    other = await here.face.outbound.answer(place, say("Something else."), key="answer:1:1")
    assert first == again
    assert other != first
    assert [each.body for each in here.said(number)] == [
        "I know 18 commands.\n\n<!-- gryph:key=answer:1:0 -->",
        "Something else.\n\n<!-- gryph:key=answer:1:1 -->",
    ]


async def test_long_result_is_cut_with_a_link_to_everything(here: Town) -> None:
    invocation, view = await on_a_pull(here)
    long = Reply(summary="Much", blocks=(Text(markdown="word 🎉 " * 40_000),))
    out = here.face.outbound
    status = await out.post_status(invocation.place, view, key="k")
    await out.post_result(invocation.place, status, finished(view, "done"), long, key="k")
    (comment,) = here.said(view.number or 0)
    ((artifact, (name, content)),) = here.artifacts.kept.items()
    assert name == "J7K2M9Q.md"
    assert content.decode().count("word") == 40_000
    assert here.artifacts.link(artifact) in comment.body
    assert comment.body.endswith("-->")


async def test_long_answer_is_cut_with_a_link_to_everything(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    place = (await here.asked(number, "/gryph help")).place
    await here.face.outbound.answer(place, say("x" * 100_000), key="answer:1:0")
    (comment,) = here.said(number)
    assert "Cut here" in comment.body
    assert len(here.artifacts.kept) == 1


async def test_deleted_status_comment_does_not_swallow_the_result(here: Town) -> None:
    invocation, view = await on_an_issue(here)
    number = int(invocation.place.thread or "")
    out, place = here.face.outbound, invocation.place
    status = await out.post_status(place, view, key="k")
    await here.github.people.delete(here.repo, here.said(number)[0], "ann")
    await out.edit_status(place, status, running(view, "on"))
    posted = await out.post_result(place, status, finished(view, "done"), RESULT, key="k")
    again = await out.post_result(place, status, finished(view, "done"), RESULT, key="k")
    (comment,) = here.said(number)
    assert "assert a() == 1" in comment.body
    assert posted == again


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (429, {"Retry-After": "37"}, 37),
        (403, {"Retry-After": "90"}, 90),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, 1),
        (500, {}, 5),
        (503, {"Retry-After": "8"}, 8),
    ],
)
async def test_trouble_of_githubs_is_busy_and_says_how_long(
    here: Town, status: int, headers: dict[str, str], wait_s: float
) -> None:
    invocation, view = await on_an_issue(here)
    here.github.access.faults.append(Fault("POST", "/comments$", status, headers=headers))
    with pytest.raises(Busy) as busy:
        await here.face.outbound.post_status(invocation.place, view, key="k")
    assert busy.value.retry_after_s == pytest.approx(wait_s, abs=1)
    assert not isinstance(busy.value, Undeliverable)


async def test_after_a_rate_limit_github_is_left_alone_until_it_ends(here: Town) -> None:
    invocation, view = await on_an_issue(here)
    fault = Fault("POST", "/comments$", 403, "secondary rate limit", {"Retry-After": "60"})
    here.github.access.faults.append(fault)
    for _ in range(5):
        with pytest.raises(Busy):
            await here.face.outbound.post_status(invocation.place, view, key="k")
    assert here.calls("POST", "/comments") == 1


async def test_githubs_silence_is_busy(here: Town) -> None:
    invocation, view = await on_an_issue(here)
    client = new_client(here.github)
    outbound = GitHubOutbound(here.settings, client, here.artifacts)
    await outbound.post_status(invocation.place, view, key="k")
    await client.close()
    unreachable = new_client(here.github, timeout_s=0.0001)
    outbound = GitHubOutbound(here.settings, unreachable, here.artifacts)
    with pytest.raises(Busy):
        await outbound.post_status(invocation.place, view, key="k")
    await unreachable.close()


@pytest.mark.parametrize("status", [403, 404, 410, 422])
async def test_refusal_is_undeliverable(here: Town, status: int) -> None:
    invocation, view = await on_an_issue(here)
    here.github.access.faults.append(Fault("POST", "/comments$", status, "no"))
    with pytest.raises(Undeliverable, match=str(status)):
        await here.face.outbound.post_status(invocation.place, view, key="k")


async def test_locked_archived_or_uninstalled_is_undeliverable(here: Town) -> None:
    invocation, view = await on_an_issue(here)
    number = int(invocation.place.thread or "")
    out = here.face.outbound
    here.repo.issues[number].locked = True
    with pytest.raises(Undeliverable, match="locked"):
        await out.post_status(invocation.place, view, key="k")
    here.repo.issues[number].locked = False
    here.repo.archived = True
    with pytest.raises(Undeliverable, match="archived"):
        await out.post_status(invocation.place, view, key="k")
    here.repo.archived = False
    here.repo.installed = False
    with pytest.raises(Undeliverable):
        await out.post_status(invocation.place, view, key="k")


async def test_place_without_a_thread_is_undeliverable(here: Town) -> None:
    place = Place(platform=Platform.GITHUB, workspace="acme", channel="acme/shop")
    with pytest.raises(Undeliverable):
        await here.face.outbound.answer(place, say("Hm."), key="k")


@pytest.mark.parametrize("missing", [{"/check-runs"}, {"/graphql", "/hook", "/check-runs"}])
async def test_without_check_runs_the_comment_goes_on(here: Town, missing: set[str]) -> None:
    here.github.world.missing_endpoints = missing
    invocation, view = await on_a_pull(here)
    await life(here, invocation, view)
    (comment,) = here.said(view.number or 0)
    assert "✅ succeeded" in comment.body


async def test_app_without_permission_for_check_runs_still_comments(here: Town) -> None:
    del here.github.world.granted["checks"]
    invocation, view = await on_a_pull(here)
    await life(here, invocation, view)
    assert len(here.said(view.number or 0)) == 1
    assert not here.repo.checks


async def test_check_run_that_could_not_be_made_appears_with_the_result(here: Town) -> None:
    here.github.access.faults.append(Fault("POST", "/check-runs", 502))
    invocation, view = await on_a_pull(here)
    await life(here, invocation, view)
    assert [each["status"] for each in only_check(here).history] == ["completed"]


async def test_many_jobs_over_two_gateways_stay_within_githubs_limits(here: Town) -> None:
    """Fifty jobs edit six times each: progress is left out before anything is refused, and
    what has to wait is said when it is time.
    """
    world = here.github.world
    budgets = Budgets(None, patience_s=0.0, clock=lambda: world.now().timestamp())
    clients = [new_client(here.github, budgets=budgets) for _ in range(2)]
    faces = [github_face(here.settings, client, here.artifacts) for client in clients]
    number = await here.github.people.open_issue(here.repo, "ann")
    invocation = await here.asked(number, "/gryph test src/a.py")
    for n in range(50):
        await one_of_many(here, faces[n % 2], invocation, n)
    bodies = [each.body for each in here.said(number)]
    assert len(bodies) == 50
    assert all("✅ succeeded" in body for body in bodies)
    assert here.github.access.over_limit == 0
    for client in clients:
        await client.close()


async def one_of_many(here: Town, face: Face, invocation: Invocation, number: int) -> None:
    """A job's life; whatever is Busy is tried again when it said."""
    outbound, place = face.outbound, invocation.place
    view = replace(view_of(invocation), job=f"J{number:06}")
    status = await patiently(here, lambda: outbound.post_status(place, view, key="k"))
    for step in range(6):
        shown = running(view, f"step {step}")
        await patiently(here, lambda shown=shown: outbound.edit_status(place, status, shown))
    done = finished(view, "done")
    await patiently(here, lambda: outbound.post_result(place, status, done, RESULT, key="k"))


async def patiently(here: Town, call: Callable[[], Awaitable[T]]) -> T:
    """Until GitHub, and our own budget, take it."""
    while True:
        try:
            return await call()
        except Busy as busy:
            here.github.world.ahead += timedelta(seconds=busy.retry_after_s + 0.001)
