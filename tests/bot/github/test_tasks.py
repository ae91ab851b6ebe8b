"""Issues and pull requests as tasks, and who has how much to do, as GitHub tells it."""

import pytest

from handlers import UserError
from jobs.requests import OpenWork, Wanted
from tests.bot.github.town import REPOSITORY, Town


async def read(here: Town, number: int) -> Wanted:
    assert here.face.host is not None
    return await here.face.host.task_of(REPOSITORY, number)


async def test_an_issue_with_all_that_tells_what_it_is_about(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann", "It drops.")
    issue = here.repo.issues[number]
    issue.title, issue.labels, issue.assignees = "Reconnect", ["gateway"], ["bob"]
    found = Wanted(
        named=f"#{number}",
        number=number,
        title="Reconnect",
        text="It drops.",
        labels=("gateway",),
        author="ann",
        assignees=("bob",),
    )
    assert await read(here, number) == found
    issue.state = "closed"
    assert await read(here, number) == found.model_copy(update={"is_open": False})


async def test_a_pull_request_with_its_files_and_how_its_author_signs(here: Town) -> None:
    signed = "Ann Lee <7+ann@users.noreply.github.com>"
    number = await here.github.people.open_pull(
        here.repo, "ann", {"src/a.py": b"a = 2\n", "src/b.py": b"b = 1\n"}, signed=signed
    )
    found = await read(here, number)
    assert (found.is_pull, found.files, found.more_files) == (True, ("src/a.py", "src/b.py"), 0)
    assert found.signed == ("Ann Lee", "7+ann@users.noreply.github.com")
    assert found.given_to == ()
    here.repo.pulls[number].reviewers, here.repo.issues[number].assignees = ["bob"], ["ann"]
    assert (await read(here, number)).given_to == ("bob",)
    other = await here.github.people.open_pull(here.repo, "ann", {"src/a.py": b"a = 3\n"})
    assert (await read(here, other)).signed is None, "nobody knows whose address it is"


async def test_of_very_many_files_some_are_read_and_the_rest_is_counted(here: Town) -> None:
    files = {f"src/{number:03}.py": b"1\n" for number in range(307)}
    found = await read(here, await here.github.people.open_pull(here.repo, "ann", files))
    assert (len(found.files), found.more_files) == (300, 7)


async def test_what_is_not_there_is_told(here: Town) -> None:
    await here.github.people.open_issue(here.repo, "ann")
    with pytest.raises(UserError, match=f"`{REPOSITORY}#99` is not there, or this installation"):
        await read(here, 99)
    here.repo.installed = False
    with pytest.raises(UserError, match=f"`{REPOSITORY}#1` is not there, or this installation"):
        await read(here, 1)


async def test_open_work_is_what_is_assigned_and_what_waits_for_a_review(here: Town) -> None:
    people, repo = here.github.people, here.repo
    for assignees, state in ((["ann", "bob"], "open"), (["ann"], "open"), (["ann"], "closed")):
        issue = repo.issues[await people.open_issue(repo, "zoe")]
        issue.assignees, issue.state = assignees, state
    await people.open_issue(repo, "zoe")
    repo.pulls[await people.open_pull(repo, "ann", {"b.py": b"1\n"})].reviewers = ["bob"]
    assert here.face.host is not None
    assert await here.face.host.work_of(REPOSITORY) == (
        OpenWork(login="ann", tasks=2),
        OpenWork(login="bob", tasks=2),
    )
    repo.installed = False
    assert await here.face.host.work_of(REPOSITORY) == ()
