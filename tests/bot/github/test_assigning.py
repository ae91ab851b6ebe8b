"""Giving an issue to somebody, and asking for a review, under GitHub's rules."""

from dataclasses import replace

import pytest

from bot.face import Busy
from handlers import Assignment, Caller, Platform, RepositoryWriter, UserError
from tests.bot.github.town import REPOSITORY, Town
from tests.fakes.github.access import Fault

ANN = Caller(platform=Platform.GITHUB, account="", name="ann")


def writer(here: Town) -> RepositoryWriter:
    assert here.face.writer is not None
    return here.face.writer


def let_in(here: Town) -> None:
    """Ann may write, Bo is a collaborator."""
    for login, level in (("ann", "write"), ("bo", "read")):
        here.github.world.account(login)
        here.repo.permissions[login] = level


async def issue(here: Town) -> Assignment:
    """Ann gives an issue to Bo."""
    let_in(here)
    number = await here.github.people.open_issue(here.repo, "zoe")
    return Assignment(REPOSITORY, number, "bo", ANN)


async def pull(here: Town) -> Assignment:
    let_in(here)
    number = await here.github.people.open_pull(here.repo, "zoe", {"src/b.py": b"b = 1\n"})
    return Assignment(REPOSITORY, number, "bo", ANN, is_review=True)


async def test_an_issue_is_assigned_once_however_often_it_is_asked_for(here: Town) -> None:
    assignment = await issue(here)
    where = await writer(here).assign(assignment)
    assert where == f"[acme/shop#1](https://github.test/acme/shop/issues/{assignment.number})"
    assert await writer(here).assign(assignment) == where
    assert here.repo.issues[assignment.number].assignees == ["bo"]


async def test_a_review_is_asked_for_once(here: Town) -> None:
    assignment = await pull(here)
    where = await writer(here).assign(assignment)
    assert where.endswith(f"/pull/{assignment.number})")
    assert await writer(here).assign(assignment) == where
    assert here.repo.pulls[assignment.number].reviewers == ["bo"]
    assert here.repo.issues[assignment.number].assignees == []


async def test_the_token_may_write_issues_and_pull_requests_and_no_code(here: Town) -> None:
    await writer(here).assign(await issue(here))
    assert here.github.access.asked[-1]["permissions"] == {
        "issues": "write",
        "pull_requests": "write",
    }


async def test_who_may_not_write_assigns_nobody(here: Town) -> None:
    assignment = await issue(here)
    bo = Caller(platform=Platform.GITHUB, account="", name="bo")
    for by in (bo, bo.model_copy(update={"platform": Platform.SLACK})):
        with pytest.raises(UserError, match=r"no write access|no GitHub account"):
            await writer(here).assign(replace(assignment, requested_by=by))
    assert here.repo.issues[assignment.number].assignees == []


async def test_whom_github_leaves_out_without_a_word_is_told(here: Town) -> None:
    assignment = replace(await issue(here), login="mallory`")
    with pytest.raises(UserError, match=r"does not let .* be assigned .* no access"):
        await writer(here).assign(assignment)


async def test_a_refused_review_is_told_in_githubs_words(here: Town) -> None:
    assignment = await pull(here)
    with pytest.raises(UserError, match="only be requested from collaborators"):
        await writer(here).assign(replace(assignment, login="mallory"))
    with pytest.raises(UserError, match="cannot be requested from pull request author"):
        await writer(here).assign(replace(assignment, login="zoe"))


async def test_what_is_not_there_is_told(here: Town) -> None:
    assignment = await issue(here)
    with pytest.raises(UserError, match="not there"):
        await writer(here).assign(replace(assignment, number=99))
    here.github.access.faults.append(Fault("POST", "/assignees", 403, "locked"))
    with pytest.raises(UserError, match=r"does not let me change .*locked"):
        await writer(here).assign(assignment)


async def test_a_busy_github_is_asked_again(here: Town) -> None:
    assignment = await issue(here)
    here.github.access.faults.append(Fault("POST", "/assignees", 502, after=True))
    with pytest.raises(Busy):
        await writer(here).assign(assignment)
    await writer(here).assign(assignment)
    assert here.repo.issues[assignment.number].assignees == ["bo"]
