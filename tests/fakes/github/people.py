"""What people do on GitHub; each act is followed by its webhook."""

from typing import Any

from tests.fakes.github import shapes
from tests.fakes.github.hooks import Hooks
from tests.fakes.github.repositories import FAKE
from tests.fakes.github.world import (
    APP_ID,
    Account,
    ApiError,
    Comment,
    Pull,
    Reaction,
    Repository,
    World,
)


class People:
    """Acts as whoever is named; returns once the webhook is answered."""

    def __init__(self, world: World, hooks: Hooks) -> None:
        """`hooks` sends what they do."""
        self.world = world
        self._hooks = hooks

    async def open_issue(self, repo: Repository, login: str, body: str = "") -> int:
        """Open an issue; returns its number."""
        number = self._talk(repo, login, f"Issue of {login}", body)
        one = shapes.issue(repo, repo.issues[number])
        await self._tell("issues", "opened", repo, login, issue=one)
        return number

    async def open_pull(  # noqa: PLR0913 - what a pull request is
        self,
        repo: Repository,
        login: str,
        files: dict[str, bytes],
        *,
        body: str = "",
        fork: Repository | None = None,
        draft: bool = False,
        signed: str = FAKE,
    ) -> int:
        """Push `files` to a branch, of `fork` if given, and open a pull request."""
        number = repo.new_number()
        source = fork or repo
        branch = f"{login}-{number}"
        start = repo.git.resolve(repo.git.default_branch)
        if fork is not None:
            fork.installed = False
            fork.git.take_from(repo.git, start, f"refs/heads/{branch}")
        else:
            repo.git.set_ref(f"refs/heads/{branch}", start)
        sha = source.git.commit_files(branch, files, f"Work of {login}", signed=signed)
        self._talk(repo, login, f"Pull of {login}", body)
        pull = Pull(number, source.full_name, branch, sha, repo.git.default_branch, draft=draft)
        repo.pulls[number] = pull
        self._bring(repo, source, pull)
        shown = shapes.pull(self.world, repo, pull)
        await self._tell("pull_request", "opened", repo, login, pull_request=shown, number=number)
        return number

    async def push(self, repo: Repository, number: int, files: dict[str, bytes]) -> str:
        """Push more to a pull request's branch; returns the new head."""
        pull = repo.pulls[number]
        source = self.world.repositories[pull.head_repository or repo.full_name]
        pull.head_sha = source.git.commit_files(pull.head_ref, files, "More")
        self._bring(repo, source, pull)
        shown = shapes.pull(self.world, repo, pull)
        login = repo.issues[number].by.login
        await self._tell("pull_request", "synchronize", repo, login, pull_request=shown)
        return pull.head_sha

    async def comment(
        self, repo: Repository, number: int, login: str, body: str, *, type_: str = "User"
    ) -> Comment:
        """Comment on an issue or pull request."""
        by = self.world.account(login, type_=type_)
        made = add_comment(self.world, repo, number, by, body)
        await self._comment_event("created", repo, made, login)
        return made

    async def review_comment(
        self, repo: Repository, number: int, login: str, body: str, *, reply_to: int | None = None
    ) -> Comment:
        """Comment on a line of a pull request, or reply in such a thread."""
        by = self.world.account(login)
        made = add_comment(self.world, repo, number, by, body, review=True)
        made.in_reply_to = reply_to
        await self._comment_event("created", repo, made, login)
        return made

    async def edit(self, repo: Repository, comment: Comment, login: str, body: str) -> None:
        """Change a comment, one's own or anybody's."""
        before = comment.body
        set_body(self.world, comment, body)
        changes = {"body": {"from": before}}
        await self._comment_event("edited", repo, comment, login, changes=changes)

    async def delete(self, repo: Repository, comment: Comment, login: str) -> None:
        """Delete a comment."""
        del repo.comments[comment.id]
        await self._comment_event("deleted", repo, comment, login)

    async def press(self, repo: Repository, check: int, login: str, identifier: str) -> None:
        """Press a button on a check run."""
        run = repo.checks[check]
        actions: list[dict[str, str]] = run.values.get("actions", [])
        if all(each["identifier"] != identifier for each in actions):
            raise ApiError(422, f"no button {identifier!r} on this check run")
        await self._tell(
            "check_run",
            "requested_action",
            repo,
            login,
            check_run=shapes.check_run(repo, run, APP_ID),
            requested_action={"identifier": identifier},
        )

    def react(self, comment: Comment, login: str, content: str) -> Reaction:
        """Put an emoji on a comment; GitHub tells nobody."""
        made = Reaction(self.world.new_id(), content, self.world.account(login))
        comment.reactions.append(made)
        return made

    async def send(self, event: str, payload: dict[str, Any]) -> None:
        """What else happened."""
        await self._hooks.send(event, payload)

    def _talk(self, repo: Repository, login: str, title: str, body: str) -> int:
        number = repo.new_number()
        self.world.talk(repo, number, self.world.account(login), title, body)
        return number

    def _bring(self, repo: Repository, source: Repository, pull: Pull) -> None:
        ref = f"refs/pull/{pull.number}/head"
        if source is repo:
            repo.git.set_ref(ref, pull.head_sha)
        else:
            repo.git.take_from(source.git, pull.head_sha, ref)

    async def _comment_event(
        self, action: str, repo: Repository, comment: Comment, login: str, **more: Any
    ) -> None:
        await self._hooks.send(*comment_event(self.world, repo, comment, (action, login), **more))

    async def _tell(
        self, event: str, action: str, repo: Repository, login: str, **more: Any
    ) -> None:
        await self._hooks.send(event, envelope(self.world, repo, (action, login), **more))


