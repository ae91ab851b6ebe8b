"""Puts a job's files into a repository: a branch of its own, one commit, one pull request."""

from dataclasses import dataclass, replace
from urllib.parse import quote

from bot.face import Undeliverable
from bot.github.assigning import assigned
from bot.github.authority import GitHubAuthority
from bot.github.client import PUSH, GitHubClient, Reach
from bot.github.harmless import code_span, escaped, harmless, plain_line
from bot.github.marker import marker
from bot.github.objects import Objects, check_paths
from bot.github.render import COMMENT_ROOM
from bot.github.transport import NOT_FOUND, UNPROCESSABLE, Refused
from bot.github.wire import Commit, PullAnswer, RepositoryAnswer
from bot.text import head_lines
from handlers import Application, Assignment, Caller, Platform, Tier, UserError
from storage.redaction import Redactor

LONGEST_TITLE = 120
BODY_ROOM = COMMENT_ROOM - 2_000


@dataclass(frozen=True)
class _Target:
    """Where the pull request goes."""

    branch: str
    parent: Commit
    """What the commit stands on."""


class GitHubWriter:
    """See `handlers.RepositoryWriter`; the job's id names the branch, so it is made once."""

    def __init__(self, client: GitHubClient, redactor: Redactor) -> None:
        """Writes as the App's installation."""
        self._client = client
        self._redactor = redactor
        self._authority = GitHubAuthority(client)

    async def apply(self, application: Application) -> str:
        """Open the pull request, or find the one opened before; Markdown links to it.

        GitHub is asked, now, whether `application.requested_by` may write there.

        Raises:
            UserError: It cannot be done, and why.
            Busy: GitHub does not answer now; the same call goes on where this one ended.
        """
        check_paths(application.files)
        application = replace(
            application,
            title=self._redactor.redacted(application.title),
            body=self._redactor.redacted(application.body),
        )
        await self._require_write(application.requested_by, application.repository)
        try:
            return await self._apply(application)
        except Refused as refused:
            raise UserError(_explained(application, refused)) from refused
        except Undeliverable as refused:
            raise UserError(f"I cannot reach `{application.repository}`: {refused}") from refused

    async def assign(self, assignment: Assignment) -> str:
        """Give the issue, or ask for the review; see `bot.github.assigning`.

        Raises:
            UserError: It cannot be done, and why.
            Busy: GitHub does not answer now; doing it again changes nothing.
        """
        await self._require_write(assignment.requested_by, assignment.repository)
        return await assigned(self._client, assignment)

    async def _require_write(self, by: Caller, repository: str) -> None:
        if by.platform is not Platform.GITHUB:
            raise UserError(
                f"`{by.name}` is no GitHub account; names from elsewhere prove nothing."
            )
        if await self._authority.repository_tier(by, repository) < Tier.WRITE:
            raise UserError(f"`{by.name}` has no write access to `{repository}`.")

    async def _apply(self, application: Application) -> str:
        reach = Reach(application.repository, PUSH, application.installation)
        objects = Objects(self._client, reach)
        branch = branch_of(application)
        found = await self._opened(reach, branch)
        if found is not None:
            return _link(application, found)
        target = await self._target(reach, objects, application)
        if not await objects.has_branch(branch):
            missing = await objects.missing(application.files, application.replaces, target.branch)
            if not missing:
                return f"nothing to do: `{target.branch}` holds the very same files already"
            sha = await objects.commit(missing, target.parent, _commit_message(application))
            await objects.start_branch(branch, sha)
        return _link(application, await self._open(reach, application, branch, target))

    async def _opened(self, reach: Reach, branch: str) -> PullAnswer | None:
        owner = reach.repository.partition("/")[0]
        params = {"head": f"{owner}:{branch}", "state": "all"}
        path = f"/repos/{reach.repository}/pulls"
        found = (await self._client.get(reach, path, params)).many(PullAnswer)
        return next((pull for pull in found if pull.head.ref == branch), None)

    async def _target(self, reach: Reach, objects: Objects, application: Application) -> _Target:
        pull = await self._pull(reach, application.number)
        if pull is None:
            named, sha = application.base_ref, application.base_sha
            if named is not None and await objects.has_branch(named):
                branch = named
            else:  # what a tag or a commit holds need not be on any branch of today
                branch, sha = await self._default_branch(reach), None if named else sha
        elif pull.head.repo is not None and pull.head.repo.full_name == reach.repository:
            is_open = pull.state == "open"
            branch, sha = (pull.head if is_open else pull.base).ref, application.base_sha
            sha = sha if is_open else None
        else:  # a fork's commits are not ours to stand on
            branch, sha = pull.base.ref, None
        return _Target(branch, await self._parent(objects, sha, branch))

    async def _parent(self, objects: Objects, sha: str | None, branch: str) -> Commit:
        """The commit the job saw, or the branch's newest where that is gone."""
        if sha is not None:
            try:
                return await objects.tip(sha)
            except Refused as refused:
                if refused.status not in (NOT_FOUND, UNPROCESSABLE):
                    raise
        return await objects.tip(branch)

    async def _pull(self, reach: Reach, number: int | None) -> PullAnswer | None:
        if number is None:
            return None
        try:
            answer = await self._client.get(reach, f"/repos/{reach.repository}/pulls/{number}")
        except Refused as refused:
            if refused.is_missing:
                return None
            raise
        return answer.one(PullAnswer)

    async def _default_branch(self, reach: Reach) -> str:
        answer = await self._client.get(reach, f"/repos/{reach.repository}")
        return answer.one(RepositoryAnswer).default_branch

    async def _open(
        self, reach: Reach, application: Application, branch: str, target: _Target
    ) -> PullAnswer:
        values = {
            "title": _title(application),
            "head": branch,
            "base": target.branch,
            "body": self._redactor.redacted(_body(application)),
            "maintainer_can_modify": True,
        }
        path = f"/repos/{reach.repository}/pulls"
        try:
            return (await self._client.write(reach, "POST", path, values)).one(PullAnswer)
        except Refused as refused:
            found = await self._opened(reach, branch) if refused.status == UNPROCESSABLE else None
            if found is None:
                raise
            return found


