"""Routes of issues, pull requests, comments and reactions."""

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request

from tests.fakes.github import shapes
from tests.fakes.github.access import Access
from tests.fakes.github.people import add_comment, comment_event, set_body
from tests.fakes.github.repositories import NoSuchObject
from tests.fakes.github.world import APP_ID, ApiError, Comment, Pull, Repository, World

Json = Annotated[dict[str, Any], Body()]
REPO = "/repos/{owner}/{name}"
TALK = ("issues", "pull_requests")


def conversations(world: World, access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter()
    _issues(router, access)
    _comments(router, world, access)
    _review_comments(router, world, access)
    _pulls(router, world, access)
    return router


def _comments(router: APIRouter, world: World, access: Access) -> None:
    @router.get(REPO + "/issues/{number}/comments")
    async def list_comments(
        request: Request,
        number: int,
        since: datetime | None = None,
        per_page: int = 30,
        page: int = 1,
    ) -> list[dict[str, Any]]:
        repo = access.repository(request, *TALK)
        if number not in repo.issues:
            raise ApiError(404, "Not Found")
        found = [each for each in repo.said(number) if not each.review]
        return _shown(repo, found[(page - 1) * per_page :], since, per_page)

    @router.post(REPO + "/issues/{number}/comments", status_code=201)
    async def create(request: Request, number: int, body: Json) -> dict[str, Any]:
        repo = access.repository(request, *TALK, write=True)
        return _create(world, repo, number, body.get("body"))

    @router.patch(REPO + "/issues/comments/{comment}")
    async def edit(request: Request, comment: int, body: Json) -> dict[str, Any]:
        repo = access.repository(request, *TALK, write=True)
        return _edit(world, repo, _comment(repo, comment, review=False), body.get("body"))

    @router.delete(REPO + "/issues/comments/{comment}", status_code=204)
    async def delete(request: Request, comment: int) -> None:
        repo = access.repository(request, *TALK, write=True)
        del repo.comments[_comment(repo, comment, review=False).id]

    @router.get(REPO + "/issues/comments/{comment}")
    async def show_comment(request: Request, comment: int) -> dict[str, Any]:
        repo = access.repository(request, *TALK)
        return shapes.comment(repo, _comment(repo, comment, review=False))

    @router.get(REPO + "/issues/comments/{comment}/reactions")
    async def reactions(request: Request, comment: int) -> list[dict[str, Any]]:
        repo = access.repository(request, *TALK)
        found = _comment(repo, comment, review=False)
        return [shapes.reaction(each) for each in found.reactions]

    @router.get(REPO + "/issues/{number}")
    async def show(request: Request, number: int) -> dict[str, Any]:
        repo = access.repository(request, *TALK)
        if number not in repo.issues:
            raise ApiError(404, "Not Found")
        return shapes.issue(repo, repo.issues[number])


def _issues(router: APIRouter, access: Access) -> None:
    @router.get(REPO + "/issues")
    async def list_issues(
        request: Request,
        milestone: str = "",
        assignee: str = "",
        state: str = "open",
        per_page: int = 30,
        page: int = 1,
    ) -> list[dict[str, Any]]:
        repo = access.repository(request, "issues")
        if milestone.isdecimal() and int(milestone) not in repo.milestones:
            raise ApiError(422, "Validation Failed", errors=["milestone"])
        found = [
            one
            for one in reversed(repo.issues.values())
            if state in ("all", one.state)
            and milestone in ("", str(one.milestone))
            and (assignee != "*" or one.assignees)
        ]
        size = min(per_page, 100)
        return [shapes.issue(repo, one) for one in found[(page - 1) * size : page * size]]

    @router.get(REPO + "/issues/events")
    async def list_events(
        request: Request, per_page: int = 30, page: int = 1
    ) -> list[dict[str, Any]]:
        repo = access.repository(request, "issues")
        happened = [
            (at, event, one)
            for one in repo.issues.values()
            for event, at in (("assigned", one.assigned_at), ("closed", one.closed_at))
            if at is not None
        ]
        happened.sort(key=lambda each: each[0], reverse=True)
        size = min(per_page, 100)
        return [
            {"event": event, "created_at": shapes.stamp(at), "issue": shapes.issue(repo, one)}
            for at, event, one in happened[(page - 1) * size : page * size]
        ]

    @router.get(REPO + "/milestones")
    async def list_milestones(
        request: Request, state: str = "open", per_page: int = 30
    ) -> list[dict[str, Any]]:
        repo = access.repository(request, "issues")
        found = [one for one in repo.milestones.values() if state in ("all", one.state)]
        return [shapes.milestone(one) for one in found[: min(per_page, 100)]]


def _review_comments(router: APIRouter, world: World, access: Access) -> None:
    @router.get(REPO + "/pulls/{number}/comments")
    async def list_comments(
        request: Request,
        number: int,
        since: datetime | None = None,
        per_page: int = 30,
        page: int = 1,
        direction: str = "asc",
    ) -> list[dict[str, Any]]:
        repo = access.repository(request, "pull_requests")
        found = [each for each in repo.said(number) if each.review]
        if direction == "desc":
            found.reverse()
        return _shown(repo, found[(page - 1) * per_page :], since, per_page)

    @router.post(REPO + "/pulls/{number}/comments/{comment}/replies", status_code=201)
    async def reply(request: Request, number: int, comment: int, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "pull_requests", write=True)
        first = _comment(repo, comment, review=True)
        if first.in_reply_to is not None or first.number != number:
            raise ApiError(422, "Validation Failed", errors=["not the first comment of a thread"])
        return _create(world, repo, number, body.get("body"), reply_to=comment)

    @router.patch(REPO + "/pulls/comments/{comment}")
    async def edit(request: Request, comment: int, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "pull_requests", write=True)
        return _edit(world, repo, _comment(repo, comment, review=True), body.get("body"))


def _pulls(router: APIRouter, world: World, access: Access) -> None:
    @router.get(REPO + "/pulls/{number}")
    async def show(request: Request, number: int) -> dict[str, Any]:
        repo = access.repository(request, "pull_requests")
        if number not in repo.pulls:
            raise ApiError(404, "Not Found")
        pull = repo.pulls[number]
        changed = repo.git.changed(world.sha(repo, pull.base_ref), pull.head_sha)
        return {**shapes.pull(world, repo, pull), "changed_files": len(changed)}

    @router.get(REPO + "/pulls/{number}/commits")
    async def commits(request: Request, number: int) -> list[dict[str, Any]]:
        repo = access.repository(request, "pull_requests")
        pull = repo.pulls[number]
        signed = repo.git.signed_in(world.sha(repo, pull.base_ref), pull.head_sha)
        return [_commit(name, email) for name, email in signed]

    @router.get(REPO + "/pulls")
    async def list_pulls(
        request: Request, head: Annotated[str, Query()] = "", state: str = "open"
    ) -> list[dict[str, Any]]:
        repo = access.repository(request, "pull_requests")
        return [
            shapes.pull(world, repo, pull)
            for pull in repo.pulls.values()
            if state in ("all", repo.issues[pull.number].state)
            and head in ("", f"{(pull.head_repository or '').partition('/')[0]}:{pull.head_ref}")
        ]

    @router.post(REPO + "/pulls", status_code=201)
    async def create(request: Request, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "pull_requests", write=True)
        return shapes.pull(world, repo, _open(world, repo, body))

    @router.get(REPO + "/pulls/{number}/files")
    async def files(
        request: Request, number: int, per_page: int = 30, page: int = 1
    ) -> list[dict[str, Any]]:
        repo = access.repository(request, "pull_requests")
        pull = repo.pulls[number]
        base = world.sha(repo, pull.base_ref)
        names = repo.git.changed(base, pull.head_sha)
        size = min(per_page, 100)
        shown = names[(page - 1) * size : page * size]
        return [{"filename": name, "status": "modified"} for name in shown]


def _commit(name: str, email: str) -> dict[str, Any]:
    """A commit; GitHub knows whose it is by the address that it gave them itself."""
    login = re.fullmatch(r"\d+\+(.+)@users\.noreply\.github\.com", email)
    return {
        "commit": {"author": {"name": name, "email": email}},
        "author": {"login": login[1]} if login else None,
    }


def _open(world: World, repo: Repository, body: dict[str, Any]) -> Pull:
    head, base = str(body["head"]), str(body["base"])
    try:
        sha = repo.git.resolve(f"refs/heads/{head}")
        target = repo.git.resolve(f"refs/heads/{base}")
    except NoSuchObject as missing:
        raise ApiError(422, "Validation Failed", errors=[f"{missing} is invalid"]) from missing
    known = [each for each in repo.pulls.values() if each.head_ref == head]
    if any(repo.issues[each.number].state == "open" for each in known):
        message = f"A pull request already exists for {repo.owner.login}:{head}."
        raise ApiError(422, "Validation Failed", errors=[{"message": message}])
    if sha == target:
        message = f"No commits between {base} and {head}"
        raise ApiError(422, "Validation Failed", errors=[{"message": message}])
    number = repo.new_number()
    title = str(body["title"])
    if not title or len(title) > 256:
        raise ApiError(422, "Validation Failed", errors=["title"])
    world.talk(repo, number, world.bot, title, str(body.get("body") or ""))
    repo.pulls[number] = Pull(number, repo.full_name, head, sha, base)
    repo.git.set_ref(f"refs/pull/{number}/head", sha)
    return repo.pulls[number]


def _shown(
    repo: Repository, found: list[Comment], since: datetime | None, per_page: int
) -> list[dict[str, Any]]:
    late = [each for each in found if since is None or each.updated_at >= since]
    return [shapes.comment(repo, each) for each in late[: min(per_page, 100)]]


def _comment(repo: Repository, comment: int, *, review: bool) -> Comment:
    found = repo.comments.get(comment)
    if found is None or found.review != review:
        raise ApiError(404, "Not Found")
    return found


def _create(
    world: World,
    repo: Repository,
    number: int,
    body: Any,
    *,
    reply_to: int | None = None,
) -> dict[str, Any]:
    review = reply_to is not None
    made = add_comment(world, repo, number, world.bot, body, app=APP_ID, review=review)
    made.in_reply_to = reply_to
    world.on_event(*comment_event(world, repo, made, ("created", world.bot.login)))
    return shapes.comment(repo, made)


def _edit(world: World, repo: Repository, comment: Comment, body: Any) -> dict[str, Any]:
    changes = {"body": {"from": comment.body}}
    set_body(world, comment, body)
    act = ("edited", world.bot.login)
    world.on_event(*comment_event(world, repo, comment, act, changes=changes))
    return shapes.comment(repo, comment)
