from dataclasses import replace

import pytest

from bot.face import Busy
from handlers import Application, Caller, Platform, RepositoryWriter, UserError
from storage.blobs import blob_id
from tests.bot.github.town import FILES, JOB, REPOSITORY, Town
from tests.fakes.github.access import Fault
from tests.fakes.github.world import Repository

TESTS = {"tests/test_a.py": b"def test_a():\n    assert True\n"}


def application(here: Town, files: dict[str, bytes] | None = None) -> Application:
    """Ann applies a job on the default branch."""
    here.github.world.account("ann")
    return Application(
        job=JOB,
        repository=REPOSITORY,
        base_ref=None,
        base_sha=here.repo.git.resolve("main"),
        number=None,
        installation=str(here.github.world.installation),
        title="1 test for src/a.py",
        body="1 test for src/a.py: 1 passed, line coverage 100%\n\nFixes #12, cc @everybody",
        files=TESTS if files is None else files,
        requested_by=Caller(platform=Platform.GITHUB, account="", name="ann"),
    )


def writer(here: Town) -> RepositoryWriter:
    """Ours."""
    assert here.face.writer is not None
    return here.face.writer


def content(repo: Repository, ref: str, path: str) -> bytes:
    """A file as it is in a branch."""
    return repo.git.blob(repo.git.resolve(ref), path).content


async def test_files_become_a_branch_one_commit_and_a_pull_request(here: Town) -> None:
    base = here.repo.git.resolve("main")
    where = await writer(here).apply(application(here))
    (pull,) = here.repo.pulls.values()
    assert where == f"[acme/shop#{pull.number}](https://github.test/acme/shop/pull/{pull.number})"
    assert (pull.head_ref, pull.base_ref) == ("gryph/j7k2m9q", "main")
    assert content(here.repo, "gryph/j7k2m9q", "tests/test_a.py") == TESTS["tests/test_a.py"]
    assert content(here.repo, "gryph/j7k2m9q", "src/a.py") == FILES["src/a.py"]
    assert here.repo.git.parents_of(pull.head_sha) == [base]
    talk = here.repo.issues[pull.number]
    assert talk.title == "1 test for src/a.py"
    assert "line coverage 100%" in talk.body
    assert "Applied by ann from job `J7K2M9Q`" in talk.body


async def test_pull_request_neither_closes_issues_nor_calls_people(here: Town) -> None:
    await writer(here).apply(application(here))
    (talk,) = here.repo.issues.values()
    assert "Fixes #12" not in talk.body
    assert "#12" not in talk.body
    assert "@everybody" not in talk.body


async def test_a_file_is_extended_where_it_is_as_the_job_read_it(here: Town) -> None:
    old, new = FILES["src/a.py"], FILES["src/a.py"] + b"# more\n"
    asked = replace(application(here, {"src/a.py": new}), replaces={"src/a.py": blob_id(old)})
    await writer(here).apply(asked)
    (pull,) = here.repo.pulls.values()
    assert content(here.repo, pull.head_ref, "src/a.py") == new


@pytest.mark.parametrize("path", ["src/a.py", "src/gone.py"])
async def test_a_file_changed_since_the_job_read_it_is_refused(here: Town, path: str) -> None:
    asked = replace(application(here, {path: b"new\n"}), replaces={path: blob_id(b"old\n")})
    with pytest.raises(UserError, match="since the job read it"):
        await writer(here).apply(asked)
    assert not here.repo.pulls


async def test_second_apply_finds_the_first_pull_request(here: Town) -> None:
    first = await writer(here).apply(application(here))
    await here.restart()
    assert await writer(here).apply(application(here)) == first
    assert len(here.repo.pulls) == 1


async def test_closed_or_merged_pull_request_is_returned_as_such(here: Town) -> None:
    first = await writer(here).apply(application(here))
    (talk,) = here.repo.issues.values()
    talk.state = "closed"
    assert await writer(here).apply(application(here)) == f"{first} (closed)"


@pytest.mark.parametrize("where", ["/git/commits$", "/git/refs$", "/pulls$"])
async def test_apply_goes_on_after_a_crash_anywhere(here: Town, where: str) -> None:
    here.github.access.faults.append(Fault("POST", where, 502, after=True))
    with pytest.raises(Busy):
        await writer(here).apply(application(here))
    await here.restart()
    await writer(here).apply(application(here))
    (pull,) = here.repo.pulls.values()
    assert content(here.repo, pull.head_ref, "tests/test_a.py") == TESTS["tests/test_a.py"]


async def test_on_a_pull_request_of_the_repository_it_goes_to_its_branch(here: Town) -> None:
    number = await here.github.people.open_pull(here.repo, "ann", {"b.py": b"b = 2\n"})
    head = here.repo.pulls[number]
    asked = replace(application(here), number=number, base_ref="main", base_sha=head.head_sha)
    await writer(here).apply(asked)
    made = here.repo.pulls[max(here.repo.pulls)]
    assert made.base_ref == head.head_ref
    assert here.repo.git.parents_of(made.head_sha) == [head.head_sha]
    assert f"For #{number}." in here.repo.issues[made.number].body


