"""What a person may do on GitHub: the permission the repository gives them right now.

Not `author_association`, which is NONE for members whose membership is private.
"""

import asyncio
from urllib.parse import quote

import structlog

from bot.face import Undeliverable
from bot.github.client import READ, GitHubClient, Reach
from bot.github.pulls import pull_request
from bot.github.transport import CONFLICT, UNPROCESSABLE, Refused
from bot.github.wire import Commit, PermissionAnswer, RepositoryAnswer, User
from bot.minute import Minute
from handlers import Caller, Invocation, PullRequest, Standing, Tier

log = structlog.get_logger()

_TIERS = {
    "admin": Tier.ADMIN,
    "write": Tier.WRITE,
    "read": Tier.READ,
    # as GitHub names them elsewhere, and other servers here too
    "maintain": Tier.WRITE,
    "push": Tier.WRITE,
    "triage": Tier.READ,
    "pull": Tier.READ,
}


class GitHubAuthority:
    """Asks GitHub; see `bot.face.Authority`."""

    def __init__(self, client: GitHubClient) -> None:
        """Reads as the App's installation."""
        self._client = client
        self._branches: Minute[str, str] = Minute()

    async def standing(self, invocation: Invocation) -> Standing:
        """The caller's permission, and the pull request as it is now. Raises Busy."""
        repository = invocation.repository or invocation.place.channel
        reach = Reach(repository, READ, invocation.place.installation)
        try:
            tier, (pull, head_sha) = await asyncio.gather(
                self._tier(reach, invocation.caller), self._code(reach, invocation.number)
            )
        except Undeliverable as refused:
            log.warning("github tells no standing", repository=repository, reason=str(refused))
            return Standing(Tier.ANYONE, repository)
        caller = invocation.caller
        return Standing(
            tier,
            repository,
            pull,
            head_sha,
            is_author=pull is not None and _wrote(pull, caller),
            account=caller,
        )

    async def repository_tier(self, caller: Caller, repository: str) -> Tier:
        """What the owner of a GitHub account may do in a repository; for people who speak from
        elsewhere and have linked that account. Raises Busy.
        """
        try:
            return await self._tier(Reach(repository, READ), caller)
        except Undeliverable as refused:
            log.warning("github tells no permission", repository=repository, reason=str(refused))
            return Tier.ANYONE

    async def _tier(self, reach: Reach, caller: Caller) -> Tier:
        """The login may have changed hands since, so the account's number has to match."""
        login = quote(caller.name, safe="")
        path = f"/repos/{reach.repository}/collaborators/{login}/permission"
        try:
            answer = (await self._client.get(reach, path)).one(PermissionAnswer)
        except Refused as refused:
            if refused.is_missing:
                return Tier.ANYONE
            raise
        if not _is_account(answer.user, caller.account):
            return Tier.ANYONE
        return _TIERS.get(answer.permission, Tier.ANYONE)

    async def _code(
        self, reach: Reach, number: int | None
    ) -> tuple[PullRequest | None, str | None]:
        pull = None if number is None else await pull_request(self._client, reach, number)
        if pull is not None:
            return pull, pull.head_sha
        return None, await self._default_head(reach)

    async def _default_head(self, reach: Reach) -> str | None:
        """The default branch's newest commit; None in a repository without any."""
        try:
            branch = quote(await self._default_branch(reach), safe="")
            path = f"/repos/{reach.repository}/commits/{branch}"
            return (await self._client.get(reach, path)).one(Commit).sha
        except Refused as refused:
            if refused.is_missing or refused.status in (CONFLICT, UNPROCESSABLE):
                return None
            raise

    async def _default_branch(self, reach: Reach) -> str:
        known = self._branches.get(reach.repository)
        if known is not None:
            return known
        answer = await self._client.get(reach, f"/repos/{reach.repository}")
        return self._branches.put(reach.repository, answer.one(RepositoryAnswer).default_branch)


def _wrote(pull: PullRequest, caller: Caller) -> bool:
    """By the account's number, since a login may change hands; by login where none is told."""
    if pull.author_account is not None and caller.account.isdecimal():
        return pull.author_account == caller.account
    return pull.author.lower() == caller.name.lower()


def _is_account(user: User | None, account: str) -> bool:
    """Whether the answer is about the same account, as far as it says."""
    if user is None or user.id is None or not account.isdecimal():
        return True
    return str(user.id) == account
