"""Routes that give an issue to somebody or ask somebody for a review, under GitHub's rules; and
people who do so themselves, or answer.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from tests.fakes.github import shapes
from tests.fakes.github.access import Access
from tests.fakes.github.people import People, envelope
from tests.fakes.github.world import ApiError, Repository, World

Json = Annotated[dict[str, Any], Body()]
REPO = "/repos/{owner}/{name}"
MOST_ASSIGNEES = 10


def assignments(world: World, access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.post(REPO + "/issues/{number}/assignees", status_code=201)
    async def assign(request: Request, number: int, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "issues", write=True)
        issue = repo.issues.get(number)
        if issue is None:
            raise ApiError(404, "Not Found")
        for login in body["assignees"]:
            if add_assignee(repo, number, login):
                tell(world, repo, number, ("assigned", world.bot.login), assignee=login)
        return shapes.issue(repo, issue)

    @router.post(REPO + "/pulls/{number}/requested_reviewers", status_code=201)
    async def request_review(request: Request, number: int, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "pull_requests", write=True)
        if number not in repo.pulls:
            raise ApiError(404, "Not Found")
        for login in body["reviewers"]:
            if add_reviewer(repo, number, login):
                act = ("review_requested", world.bot.login)
                tell(world, repo, number, act, requested_reviewer=login)
        return shapes.pull(world, repo, repo.pulls[number])

    return router


def add_assignee(repo: Repository, number: int, login: str) -> bool:
    """Assign who can be; GitHub leaves others out without a word. Whether anything changed."""
    assignees = repo.issues[number].assignees
    has_room = len(assignees) < MOST_ASSIGNEES
    if login not in repo.permissions or login in assignees or not has_room:
        return False
    assignees.append(login)
    return True


def add_reviewer(repo: Repository, number: int, login: str) -> bool:
    """Ask for a review; whether anything changed. Raises ApiError."""
    if login == repo.issues[number].by.login:
        raise ApiError(422, "Review cannot be requested from pull request author.")
    if login not in repo.permissions:
        raise ApiError(
            422,
            "Reviews may only be requested from collaborators. One or more of the users or teams "
            f"you specified is not a collaborator of the {repo.full_name} repository.",
        )
    reviewers = repo.pulls[number].reviewers
    if login in reviewers:
        return False
    reviewers.append(login)
    return True


def tell(world: World, repo: Repository, number: int, act: tuple[str, str], **who: str) -> None:
    """The webhook of what the App did."""
    world.on_event(*event(world, repo, number, act, **who))


def event(
    world: World, repo: Repository, number: int, act: tuple[str, str], **who: str
) -> tuple[str, dict[str, Any]]:
    """The event's name and payload; `who` are logins by what the payload calls them."""
    users = {name: shapes.user(world.account(login)) for name, login in who.items()}
    pull = repo.pulls.get(number)
    if pull is not None:
        shown = shapes.pull(world, repo, pull)
        return "pull_request", envelope(world, repo, act, pull_request=shown, **users)
    shown = shapes.issue(repo, repo.issues[number])
    return "issues", envelope(world, repo, act, issue=shown, **users)


class Maintainers:
    """What people do with issues and pull requests themselves; each act has its webhook."""

    def __init__(self, people: People) -> None:
        """They act in the same world."""
        self._people = people
        self._world = people.world

    async def assign(self, repo: Repository, number: int, login: str, *, by: str) -> None:
        """Give it to somebody."""
        assert add_assignee(repo, number, login)
        await self._tell(repo, number, ("assigned", by), assignee=login)

    async def unassign(self, repo: Repository, number: int, login: str, *, by: str) -> None:
        """Take it back."""
        repo.issues[number].assignees.remove(login)
        await self._tell(repo, number, ("unassigned", by), assignee=login)

    async def ask_review(self, repo: Repository, number: int, login: str, *, by: str) -> None:
        """Ask for a review."""
        assert add_reviewer(repo, number, login)
        await self._tell(repo, number, ("review_requested", by), requested_reviewer=login)

    async def review(self, repo: Repository, number: int, login: str) -> None:
        """Submit one."""
        shown = shapes.pull(self._world, repo, repo.pulls[number])
        review = {"id": self._world.new_id(), "user": shapes.user(self._world.account(login))}
        act = ("submitted", login)
        payload = envelope(self._world, repo, act, pull_request=shown, review=review)
        await self._people.send("pull_request_review", payload)

    async def close(self, repo: Repository, number: int, *, by: str) -> None:
        """Close it."""
        repo.issues[number].state = "closed"
        await self._tell(repo, number, ("closed", by))

    async def mark_ready(self, repo: Repository, number: int, *, by: str) -> None:
        """A draft is one no more."""
        repo.pulls[number].draft = False
        await self._tell(repo, number, ("ready_for_review", by))

    async def _tell(self, repo: Repository, number: int, act: tuple[str, str], **who: str) -> None:
        await self._people.send(*event(self._world, repo, number, act, **who))