async def test_on_a_forks_pull_request_it_goes_to_the_base_branch(here: Town) -> None:
    fork = here.github.world.repository("bob/shop")
    number = await here.github.people.open_pull(here.repo, "bob", {"b.py": b""}, fork=fork)
    sha = here.repo.pulls[number].head_sha
    await writer(here).apply(replace(application(here), number=number, base_sha=sha))
    made = here.repo.pulls[max(here.repo.pulls)]
    assert made.base_ref == "main"
    assert here.repo.git.parents_of(made.head_sha) == [here.repo.git.resolve("main")]


async def test_on_a_closed_pull_request_it_goes_to_the_base_branch(here: Town) -> None:
    number = await here.github.people.open_pull(here.repo, "ann", {"b.py": b""})
    here.repo.issues[number].state = "closed"
    await writer(here).apply(replace(application(here), number=number))
    assert here.repo.pulls[max(here.repo.pulls)].base_ref == "main"


async def test_file_that_says_something_else_is_a_conflict(here: Town) -> None:
    with pytest.raises(UserError, match=r"`README.md` is in `main` already"):
        await writer(here).apply(application(here, {**TESTS, "README.md": b"other\n"}))
    assert not here.repo.pulls


async def test_folder_in_the_way_is_a_conflict(here: Town) -> None:
    with pytest.raises(UserError, match="`src` is a folder"):
        await writer(here).apply(application(here, {"src": b"x"}))


async def test_files_that_are_there_already_need_no_pull_request(here: Town) -> None:
    where = await writer(here).apply(application(here, {"src/a.py": FILES["src/a.py"]}))
    assert where.startswith("nothing to do")
    assert not here.repo.pulls


async def test_commit_whose_base_is_gone_stands_on_the_branch(here: Town) -> None:
    await writer(here).apply(replace(application(here), base_sha="0" * 40))
    (pull,) = here.repo.pulls.values()
    assert here.repo.git.parents_of(pull.head_sha) == [here.repo.git.resolve("main")]


@pytest.mark.parametrize(
    "path",
    [
        "../up.py",
        "/etc/passwd",
        "a/../../b.py",
        ".git/config",
        "sub/.GIT/hooks/x",
        ".github/workflows/own.yml",
        ".GitHub/Workflows/own.yml",
        "",
        "a//b.py",
        "./a.py",
        "a\nb.py",
        "a\\b.py",
    ],
)
async def test_path_that_leads_elsewhere_is_refused_before_anything_is_asked(
    here: Town, path: str
) -> None:
    with pytest.raises(UserError):
        await writer(here).apply(application(here, {path: b"x"}))
    assert not here.github.access.calls


async def test_permission_is_checked_at_that_moment(here: Town) -> None:
    asked = application(here)
    here.repo.permissions["ann"] = "read"
    with pytest.raises(UserError, match="`ann` has no write access"):
        await writer(here).apply(asked)
    assert not here.repo.pulls


async def test_name_from_elsewhere_is_no_github_login(here: Town) -> None:
    somebody = Caller(platform=Platform.SLACK, account="U1", name="ann")
    with pytest.raises(UserError, match="no GitHub account"):
        await writer(here).apply(replace(application(here), requested_by=somebody))


async def test_login_that_changed_hands_may_not_write(here: Town) -> None:
    former = Caller(platform=Platform.GITHUB, account="1", name="ann")
    with pytest.raises(UserError, match="`ann` has no write access"):
        await writer(here).apply(replace(application(here), requested_by=former))


async def test_app_without_permission_to_push_says_so(here: Town) -> None:
    here.github.world.granted["contents"] = "read"
    with pytest.raises(UserError, match="GitHub"):
        await writer(here).apply(application(here))


async def test_archived_or_missing_repository_says_so(here: Town) -> None:
    here.repo.archived = True
    with pytest.raises(UserError, match="archived"):
        await writer(here).apply(application(here))
    with pytest.raises(UserError, match="no write access"):
        await writer(here).apply(replace(application(here), repository="acme/nowhere"))


async def test_odd_names_survive(here: Town) -> None:
    files = {"tests/tëst #1?.py": b"\x00\xff"}
    await writer(here).apply(application(here, files))
    (pull,) = here.repo.pulls.values()
    assert content(here.repo, pull.head_ref, "tests/tëst #1?.py") == b"\x00\xff"


async def test_what_was_made_for_a_branch_goes_to_that_branch(here: Town) -> None:
    tip = here.repo.git.commit_files("feature", {"src/new.py": b"a = 1\n"}, "unfinished")
    asked = replace(application(here), base_ref="feature", base_sha=tip)
    await writer(here).apply(asked)
    (pull,) = here.repo.pulls.values()
    assert pull.base_ref == "feature"
    assert here.repo.git.parents_of(pull.head_sha) == [tip]


async def test_what_was_made_for_a_tag_brings_none_of_its_commits_along(here: Town) -> None:
    main = here.repo.git.resolve("main")
    tip = here.repo.git.commit_files("feature", {"src/new.py": b"a = 1\n"}, "unfinished")
    await writer(here).apply(replace(application(here), base_ref="v2", base_sha=tip))
    (pull,) = here.repo.pulls.values()
    assert pull.base_ref == "main"
    assert here.repo.git.parents_of(pull.head_sha) == [main]
