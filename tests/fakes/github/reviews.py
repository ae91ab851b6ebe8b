"""Routes of reviews, which speak of lines of a pull request, under GitHub's rules."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from tests.fakes.github.access import Access
from tests.fakes.github.people import add_comment, check_body, comment_event
from tests.fakes.github.world import APP_ID, ApiError, Line, Repository, World

Json = Annotated[dict[str, Any], Body()]
PATH = "/repos/{owner}/{name}/pulls/{number}/reviews"
_STATES = {
    "COMMENT": "COMMENTED",
    "APPROVE": "APPROVED",
    "REQUEST_CHANGES": "CHANGES_REQUESTED",
    None: "PENDING",
}


def reviews(world: World, access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get(PATH)
    async def list_reviews(request: Request, number: int) -> list[dict[str, Any]]:
        repo = access.repository(request, "pull_requests")
        return [each for each in repo.reviews if each["number"] == number]

    @router.post(PATH)
    async def create(request: Request, number: int, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "pull_requests", write=True)
        if number not in repo.pulls:
            raise ApiError(404, "Not Found")
        state = _state(repo, number, body)
        lines = [_line(world, repo, number, body, each) for each in body.get("comments", [])]
        made = {"id": world.new_id(), "number": number, **body, "state": state}
        for line, remark in zip(lines, body.get("comments", []), strict=True):
            _say(world, repo, number, line, remark["body"])
        repo.reviews.append(made)
        return made

    return router


def _state(repo: Repository, number: int, body: dict[str, Any]) -> str:
    """What the review is from the start. Raises ApiError."""
    event = body.get("event")
    if event not in _STATES:
        raise _unprocessable("event")
    said = body.get("body") or ""
    if said:
        check_body(said)
    if event in ("COMMENT", "REQUEST_CHANGES") and not said and not body.get("comments"):
        raise _unprocessable("body can't be blank")
    pending = [each for each in repo.reviews if each["number"] == number]
    if event is None and any(each["state"] == "PENDING" for each in pending):
        raise _unprocessable("User can only have one pending review per pull request")
    return _STATES[event]


def _line(
    world: World, repo: Repository, number: int, body: dict[str, Any], remark: dict[str, Any]
) -> Line:
    """The line a comment is about, which has to be in the diff. Raises ApiError."""
    pull = repo.pulls[number]
    commit = str(body.get("commit_id") or pull.head_sha)
    if not repo.git.has(commit):
        raise _unprocessable("commit_id is not part of the pull request")
    check_body(remark.get("body"))
    path, line = str(remark.get("path")), remark.get("line")
    base = world.sha(repo, pull.base_ref)
    if path not in repo.git.changed(base, commit):
        raise _unprocessable("Path could not be resolved")
    if remark.get("side", "RIGHT") != "RIGHT":
        raise _unprocessable("this fake knows the newer side only")
    if not isinstance(line, int) or line not in repo.git.diff_shows(base, commit, path):
        raise _unprocessable("Line could not be resolved")
    return Line(commit, path, line)


def _say(world: World, repo: Repository, number: int, line: Line, text: str) -> None:
    made = add_comment(world, repo, number, world.bot, text, app=APP_ID, review=True)
    made.line = line
    world.on_event(*comment_event(world, repo, made, ("created", world.bot.login)))


def _unprocessable(why: str) -> ApiError:
    return ApiError(422, "Unprocessable Entity", errors=[why])
