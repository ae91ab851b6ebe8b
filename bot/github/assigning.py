"""Gives an issue to somebody, or asks somebody for a review.

Of an assignee that cannot be one GitHub says nothing and leaves them out, so its answer is read; of
a reviewer it says so. Doing it twice is the same as doing it once.
https://docs.github.com/rest/issues/assignees, https://docs.github.com/rest/pulls/review-requests
"""

from bot.face import Undeliverable
from bot.github.client import COMMENT, GitHubClient, Reach
from bot.github.harmless import code_span
from bot.github.transport import FORBIDDEN, UNPROCESSABLE, Refused
from bot.github.wire import IssueAnswer
from handlers import Assignment, UserError


async def assigned(client: GitHubClient, assignment: Assignment) -> str:
    """Do it, and return where, as Markdown. Raises UserError, Busy."""
    try:
        address = await _given(client, assignment)
    except Refused as refused:
        raise UserError(_explained(assignment, refused)) from refused
    except Undeliverable as refused:
        raise UserError(f"I cannot reach `{assignment.repository}`: {refused}") from refused
    where = f"{assignment.repository}#{assignment.number}"
    return f"[{where}]({address})" if address else f"`{where}`"


async def _given(client: GitHubClient, assignment: Assignment) -> str:
    """The address of what was given. Raises Refused, UserError."""
    reach = Reach(assignment.repository, COMMENT, assignment.installation)
    root, login = f"/repos/{assignment.repository}", assignment.login
    if assignment.is_review:
        path, body = f"{root}/pulls/{assignment.number}/requested_reviewers", {"reviewers": [login]}
        return (await client.write(reach, "POST", path, body)).one(IssueAnswer).html_url
    path, body = f"{root}/issues/{assignment.number}/assignees", {"assignees": [login]}
    issue = (await client.write(reach, "POST", path, body)).one(IssueAnswer)
    if login.lower() not in (user.login.lower() for user in issue.assignees):
        raise UserError(
            f"GitHub does not let {code_span(login)} be assigned to "
            f"`{assignment.repository}#{assignment.number}`: they have no access to the repository "
            "(or it has as many assignees as it can have)."
        )
    return issue.html_url


def _explained(assignment: Assignment, refused: Refused) -> str:
    where, who = f"`{assignment.repository}#{assignment.number}`", code_span(assignment.login)
    if refused.is_missing:
        return f"{where} is not there (any more)."
    if refused.status == FORBIDDEN:
        return f"GitHub does not let me change who does {where}: {refused.reason}"
    if refused.status == UNPROCESSABLE and assignment.is_review:
        return f"GitHub does not let {who} be asked for a review of {where}: {refused.reason}"
    return f"GitHub refused to give {where} to {who}: {refused.reason}"