def envelope(world: World, repo: Repository, act: tuple[str, str], **more: Any) -> dict[str, Any]:
    """What every payload holds; `act` is the action and who did it."""
    action, login = act
    return {
        "action": action,
        "repository": shapes.repository(world, repo),
        "sender": shapes.user(world.account(login)),
        **more,
    }


def comment_event(
    world: World, repo: Repository, comment: Comment, act: tuple[str, str], **more: Any
) -> tuple[str, dict[str, Any]]:
    """The event's name and payload."""
    shown = shapes.comment(repo, comment)
    if comment.review:
        pull = shapes.pull(world, repo, repo.pulls[comment.number])
        payload = envelope(world, repo, act, comment=shown, pull_request=pull, **more)
        return "pull_request_review_comment", payload
    talk = shapes.issue(repo, repo.issues[comment.number])
    return "issue_comment", envelope(world, repo, act, comment=shown, issue=talk, **more)


def add_comment(  # noqa: PLR0913 - what a comment is
    world: World,
    repo: Repository,
    number: int,
    by: Account,
    body: str,
    *,
    app: str | None = None,
    review: bool = False,
) -> Comment:
    """Store a comment, under GitHub's rules. Raises ApiError."""
    if number not in repo.issues:
        raise ApiError(404, "Not Found")
    if repo.issues[number].locked and app is not None:
        raise ApiError(403, "Unable to create comment because issue is locked.")
    check_body(body)
    now = world.now()
    made = Comment(world.new_id(), number, body, by, now, now, app=app, review=review)
    made.history.append(body)
    repo.comments[made.id] = made
    return made


def set_body(world: World, comment: Comment, body: str) -> None:
    """Edit a comment. Raises ApiError."""
    check_body(body)
    comment.body = body
    comment.updated_at = world.now()
    comment.history.append(body)


def check_body(body: object) -> None:
    """GitHub's rules for text. Raises ApiError."""
    if not isinstance(body, str) or not body.strip():
        raise ApiError(422, "Validation Failed", errors=["body can't be blank"])
    if len(body.encode("utf-16-le")) // 2 > 65_536:
        message = "body is too long (maximum is 65536 characters)"
        raise ApiError(422, "Validation Failed", errors=[message])
