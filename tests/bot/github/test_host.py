"""What is asked about pull requests and where they parted from their base."""

import pytest

from handlers import UserError
from tests.bot.github.town import REPOSITORY, Town


async def test_pull_request_parted_from_its_base_where_its_first_commit_began(here: Town) -> None:
    began = here.repo.git.resolve("main")
    number = await here.github.people.open_pull(here.repo, "ann", {"b.py": b"b = 2\n"})
    here.repo.git.commit_files("main", {"c.py": b"c = 3\n"}, "Meanwhile")
    host = here.face.host
    assert host is not None
    pull = await host.pull_of(REPOSITORY, number)
    assert (pull.head_sha, pull.base_ref) == (here.repo.pulls[number].head_sha, "main")
    for ref in ("main", None, here.repo.git.resolve("main")):
        assert await host.parted(REPOSITORY, ref, pull.head_sha) == began


async def test_issue_is_no_pull_request(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    assert here.face.host is not None
    with pytest.raises(UserError, match="no pull request"):
        await here.face.host.pull_of(REPOSITORY, number)


async def test_forks_commit_is_no_base_since_nobody_approved_it(here: Town) -> None:
    fork = here.github.world.repository("mallory/shop")
    number = await here.github.people.open_pull(
        here.repo, "mallory", {"b.py": b"import os\n"}, fork=fork
    )
    theirs, own = here.repo.pulls[number].head_sha, here.repo.git.resolve("main")
    assert here.face.host is not None
    with pytest.raises(UserError, match="on no branch"):
        await here.face.host.parted(REPOSITORY, theirs, own)