def branch_of(application: Application) -> str:
    """The branch a job's files go to."""
    return f"gryph/{application.job.lower()}"


def _title(application: Application) -> str:
    title = plain_line(application.title) or f"Files of job {application.job}"
    return title[:LONGEST_TITLE]


def _commit_message(application: Application) -> str:
    by = plain_line(application.requested_by.name)
    return f"{_title(application)}\n\nGryph-Job: {application.job}\nAsked for by {by}."


def _body(application: Application) -> str:
    files = "\n".join(f"- {code_span(path)}" for path in sorted(application.files)[:50])
    said = harmless(head_lines(application.body, BODY_ROOM // 2))
    about = f"For #{application.number}. " if application.number is not None else ""
    by = escaped(application.requested_by.name)
    return (
        f"{said}\n\n{files}\n\n{about}Applied by {by} from job `{application.job}`.\n\n"
        f"{marker(f'{application.job}:pull', application.job)}"
    )


def _link(application: Application, pull: PullAnswer) -> str:
    name = f"{application.repository}#{pull.number}"
    state = "merged" if pull.merged_at is not None else pull.state
    suffix = "" if state == "open" else f" ({state})"
    address = pull.html_url or f"https://github.com/{quote(application.repository)}"
    return f"[{name}]({address}){suffix}"


def _explained(application: Application, refused: Refused) -> str:
    repository = application.repository
    match refused.status:
        case 403:
            return f"GitHub does not let me write to `{repository}`: {refused.reason}"
        case 404 | 410:
            return f"`{repository}`, or a branch in it, is not there (any more)."
        case 409:
            return f"`{repository}` has no commits yet; make a first one."
        case _:
            return f"GitHub refused to change `{repository}`: {refused.reason}"
