"""The state as GitHub's JSON: the fields that clients commonly read."""

from datetime import datetime
from typing import Any

from tests.fakes.github.world import (
    Account,
    CheckRun,
    Comment,
    Issue,
    Milestone,
    Pull,
    Reaction,
    Repository,
    World,
)

WEB = "https://github.test"
EMOJI = {
    "+1": "THUMBS_UP",
    "-1": "THUMBS_DOWN",
    "laugh": "LAUGH",
    "confused": "CONFUSED",
    "heart": "HEART",
    "hooray": "HOORAY",
    "rocket": "ROCKET",
    "eyes": "EYES",
}


def stamp(at: datetime | None) -> str | None:
    """A time as GitHub writes it."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def user(account: Account) -> dict[str, Any]:
    """An account."""
    return {"login": account.login, "id": account.id, "type": account.type}


def repository(world: World, repo: Repository) -> dict[str, Any]:
    """A repository."""
    return {
        "id": abs(hash(repo.full_name)) % 10**9,
        "name": repo.name,
        "full_name": repo.full_name,
        "owner": user(repo.owner),
        "private": repo.private,
        "archived": repo.archived,
        "default_branch": repo.git.default_branch,
        "html_url": f"{WEB}/{repo.full_name}",
        "pushed_at": stamp(world.now()),
    }


def issue(repo: Repository, one: Issue) -> dict[str, Any]:
    """An issue, or a pull request as one."""
    found: dict[str, Any] = {
        "id": one.id,
        "number": one.number,
        "title": one.title,
        "body": one.body,
        "state": one.state,
        "locked": one.locked,
        "user": user(one.by),
        "created_at": stamp(one.created_at),
        "closed_at": stamp(one.closed_at),
        "html_url": f"{WEB}/{repo.full_name}/issues/{one.number}",
        "labels": [{"id": abs(hash(name)) % 10**9, "name": name} for name in one.labels],
        "assignees": [{"login": login, "type": "User"} for login in one.assignees],
        "milestone": None if one.milestone is None else milestone(repo.milestones[one.milestone]),
    }
    if one.number in repo.pulls:
        found["pull_request"] = {"html_url": f"{WEB}/{repo.full_name}/pull/{one.number}"}
    return found


def milestone(one: Milestone) -> dict[str, Any]:
    """A milestone."""
    return {
        "number": one.number,
        "title": one.title,
        "state": one.state,
        "due_on": stamp(one.due_on),
    }


def node_id(one: Comment) -> str:
    """A comment's id in GraphQL."""
    return f"{'PRRC' if one.review else 'IC'}_kw{one.id}"


def comment(repo: Repository, one: Comment) -> dict[str, Any]:
    """A comment of either kind."""
    found: dict[str, Any] = {
        "id": one.id,
        "node_id": node_id(one),
        "body": one.body,
        "user": user(one.by),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "html_url": f"{WEB}/{repo.full_name}/issues/{one.number}#issuecomment-{one.id}",
        "performed_via_github_app": {"id": int(one.app), "slug": "gryph"} if one.app else None,
    }
    if one.review:
        found["in_reply_to_id"] = one.in_reply_to
        found |= _placed(repo, one)
        found["pull_request_url"] = f"{WEB}/repos/{repo.full_name}/pulls/{one.number}"
    return found


def _placed(repo: Repository, one: Comment) -> dict[str, Any]:
    """Where a comment stands in the pull request as it is now; no line once that was changed."""
    if one.line is None:
        return {}
    head, line = repo.pulls[one.number].head_sha, one.line
    now = repo.git.line_now(line.commit, head, line.path, line.number)
    return {"path": line.path, "line": now, "original_line": line.number, "side": "RIGHT"}


def reaction(one: Reaction) -> dict[str, Any]:
    """A reaction."""
    return {
        "id": one.id,
        "node_id": f"REA_{one.id}",
        "content": one.content,
        "user": user(one.by),
    }


def pull(world: World, repo: Repository, one: Pull) -> dict[str, Any]:
    """A pull request."""
    talk = repo.issues[one.number]
    head = world.repositories.get(one.head_repository or "")
    return {
        **issue(repo, talk),
        "html_url": f"{WEB}/{repo.full_name}/pull/{one.number}",
        "merged_at": stamp(one.merged_at),
        "draft": one.draft,
        "requested_reviewers": [{"login": login, "type": "User"} for login in one.reviewers],
        "head": {
            "ref": one.head_ref,
            "sha": one.head_sha,
            "repo": repository(world, head) if head else None,
        },
        "base": {
            "ref": one.base_ref,
            "sha": world.sha(repo, one.base_ref),
            "repo": repository(world, repo),
        },
    }


def check_run(repo: Repository, one: CheckRun, app_id: str) -> dict[str, Any]:
    """A check run; a fork's commit has no `pull_requests`."""
    pulls = [
        {"number": each.number}
        for each in repo.pulls.values()
        if each.head_sha == one.head_sha and each.head_repository == repo.full_name
    ]
    return {
        "id": one.id,
        "head_sha": one.head_sha,
        "pull_requests": pulls,
        "app": {"id": int(app_id), "slug": "gryph"},
        "html_url": f"{WEB}/{repo.full_name}/runs/{one.id}",
        "conclusion": None,
        "external_id": "",
        "actions": [],
        **one.values,
    }
