"""What a change changes, asked for and told on every face."""

from dataclasses import replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from engines.testing.behaviour.types import Difference
from storage.states import JobState
from tests.faces.test_discord import Server, server
from tests.faces.test_github import Town, shown, town
from tests.faces.test_slack import Team, team
from tests.faces.work import FILES
from tests.fakes.git_host import commit
from tests.fakes.github.world import CheckRun, Comment
from tests.jobs.differences import FAILS, SLUG, diff

__all__ = ["server", "team", "town"]

BEFORE = FILES["src/a.py"].decode()
AFTER = BEFORE.replace("2 * n", "3 * n")
DOUBLE = replace(
    SLUG, path="src/a.py", function="double", line=2, call="double(1)", base="2", head="3"
)
WISH = {".gryph.toml": b"[pull_requests]\nbehaviour = true\n"}


async def open_pull(town: Town, *, fork: bool = False) -> int:
    """Somebody changes `double`; the engine will find that out."""
    town.engine.found = diff(DOUBLE)
    source = town.github.world.repository("mallory/shop") if fork else None
    by, files = ("mallory" if fork else "ann"), {"src/a.py": AFTER.encode()}
    number = await town.github.people.open_pull(town.repo, by, files, fork=source)
    await town.spine.until_quiet()
    return number


async def push(town: Town, number: int, text: str) -> None:
    await town.github.people.push(town.repo, number, {"src/a.py": text.encode()})
    await town.spine.until_quiet()


def on_lines(town: Town) -> list[Comment]:
    return [each for each in town.repo.comments.values() if each.review]


def checks(town: Town) -> list[CheckRun]:
    return list(town.repo.checks.values())


def concluded(town: Town) -> list[str | None]:
    return [each.values.get("conclusion") for each in checks(town)]


async def test_pull_request_is_answered_with_a_comment_a_review_and_a_check_run(
    town: Town,
) -> None:
    number = await open_pull(town)
    town.repo.git.commit_files("main", {"src/b.py": b"def half(): ...\n"}, "Meanwhile")
    await town.comment(number, "@gryph test")
    assert town.engine.seen == [BEFORE, AFTER]
    first, *_ = [each for each in town.ours(number) if not each.review]
    assert shown(first.body) == snapshot("""\
**test** · ✅ succeeded · 1 function behaves differently; 92 % of the changed lines were run · N s · `J-ID` · asked by ann

### What \\#\u200b1 changes

`double` · `src/a.py`, line 2
- `double(1)`: `2` → `3`

|  |  |
| --- | --- |
| **Compared with** | `main` (`c5f4fd0d7419`) |
| **Changed lines run** | 23 of 25 |
| **Ran** | 4,321 calls in 9.6 CPU s |
| **Isolation** | bubblewrap |

- **Retry**: reply `/gryph retry J-ID` to run it again
- **Did it help?** React to this comment with 👍 or 👎, or reply `/gryph feedback J-ID up`

<!-- gryph:job=J-ID key=J-ID:status -->\
""")
    (remark,) = on_lines(town)
    assert shown(remark.body) == snapshot("""\
`double`
- `double(1)`: `2` → `3`

<!-- gryph:job=J-ID key=J-ID:review -->\
""")
    (review,) = town.repo.reviews
    assert review["commit_id"] == town.repo.pulls[number].head_sha
    (check,) = checks(town)
    assert (check.values["name"], check.values["conclusion"]) == ("gryph / behaviour", "neutral")


async def test_speaker_that_dies_after_the_review_says_nothing_twice(town: Town) -> None:
    number = await open_pull(town)
    town.outbound.dies_after = "result"
    await town.github.people.comment(town.repo, number, "ann", "@gryph test")
    await town.spine.until(lambda: town.outbound.is_dead)
    await town.spine.kill_delivery()
    await town.spine.until_quiet()
    assert (len(town.repo.reviews), len(town.ours(number))) == (1, 2)
    assert len(checks(town)[0].annotations) == 1


async def test_chat_compares_a_folder_with_where_it_parted(team: Team, code: Path) -> None:
    commit(code, {"src/a.py": BEFORE})
    (code / "src/a.py").write_text(AFTER)
    team.engine.found = diff(DOUBLE, tests=(FAILS,))
    await team.mention("test base=HEAD")
    assert team.engine.seen == [BEFORE, AFTER]
    assert team.read() == snapshot("""\
:white_check_mark: *test* `base=HEAD` · *succeeded* · 1 function behaves differently, 1 test fails now; 92 % of the changed lines were run
`J-ID` · asked by <@U001ANN> · took N s
---
What changed since HEAD
`double` · `src/a.py`, line 2

- `double(1)`: `2` → `3`
**1 test fails** that passed before

- `tests/test_slugs.py::test_dashes`: `'a--b' != 'a-b'`
*Compared with*
`HEAD`
*Changed lines run*
23 of 25
*Ran*
4,321 calls in 9.6 CPU s
*Isolation*
bubblewrap
`J-ID`
[Retry] [👍] [👎]\
""")


