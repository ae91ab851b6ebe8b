"""Routes of repositories, their contents, git objects and check runs."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from tests.fakes.github import shapes
from tests.fakes.github.access import Access
from tests.fakes.github.repositories import NoSuchObject
from tests.fakes.github.world import APP_ID, ApiError, CheckRun, Repository, World

Json = Annotated[dict[str, Any], Body()]
REPO = "/repos/{owner}/{name}"
MOST_ACTIONS = 3
MOST_ANNOTATIONS = 50
LONGEST_OUTPUT = 65_535
_STATUSES = ("queued", "in_progress", "completed")
_CONCLUSIONS = (
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "success",
    "skipped",
    "timed_out",
)


def code(world: World, access: Access) -> APIRouter:
    """The routes."""
    router = APIRouter()
    _repositories(router, world, access)
    _history(router, world, access)
    _git(router, world, access)
    _checks(router, world, access)
    return router


def _repositories(router: APIRouter, world: World, access: Access) -> None:
    @router.get(REPO)
    async def show(request: Request) -> dict[str, Any]:
        return shapes.repository(world, access.repository(request, "metadata"))

    @router.get(REPO + "/collaborators/{login}/permission")
    async def permission(request: Request, login: str) -> dict[str, Any]:
        repo = access.repository(request, "metadata")
        if login not in world.accounts:
            raise ApiError(404, "Not Found")
        default = "none" if repo.private else "read"
        held = repo.permissions.get(login, default)
        return {"permission": held, "user": shapes.user(world.accounts[login]), "role_name": held}

    @router.get(REPO + "/commits/{ref}")
    async def commit(request: Request, ref: str) -> dict[str, Any]:
        repo = access.repository(request, "contents")
        return _commit(repo, world.sha(repo, ref))

    @router.get(REPO + "/branches")
    async def branches(request: Request) -> list[dict[str, Any]]:
        repo = access.repository(request, "contents")
        found = repo.git.branches().items()
        return [{"name": name, "commit": {"sha": sha}} for name, sha in found]

    @router.get(REPO + "/contents/{path:path}")
    async def contents(request: Request, path: str, ref: str = "") -> Any:
        repo = access.repository(request, "contents")
        sha = world.sha(repo, ref or repo.git.default_branch)
        try:
            if repo.git.kind(sha, path) == "tree":
                return [{"name": name, "type": "file"} for name in repo.git.listing(sha, path)]
            found = repo.git.blob(sha, path)
        except NoSuchObject as missing:
            raise ApiError(404, "Not Found") from missing
        text = base64.b64encode(found.content).decode()
        return {"type": "file", "path": path, "sha": found.sha, "content": text}


def _history(router: APIRouter, world: World, access: Access) -> None:
    @router.get(REPO + "/commits/{sha}/branches-where-head")
    async def heads(request: Request, sha: str) -> list[dict[str, Any]]:
        repo = access.repository(request, "contents")
        found = repo.git.branches().items()
        return [{"name": name, "commit": {"sha": head}} for name, head in found if head == sha]

    @router.get(REPO + "/compare/{span}")
    async def compare(request: Request, span: str) -> dict[str, Any]:
        repo = access.repository(request, "contents")
        base, head = (world.sha(repo, end) for end in span.split("..."))
        behind, ahead = repo.git.holds(base, head), repo.git.holds(head, base)
        words = {(True, True): "identical", (True, False): "behind", (False, True): "ahead"}
        try:
            parted = repo.git.merge_base(base, head)
        except NoSuchObject as missing:
            raise ApiError(404, "Not Found") from missing
        names = repo.git.changed(base, head)
        return {
            "status": words.get((behind, ahead), "diverged"),
            "merge_base_commit": {"sha": parted},
            "files": [
                {"filename": name, "patch": repo.git.patch(base, head, name)} for name in names
            ],
        }


def _commit(repo: Repository, sha: str) -> dict[str, Any]:
    tree, message = repo.git.tree_of(sha), repo.git.message_of(sha)
    return {"sha": sha, "commit": {"tree": {"sha": tree}, "message": message}}


def _git(router: APIRouter, world: World, access: Access) -> None:
    @router.get(REPO + "/git/ref/{ref:path}")
    async def ref(request: Request, ref: str) -> dict[str, Any]:
        repo = access.repository(request, "contents")
        try:
            sha = repo.git.resolve(f"refs/{ref}")
        except NoSuchObject as missing:
            raise ApiError(404, "Not Found") from missing
        return {"ref": f"refs/{ref}", "object": {"type": "commit", "sha": sha}}

    @router.post(REPO + "/git/refs", status_code=201)
    async def new_ref(request: Request, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "contents", write=True)
        name, sha = str(body["ref"]), str(body["sha"])
        if not name.startswith("refs/") or not repo.git.has(sha):
            raise ApiError(422, "Object does not exist")
        if repo.git.has(name):
            raise ApiError(422, "Reference already exists")
        repo.git.set_ref(name, sha)
        return {"ref": name, "object": {"type": "commit", "sha": sha}}

    @router.post(REPO + "/git/blobs", status_code=201)
    async def new_blob(request: Request, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "contents", write=True)
        text = str(body["content"])
        content = base64.b64decode(text) if body.get("encoding") == "base64" else text.encode()
        return {"sha": repo.git.make_blob(content)}

    @router.post(REPO + "/git/trees", status_code=201)
    async def new_tree(request: Request, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "contents", write=True)
        blobs = {str(each["path"]): str(each["sha"]) for each in body["tree"]}
        if not all(map(repo.git.has, blobs.values())):
            raise ApiError(422, "tree.sha is not a valid blob")
        return {"sha": repo.git.make_tree(body.get("base_tree"), blobs)}

    @router.post(REPO + "/git/commits", status_code=201)
    async def new_commit(request: Request, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "contents", write=True)
        parents = [str(each) for each in body.get("parents", [])]
        sha = repo.git.make_commit(str(body["tree"]), parents, str(body["message"]))
        return {"sha": sha, "tree": {"sha": body["tree"]}}


def _checks(router: APIRouter, world: World, access: Access) -> None:
    @router.post(REPO + "/check-runs", status_code=201)
    async def create(request: Request, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "checks", write=True)
        if not body.get("name") or not repo.git.has(str(body.get("head_sha"))):
            raise ApiError(422, "No commit found for SHA")
        made = CheckRun(world.new_id(), str(body["head_sha"]), {"status": "queued"})
        _write(made, body)
        repo.checks[made.id] = made
        return shapes.check_run(repo, made, APP_ID)

    @router.patch(REPO + "/check-runs/{check}")
    async def update(request: Request, check: int, body: Json) -> dict[str, Any]:
        repo = access.repository(request, "checks", write=True)
        if check not in repo.checks:
            raise ApiError(404, "Not Found")
        _write(repo.checks[check], body)
        return shapes.check_run(repo, repo.checks[check], APP_ID)

    @router.get(REPO + "/check-runs/{check}")
    async def show(request: Request, check: int) -> dict[str, Any]:
        repo = access.repository(request, "checks")
        if check not in repo.checks:
            raise ApiError(404, "Not Found")
        return shapes.check_run(repo, repo.checks[check], APP_ID)

    @router.get(REPO + "/commits/{ref}/check-runs")
    async def of_commit(request: Request, ref: str, check_name: str = "") -> dict[str, Any]:
        repo = access.repository(request, "checks")
        sha = world.sha(repo, ref)
        found = [
            shapes.check_run(repo, each, APP_ID)
            for each in repo.checks.values()
            if each.head_sha == sha and check_name in ("", each.values["name"])
        ]
        return {"total_count": len(found), "check_runs": found}


def _write(run: CheckRun, body: dict[str, Any]) -> None:
    """Take new values in, under GitHub's rules. Raises ApiError."""
    values = {**run.values, **body}
    if body.get("conclusion"):
        values["status"] = "completed"
    wrong = [
        *(["status"] if values["status"] not in _STATUSES else []),
        *(["conclusion"] if values["status"] == "completed" and not _concluded(values) else []),
        *_wrong_actions(body.get("actions", [])),
        *_wrong_output(body.get("output")),
    ]
    if wrong:
        raise ApiError(422, "Invalid request.", errors=wrong)
    run.annotations += body.get("output", {}).get("annotations", [])
    if "output" in values:
        values["output"] = {**values["output"], "annotations_count": len(run.annotations)}
    run.values = values
    run.history.append(values)


