"""A pull request as it is now."""

from bot.github.client import GitHubClient, Reach
from bot.github.transport import Refused
from bot.github.wire import PullAnswer, User
from handlers import PullRequest

DELETED_FORK = "(deleted fork)"


async def pull_request(client: GitHubClient, reach: Reach, number: int) -> PullRequest | None:
    """The pull request with this number; None when there is none. Raises Busy, Refused."""
    try:
        answer = await client.get(reach, f"/repos/{reach.repository}/pulls/{number}")
    except Refused as refused:
        if refused.is_missing:
            return None
        raise
    found = answer.one(PullAnswer)
    head, base = found.head.repo, found.base.repo
    return PullRequest(
        number=found.number,
        head_sha=found.head.sha,
        head_repository=head.full_name if head else DELETED_FORK,
        base_repository=base.full_name if base else reach.repository,
        base_ref=found.base.ref,
        author=found.user.login if found.user else "",
        author_account=account_of(found.user),
        title=found.title,
        is_open=found.state == "open",
    )


def account_of(user: User | None) -> str | None:
    """The number of an account, which stays when its login changes hands."""
    return None if user is None or user.id is None else str(user.id)