async def test_discord_compares_a_folder_with_where_it_parted(server: Server, code: Path) -> None:
    commit(code, {"src/a.py": BEFORE})
    (code / "src/a.py").write_text(AFTER)
    await server.mention("test base=HEAD")
    assert server.read(server.world.thread) == snapshot("""\
✅ **test** `base=HEAD` · succeeded · Nothing behaves differently; 92 % of the changed lines were run
-# J-ID · asked by @mod · took N s
---
### What changed since HEAD
Nothing behaves differently; 92 % of the changed lines were run.

**Compared with**: `HEAD`
**Changed lines run**: 23 of 25
**Ran**: 4,321 calls in 9.6 CPU s
**Isolation**: bubblewrap
-# J-ID · result
[Retry] [👍] [👎]\
""")


async def test_wish_compares_every_push_in_one_comment_that_is_only_edited(town: Town) -> None:
    town.repo.git.commit_files("main", WISH, "Wish")
    number = await open_pull(town)
    (comment,) = [each for each in town.ours(number) if not each.review]
    assert shown(comment.body) == snapshot("""\
**test** · ✅ succeeded · 1 function behaves differently; 92 % of the changed lines were run · N s · `J-ID` · asked for in `.gryph.toml`

### What \\#\u200b1 changes

`double` · `src/a.py`, line 2
- `double(1)`: `2` → `3`

|  |  |
| --- | --- |
| **Compared with** | `main` (`ca56efe55cf9`) |
| **Changed lines run** | 23 of 25 |
| **Ran** | 4,321 calls in 9.6 CPU s |
| **Isolation** | bubblewrap |

- **Retry**: reply `/gryph retry J-ID` to run it again
- **Did it help?** React to this comment with 👍 or 👎, or reply `/gryph feedback J-ID up`

<!-- gryph:job=J-ID key=push:T -->\
""")
    town.engine.found = diff()
    await push(town, number, AFTER + "\n")
    assert [each for each in town.ours(number) if not each.review] == [comment]
    assert "Nothing behaves differently" in comment.body
    assert concluded(town) == ["neutral", "success"]
    assert len(on_lines(town)) == 1


async def test_push_without_a_wish_is_left_alone(town: Town) -> None:
    number = await open_pull(town)
    await push(town, number, BEFORE)
    assert (await town.spine.jobs(), town.ours(number), checks(town)) == ([], [], [])


async def test_newer_push_takes_the_place_of_an_older_one_that_still_runs(town: Town) -> None:
    town.repo.git.commit_files("main", WISH, "Wish")
    town.engine.may_end.clear()
    town.engine.found = diff(DOUBLE)
    files = {"src/a.py": AFTER.encode()}
    number = await town.github.people.open_pull(town.repo, "ann", files)
    await town.spine.until(lambda: "1,200 calls" in town.read(number))
    await town.github.people.push(town.repo, number, {"src/a.py": b"def double(n): ...\n"})
    await town.spine.until(lambda: concluded(town)[:1] == ["cancelled"])
    town.engine.may_end.set()
    await town.spine.until_quiet()
    states = [job.state for job in await town.spine.jobs()]
    assert states == [JobState.CANCELLED, JobState.SUCCEEDED]
    (comment,) = [each for each in town.ours(number) if not each.review]
    assert (await town.spine.newest_job()).id in comment.body
    assert concluded(town) == ["cancelled", "neutral"]


async def test_redelivered_and_late_pushes_make_no_job(town: Town) -> None:
    town.repo.git.commit_files("main", WISH, "Wish")
    number = await open_pull(town)
    town.github.hooks.copies = 4
    await push(town, number, AFTER + "\n")
    assert len(await town.spine.jobs()) == 2
    for delivery in list(town.github.hooks.deliveries):
        await town.github.hooks.redeliver(delivery.id)
    await town.spine.until_quiet()
    assert len(await town.spine.jobs()) == 2


async def test_forks_push_waits_for_an_approval_and_has_no_red_cross(town: Town) -> None:
    town.repo.git.commit_files("main", WISH, "Wish")
    number = await open_pull(town, fork=True)
    sha = town.repo.pulls[number].head_sha
    (check,) = checks(town)
    assert (check.values["status"], check.values.get("conclusion")) == ("queued", None)
    assert f"/gryph approve {sha}" in check.values["output"]["summary"]
    assert town.engine.seen == []
    await town.comment(number, f"/gryph approve {sha}", by="root")
    assert town.engine.seen == [BEFORE, AFTER]
    await push(town, number, AFTER + "\n")
    assert len(town.engine.seen) == 2
    assert concluded(town) == ["neutral", None]


async def test_wish_that_was_withdrawn_starts_nothing(town: Town) -> None:
    town.repo.git.commit_files("main", {".gryph.toml": b"[pull_requests]\nbehavior = 1\n"}, "Slip")
    number = await open_pull(town)
    assert await town.spine.jobs() == []
    await town.comment(number, "@gryph config")
    assert "did you mean `pull_requests.behaviour`?" in town.ours(number)[-1].body


@pytest.mark.parametrize("difference", [replace(DOUBLE, line=1), replace(DOUBLE, path="src/b.py")])
async def test_what_is_outside_the_diff_is_told_in_the_comment_alone(
    town: Town, difference: Difference
) -> None:
    number = await open_pull(town)
    town.engine.found = diff(replace(difference, line=40))
    await town.comment(number, "@gryph test")
    assert (town.repo.reviews, on_lines(town)) == ([], [])
    assert "`double(1)`: `2` → `3`" in town.read(number)