def _concluded(values: dict[str, Any]) -> bool:
    return values.get("conclusion") in _CONCLUSIONS


def _wrong_actions(actions: list[dict[str, str]]) -> list[str]:
    limits = {"label": 20, "description": 40, "identifier": 20}
    wrong = [
        f"actions.{name}"
        for action in actions
        for name, most in limits.items()
        if not 0 < len(action.get(name, "")) <= most
    ]
    return wrong + (["actions"] if len(actions) > MOST_ACTIONS else [])


def _wrong_output(output: dict[str, Any] | None) -> list[str]:
    if output is None:
        return []
    missing = [name for name in ("title", "summary") if not output.get(name)]
    long = [
        name
        for name in ("summary", "text")
        if len(str(output.get(name, "")).encode()) > LONGEST_OUTPUT
    ]
    annotations: list[dict[str, Any]] = output.get("annotations", [])
    many = ["annotations"] if len(annotations) > MOST_ANNOTATIONS else []
    wrong = ["annotations" for each in annotations if not _is_annotation(each)]
    return [f"output.{name}" for name in (*missing, *long, *many, *wrong)]


def _is_annotation(given: dict[str, Any]) -> bool:
    lines = given.get("start_line"), given.get("end_line")
    is_placed = bool(given.get("path")) and all(isinstance(each, int) for each in lines)
    message = str(given.get("message", "")).encode()
    levels = ("notice", "warning", "failure")
    return is_placed and given.get("annotation_level") in levels and 0 < len(message) <= 65_536
