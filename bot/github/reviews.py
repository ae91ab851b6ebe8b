"""What a job has to say of single lines of a pull request: one review, on lines its diff shows.

https://docs.github.com/en/rest/pulls/reviews. All of it stands in the job's comment too, so a
review that GitHub does not take only costs a line in the log.
"""

from collections.abc import Sequence

import structlog

from bot.face import JobView
from bot.github.client import READ, GitHubClient, Reach
from bot.github.comments import Spot
from bot.github.hunks import shown_lines
from bot.github.marker import MARKER, marker
from bot.github.render import render_remark
from bot.github.transport import Refused
from bot.github.wire import Comparison, PullAnswer, ReviewComment
from jobs.messages import LineRemark
from storage.ids import JobId

log = structlog.get_logger()

MOST_REMARKS = 20
"""Of one review: more is noise, and GitHub counts each as a write."""
PAGE, PAGES_MAX = 100, 3


class Reviews:
    """The reviews of our jobs."""

    def __init__(self, client: GitHubClient) -> None:
        """Writes as the App's installation."""
        self._client = client

    async def post(self, spot: Spot, view: JobView, remarks: Sequence[LineRemark]) -> None:
        """Say what can be said on lines of the pull request and does not stand there already.

        Nothing is said of a head that has moved on. A second call finds the first one's remarks.
        Raises Busy.
        """
        if not remarks or view.number is None or view.head_sha is None:
            return
        try:
            new = await self._new(spot, view.head_sha, remarks)
            if new:
                await self._write(spot, view, new[:MOST_REMARKS])
        except Refused as refused:
            log.warning("no github review", job=view.job, reason=str(refused))

    async def _new(
        self, spot: Spot, head_sha: str, remarks: Sequence[LineRemark]
    ) -> list[LineRemark]:
        reach = Reach(spot.repository, READ, spot.installation)
        root = f"/repos/{spot.repository}"
        answer = await self._client.get(reach, f"{root}/pulls/{spot.thread.number}")
        pull = answer.one(PullAnswer)
        if pull.head.sha != head_sha or pull.state != "open":
            return []
        answer = await self._client.get(reach, f"{root}/compare/{pull.base.sha}...{head_sha}")
        shown = {each.filename: shown_lines(each.patch) for each in answer.one(Comparison).files}
        inside = [each for each in remarks if each.line in shown.get(each.path, ())]
        standing = await self._standing(spot) if inside else set[tuple[str, int, str]]()
        return [each for each in inside if _identity(each) not in standing]

    async def _standing(self, spot: Spot) -> set[tuple[str, int, str]]:
        """What we have said of lines that are still there; the newest three hundred comments."""
        path = f"/repos/{spot.repository}/pulls/{spot.thread.number}/comments"
        found: set[tuple[str, int, str]] = set()
        for page in range(1, PAGES_MAX + 1):
            params = {
                "sort": "created", "direction": "desc", "per_page": str(PAGE), "page": str(page),
            }  # fmt: skip
            listed = (await self._client.get(spot.reach, path, params)).many(ReviewComment)
            found |= {
                (each.path, each.line, _said(each.body or ""))
                for each in listed
                if each.line is not None and self._is_ours(each)
            }
            if len(listed) < PAGE:
                break
        return found

    def _is_ours(self, comment: ReviewComment) -> bool:
        app, user = comment.performed_via_github_app, comment.user
        if app is not None and app.id is not None and str(app.id) != self._client.identity.app_id:
            return False
        return user is not None and user.type == "Bot" and MARKER in (comment.body or "")

    async def _write(self, spot: Spot, view: JobView, remarks: Sequence[LineRemark]) -> None:
        hidden = _hidden(view.job)
        body = {
            "commit_id": view.head_sha,
            "event": "COMMENT",
            "body": hidden,
            "comments": [
                {
                    "path": each.path,
                    "line": each.line,
                    "side": "RIGHT",
                    "body": f"{render_remark(each.text)}\n\n{hidden}",
                }
                for each in remarks
            ],
        }
        path = f"/repos/{spot.repository}/pulls/{spot.thread.number}/reviews"
        await self._client.write(spot.reach, "POST", path, body)


def _identity(remark: LineRemark) -> tuple[str, int, str]:
    return remark.path, remark.line, _said(render_remark(remark.text))


def _said(body: str) -> str:
    """Without the marker, and as GitHub may have ended its lines."""
    return body.partition(MARKER)[0].replace("\r\n", "\n").strip()


def _hidden(job: JobId) -> str:
    return marker(f"{job}:review", job)
