"""`.gryph.toml` in conversations on GitHub: the default branch's counts, and no other."""

import pytest

from jobs.requests import TestCode
from tests.faces.test_github import Town, town
from tests.fakes.github.access import Fault

__all__ = ["town"]

NAME = ".gryph.toml"


def push(town: Town, text: str, branch: str = "main") -> None:
    town.repo.git.commit_files(branch, {NAME: text.encode()}, "wishes")


async def asked(town: Town) -> TestCode:
    row = await town.spine.newest_job()
    return TestCode.model_validate(dict(row.request))


async def test_what_the_message_leaves_open_is_as_the_repository_wishes(town: Town) -> None:
    push(town, "[test]\nstyle = 'unittest'\nbudget = 20\nseed = 7\n")
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py seed=9")
    request = await asked(town)
    assert (request.style, request.cpu_s, request.seed) == ("unittest", 20.0, 9)
    await town.comment(number, "@gryph config style=pytest")
    await town.comment(number, "@gryph test src/c.py")
    request = await asked(town)
    assert (request.style, request.cpu_s, request.seed) == ("pytest", 20.0, 7)


async def test_config_shows_whose_wish_counts_and_what_is_wrong(town: Town) -> None:
    push(town, "[test]\nstyle = 'unittest'\nsede = 3\n[who]\nmay = 'write'\n")
    number = await town.pull()
    await town.comment(number, "@gryph config")
    said = town.ours(number)[-1].body
    assert "style \\(the repository's\\)" in said
    assert "unittest" in said
    assert "who may have code run" in said
    assert "Line 3: `test.sede` is not known; did you mean `test.seed`?" in said


async def test_a_broken_file_stops_nothing_and_is_told_with_the_job(town: Town) -> None:
    push(town, "[test\n")
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py")
    request = await asked(town)
    assert (request.style, request.cpu_s, request.seed) == ("pytest", 8.0, 1)
    assert request.notes == (
        "`.gryph.toml` is left out of account: it is not TOML (at line 1, column 6).",
    )
    assert len(town.engine.seen) == 1


@pytest.mark.parametrize("by", ["mallory", "zoe"])
async def test_the_file_of_a_pull_request_or_a_fork_does_not_count(town: Town, by: str) -> None:
    push(town, "[who]\nmay = 'admin'\n")
    fork = town.github.world.repository("mallory/shop") if by == "mallory" else None
    number = await town.pull(by=by, fork=fork)
    mine = {NAME: b"[who]\nmay = 'write'\n[test]\nstyle = 'unittest'\n"}
    await town.github.people.push(town.repo, number, mine)
    await town.comment(number, "@gryph test src/c.py", by=by)
    assert "asks in its `.gryph.toml` for admin access" in town.read(number)
    await town.comment(number, "@gryph test src/c.py", by="root")
    assert (await asked(town)).style == "pytest"


async def test_who_may_is_narrowed_even_for_the_author_and_never_widened(town: Town) -> None:
    town.repo.permissions["zoe"] = "read"
    number = await town.pull(by="zoe")
    await town.comment(number, "@gryph test src/c.py", by="zoe")
    assert len(town.engine.seen) == 1, "an author may, as long as nobody minds"
    other = await town.github.people.open_issue(town.repo, "zoe")
    push(town, "[who]\nmay = 'read'\n")
    await town.comment(other, "@gryph test src/a.py", by="zoe")
    assert len(town.engine.seen) == 1


async def test_ignored_paths_are_left_alone(town: Town) -> None:
    push(town, "[paths]\nignore = ['src/*']\n")
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py")
    assert "has me leave alone" in town.read(number)
    assert town.engine.seen == []


async def test_a_file_that_may_not_be_read_is_said_and_opens_nothing(town: Town) -> None:
    number = await town.pull()
    town.github.access.faults.append(Fault("GET", r"/contents/", 403, times=5))
    await town.comment(number, "@gryph test src/c.py")
    assert "I may not read `.gryph.toml`" in town.read(number)
    assert town.engine.seen == []


async def test_a_folder_or_a_huge_file_of_that_name_is_told(town: Town) -> None:
    town.repo.git.commit_files("main", {f"{NAME}/x": b"x"}, "a folder")
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py")
    assert "not TOML" in (await asked(town)).notes[0]


async def test_a_huge_file_is_told(town: Town) -> None:
    push(town, "# " + "x" * 100_000)
    number = await town.pull()
    await town.comment(number, "@gryph test src/c.py")
    assert "larger than 16 KiB" in (await asked(town)).notes[0]
