"""What a person may do in a place, over a job and in a repository, asked from who can know.

In a place its platform knows. About a repository only its host does: whoever speaks from elsewhere
is asked about there, as the account they have linked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.face import Face
from handlers import Caller, Command, Effect, Invocation, Place, Platform, Standing, Tier
from handlers.jobs_in_reach import is_near, place_of, reaches
from jobs.requests import Source
from storage import approvals, people
from storage.database import Database
from storage.ids import PersonId
from storage.people import Account
from storage.tables.jobs import JobRow

MOST_ACCOUNTS = 3
"""Of one person on the code host that are asked about."""
LOCAL = "local:"


@dataclass(frozen=True)
class Speaker:
    """Who speaks, where, and what they may do there."""

    invocation: Invocation
    person: PersonId
    here: Standing


class Standings:
    """Asks the platforms; nothing is remembered, since what was withdrawn has to count."""

    def __init__(
        self, database: Database, faces: Mapping[Platform, Face], repositories: Mapping[str, str]
    ) -> None:
        """`repositories` are those the operator opened to every chat, with their folders."""
        self._database = database
        self._faces = faces
        self._repositories = repositories

    async def here(self, invocation: Invocation, person: PersonId) -> Standing:
        """The caller's standing in the place they speak from. Raises Busy."""
        face = self._faces[invocation.place.platform]
        standing = await face.authority.standing(invocation)
        return await self._with_granted_tier(invocation.place, standing, person)

    async def on_host(self, speaker: Speaker, repository: str, number: int | None) -> Standing:
        """What the code host says of the caller in a repository. Raises Busy.

        They are known there by the account they speak from, or by those they have linked; the one
        that may most counts.
        """
        best = Standing(Tier.ANYONE, repository)
        if not self.is_hosted(repository):
            return best
        for account in await self._accounts_on_host(speaker):
            asked = _as_asked_there(account, repository, number, speaker.invocation)
            face = self._faces[Platform.GITHUB]
            found = await face.authority.standing(asked)
            found = await self._with_granted_tier(asked.place, found, speaker.person)
            found = replace(found, repository=repository, account=asked.caller)
            if best.account is None or (found.tier, found.is_author) > (best.tier, best.is_author):
                best = found
        return best

    def is_hosted(self, repository: str | None) -> bool:
        """Whether the connected code host can be asked about it."""
        return (
            repository is not None
            and not repository.startswith(LOCAL)
            and Platform.GITHUB in self._faces
        )

    async def over_job(self, speaker: Speaker, row: JobRow, enough: Tier) -> Standing:
        """The caller's standing over one job. Raises Busy.

        Near the job it is the one they have in the place; where that is less than `enough`, the
        host is asked.
        """
        place, here = speaker.invocation.place, speaker.here
        mine = _over(row, speaker)
        near = is_near(row, speaker.person, place, here)
        if here.tier >= Tier.OPERATOR or (near and mine.tier >= enough):
            return mine
        is_there = place.platform is Platform.GITHUB and place.channel == row.repository
        if near and is_there and speaker.invocation.number == row.number:
            return mine  # the host has just been asked about this very issue
        on_host = await self.on_host(speaker, row.repository or LOCAL, row.number)
        if (on_host.tier > mine.tier or on_host.is_author) and reaches(row, on_host):
            return on_host
        # A job out of reach has to look like none, so the refusal is the one for none.
        return mine if near else here

    async def may_work_on(self, speaker: Speaker, source: Source, needed: Tier) -> bool:
        """Whether the place the caller speaks from, or they themselves, may have a job work on
        this code. Raises Busy.

        Their tier in the place has been checked before; this is about the repository.
        """
        repository, here = source.repository, speaker.here
        platform = speaker.invocation.place.platform
        if repository == here.repository and platform is not Platform.CONSOLE:
            return True
        if here.tier >= Tier.OPERATOR:
            return True
        if repository == LOCAL:
            return True  # no code at all
        if repository.startswith(LOCAL):
            return platform is not Platform.GITHUB and repository in self._repositories.values()
        if platform is not Platform.GITHUB and repository in self._repositories:
            return True
        if platform is Platform.CONSOLE and (here.tier >= Tier.ADMIN or not self._can_lend):
            return repository == here.repository
        on_host = await self.on_host(speaker, repository, source.number)
        return on_host.tier >= needed or on_host.is_author

    @property
    def _can_lend(self) -> bool:
        """Whether more than public code can be read: with no host connected, nothing else can."""
        return Platform.GITHUB in self._faces

    async def may_approve(self, approver: PersonId, repository: str, asked: Invocation) -> bool:
        """Whether somebody who approved a fork's commit still has write access to the repository,
        wherever the job is asked for. Raises Busy.
        """
        for account in await self._linked_on_host(approver):
            there = _as_asked_there(account, repository, None, asked)
            if (await self.here(there, approver)).tier >= Tier.WRITE:
                return True
        return False

    async def waits_for(self, command: Command, source: Source, asked: Invocation) -> str | None:
        """What a fork's code needs before it may run here: an approval of this very commit by
        somebody who has write access to this day. Raises Busy.
        """
        if command.permission.effect is not Effect.RUN_CODE or source.fork is None:
            return None
        repository, number, sha = source.repository, source.number, source.sha
        assert number is not None
        assert sha is not None
        approver = await self._database.read(
            lambda s: approvals.approved_by(s, repository, number, sha)
        )
        if approver is not None and await self.may_approve(approver, repository, asked):
            return None
        return (
            f"this is a fork's code: someone with write access reads it and says "
            f"`/gryph approve {sha}`"
        )

    async def _accounts_on_host(self, speaker: Speaker) -> list[Account]:
        caller = speaker.invocation.caller
        if caller.platform is Platform.GITHUB:
            return [Account(caller.platform, caller.account, caller.name)]
        return await self._linked_on_host(speaker.person)

    async def _linked_on_host(self, person: PersonId) -> list[Account]:
        known = await self._database.read(lambda s: people.accounts_of(s, person))
        return [each for each in known if each.platform == Platform.GITHUB][:MOST_ACCOUNTS]

    async def _with_granted_tier(
        self, place: Place, standing: Standing, person: PersonId
    ) -> Standing:
        scopes = (f"{place.platform}:{place.workspace}", f"{place.platform}:{place.channel}")
        here, everywhere = await self._database.read(
            lambda s: (people.tier_in(s, person, scopes), people.tier_in(s, person, ()))
        )
        # Who runs the installation runs all of it; a workspace has none of its own.
        granted = max(min(here or Tier.ANYONE, Tier.ADMIN), everywhere or Tier.ANYONE)
        return replace(standing, tier=max(standing.tier, Tier(granted)))


