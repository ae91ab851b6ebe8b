import pytest

from bot.face import Busy
from bot.github.authority import GitHubAuthority
from bot.github.pulls import DELETED_FORK
from handlers import Caller, Platform, Tier
from tests.bot.github.town import REPOSITORY, Town
from tests.fakes.github.access import Fault


@pytest.mark.parametrize(
    ("permission", "tier"),
    [
        ("admin", Tier.ADMIN),
        ("maintain", Tier.WRITE),
        ("write", Tier.WRITE),
        ("push", Tier.WRITE),
        ("triage", Tier.READ),
        ("read", Tier.READ),
        ("none", Tier.ANYONE),
        ("something new", Tier.ANYONE),
    ],
)
async def test_tier_is_the_repositorys_permission(here: Town, permission: str, tier: Tier) -> None:
    here.repo.permissions["zoe"] = permission
    number = await here.github.people.open_issue(here.repo, "zoe")
    standing = await here.face.authority.standing(await here.asked(number, "/gryph help", "zoe"))
    assert standing.tier is tier
    assert standing.repository == REPOSITORY


async def test_stranger_reads_a_public_repository_and_nothing_of_a_private_one(
    here: Town,
) -> None:
    number = await here.github.people.open_issue(here.repo, "stranger")
    invocation = await here.asked(number, "/gryph help", "stranger")
    assert (await here.face.authority.standing(invocation)).tier is Tier.READ
    here.repo.private = True
    assert (await here.face.authority.standing(invocation)).tier is Tier.ANYONE


async def test_login_that_changed_hands_has_no_say(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    invocation = await here.asked(number, "/gryph help")
    here.github.world.accounts["ann"].id += 500
    assert (await here.face.authority.standing(invocation)).tier is Tier.ANYONE


async def test_permission_taken_away_counts_at_once(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    invocation = await here.asked(number, "/gryph help")
    assert (await here.face.authority.standing(invocation)).tier is Tier.WRITE
    here.repo.permissions["ann"] = "read"
    assert (await here.face.authority.standing(invocation)).tier is Tier.READ


async def test_issue_stands_on_the_default_branch(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    standing = await here.face.authority.standing(await here.asked(number, "/gryph help"))
    assert standing.pull is None
    assert standing.head_sha == here.repo.git.resolve("main")


async def test_pull_request_stands_on_its_head_as_it_is_now(here: Town) -> None:
    people = here.github.people
    number = await people.open_pull(here.repo, "ann", {"b.py": b"1\n"})
    invocation = await here.asked(number, "/gryph help")
    pushed = await people.push(here.repo, number, {"b.py": b"2\n"})
    standing = await here.face.authority.standing(invocation)
    assert standing.head_sha == pushed
    assert standing.pull is not None
    assert standing.pull.head_sha == pushed
    assert standing.pull.author == "ann"
    assert standing.pull.base_ref == "main"
    assert standing.pull.is_open
    assert not standing.pull.from_fork


async def test_forks_pull_request_is_known_as_one_even_when_the_fork_is_gone(
    here: Town,
) -> None:
    fork = here.github.world.repository("bob/shop")
    number = await here.github.people.open_pull(here.repo, "bob", {"b.py": b""}, fork=fork)
    invocation = await here.asked(number, "/gryph help", "bob")
    standing = await here.face.authority.standing(invocation)
    assert standing.pull is not None
    assert (standing.pull.head_repository, standing.pull.from_fork) == ("bob/shop", True)
    del here.github.world.repositories["bob/shop"]
    standing = await here.face.authority.standing(invocation)
    assert standing.pull is not None
    assert (standing.pull.head_repository, standing.pull.from_fork) == (DELETED_FORK, True)


async def test_empty_repository_has_no_head(here: Town) -> None:
    empty = here.github.world.repository("acme/empty")
    number = await here.github.people.open_issue(empty, "ann")
    await here.github.people.comment(empty, number, "ann", "/gryph help")
    standing = await here.face.authority.standing(here.heard[-1])
    assert (standing.repository, standing.head_sha) == ("acme/empty", None)


async def test_without_the_app_nobody_has_a_say(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    invocation = await here.asked(number, "/gryph help")
    here.repo.installed = False
    assert (await here.face.authority.standing(invocation)).tier is Tier.ANYONE


async def test_githubs_trouble_is_busy_and_never_a_tier(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    invocation = await here.asked(number, "/gryph help")
    here.github.access.faults.append(Fault("GET", "/permission$", 502))
    with pytest.raises(Busy):
        await here.face.authority.standing(invocation)


async def test_tier_of_somebody_who_speaks_from_elsewhere(here: Town) -> None:
    authority = GitHubAuthority(here.client)
    here.github.world.account("ann")
    assert await authority.repository_tier(_named("ann"), REPOSITORY) is Tier.WRITE
    assert await authority.repository_tier(_named("nobody"), REPOSITORY) is Tier.ANYONE
    assert await authority.repository_tier(_named("ann/../root"), REPOSITORY) is Tier.ANYONE
    assert await authority.repository_tier(_named("ann"), "acme/nowhere") is Tier.ANYONE


def _named(login: str) -> Caller:
    return Caller(platform=Platform.GITHUB, account="", name=login)
