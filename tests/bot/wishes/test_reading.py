"""Wishes are read once in a while, from the host alone, and a failure opens nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from bot.commands import COMMANDS
from bot.face import Busy, HostedFile, Remarks, Undeliverable
from bot.wishes.reading import FRESH_S, RepositoryFiles
from handlers import Invocation, IssueQuery, PullRequest, RepositoryWishes, Standing, Tier
from jobs.requests import Issues, OpenWork, Source, Wanted


@dataclass
class OneFile:
    """A host with a file, or with trouble."""

    content: bytes | None = None
    trouble: Exception | None = None
    asked: list[str] = field(default_factory=list[str])

    async def commit_of(self, repository: str, ref: str | None) -> str:
        """Nobody asks."""
        raise AssertionError(repository, ref)

    async def pull_of(self, repository: str, number: int) -> PullRequest:
        raise AssertionError(repository, number)

    async def issues_of(self, repository: str, query: IssueQuery) -> Issues:
        raise AssertionError(repository, query)

    async def task_of(self, repository: str, number: int) -> Wanted:
        raise AssertionError(repository, number)

    async def work_of(self, repository: str) -> tuple[OpenWork, ...]:
        raise AssertionError(repository)

    async def parted(self, repository: str, ref: str | None, head: str) -> str:
        raise AssertionError(repository, ref, head)

    async def said_before(self, asked: Invocation) -> Remarks:
        """Nobody asks."""
        raise AssertionError(asked)

    async def file_of(self, repository: str, path: str, most_bytes: int) -> HostedFile | None:
        """The same for every repository."""
        assert path == ".gryph.toml"
        self.asked.append(repository)
        if self.trouble is not None:
            raise self.trouble
        if self.content is None:
            return None
        return HostedFile(str(hash(self.content)), self.content[:most_bytes])


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_a_change_counts_after_half_a_minute_and_until_then_nobody_is_asked() -> None:
    host, clock = OneFile(b"[test]\nseed = 1"), Clock()
    files = RepositoryFiles(host, clock)
    assert (await files.of("o/r")).seed == 1
    host.content = b"[test]\nseed = 2"
    clock.now_s = FRESH_S - 1
    assert (await files.of("o/r")).seed == 1
    clock.now_s = FRESH_S
    assert (await files.of("o/r")).seed == 2
    host.content = None
    clock.now_s = 3 * FRESH_S
    assert await files.of("o/r") == RepositoryWishes()
    assert host.asked == ["o/r"] * 3


async def test_folders_and_installations_without_a_host_wish_nothing() -> None:
    host = OneFile(b"[test]\nseed = 1")
    assert await RepositoryFiles(host).of("local:/srv/code") == RepositoryWishes()
    assert await RepositoryFiles(None).of("o/r") == RepositoryWishes()
    assert host.asked == []


async def test_trouble_is_never_taken_for_a_yes_nor_remembered() -> None:
    host = OneFile(trouble=Busy("503"))
    files = RepositoryFiles(host)
    operator, source = Standing(Tier.OPERATOR), Source(repository="o/r")
    with pytest.raises(Busy):
        await files.refusal(COMMANDS["test"], operator, source)
    host.trouble = Undeliverable("403")
    refused = await files.refusal(COMMANDS["test"], operator, source)
    assert refused is not None
    assert "I may not read" in refused
    host.trouble = None
    assert await files.refusal(COMMANDS["test"], operator, source) is None


_WHO: Mapping[Tier, bool] = {
    Tier.AUTHOR: False,
    Tier.READ: False,
    Tier.WRITE: True,
    Tier.ADMIN: True,
    Tier.OPERATOR: True,
}


@pytest.mark.parametrize("tier", _WHO)
async def test_who_may_have_code_run_is_asked_beside_the_verbs_own_tier(tier: Tier) -> None:
    files = RepositoryFiles(OneFile(b"[who]\nmay = 'write'"))
    refused = await files.refusal(COMMANDS["test"], Standing(tier), Source(repository="o/r"))
    assert (refused is None) == _WHO[tier]
    for verb in ("status", "cancel"):
        assert await files.refusal(COMMANDS[verb], Standing(tier), Source(repository="o/r")) is None