def _over(row: JobRow, speaker: Speaker) -> Standing:
    """What the caller's standing in their place is worth over a job: nothing, where the job is
    from elsewhere and merely their own.
    """
    here, place, there = speaker.here, speaker.invocation.place, place_of(row)
    same = (place.platform, place.workspace) == (there.platform, there.workspace)
    same_channel = place.channel == there.channel or place.platform is Platform.CONSOLE
    if here.tier < Tier.OPERATOR and not (same and same_channel):
        return Standing(Tier.ANYONE, here.repository)
    is_its_author = here.is_author and here.pull is not None and here.pull.number == row.number
    return replace(here, is_author=is_its_author)


def _as_asked_there(
    account: Account, repository: str, number: int | None, invocation: Invocation
) -> Invocation:
    """The invocation as if the account had spoken in the repository."""
    caller = Caller(platform=Platform.GITHUB, account=account.account, name=account.name)
    here = invocation.place
    is_same = here.platform is Platform.GITHUB and here.channel == repository
    place = Place(
        platform=Platform.GITHUB,
        workspace=repository.partition("/")[0],
        channel=repository,
        installation=here.installation if is_same else None,
    )
    changed = {"caller": caller, "place": place, "repository": repository, "number": number}
    return invocation.model_copy(update=changed)
