"""A job's check run on the pull request's head commit, beside its comment.

A check run is worth less than the comment: an App that may not write them, or a GitHub that has
none, only costs a line in the log.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import structlog

from bot.face import JobView
from bot.fence import may_be_there
from bot.github.client import CHECKS, GitHubClient, Reach
from bot.github.comments import Spot
from bot.github.render import check_name
from bot.github.transport import Refused
from bot.github.wire import CheckRun, CheckRuns

log = structlog.get_logger()

MOST_REMEMBERED = 2_000


class Checks:
    """The check runs of our jobs."""

    def __init__(self, client: GitHubClient) -> None:
        """Writes as the App's installation."""
        self._client = client
        self._shown: OrderedDict[str, str] = OrderedDict()
        """The status last written, by check run."""

    async def start(
        self, spot: Spot, view: JobView, body: Mapping[str, Any], *, look_first: bool
    ) -> str | None:
        """Create the job's check run and return its id; None where there can be none.

        With `look_first` an earlier one is found and brought up to date instead. Raises Busy.
        """
        if view.number is None or view.head_sha is None:
            return None
        try:
            found = await self._find(spot, view) if look_first else None
            if found is not None:
                return await self._update(spot, found, body)
            return await self._create(spot, view, body)
        except Refused as refused:
            log.warning("no github check run", job=view.job, reason=str(refused))
            return None

    async def show(self, spot: Spot, check: str, body: Mapping[str, Any]) -> None:
        """Bring a check run up to date, where that changes its status. Raises Busy."""
        if self._shown.get(check) == body["status"]:
            return
        try:
            await self._update(spot, check, body)
        except Refused as refused:
            log.warning("github check run not updated", check=check, reason=str(refused))

    async def _create(self, spot: Spot, view: JobView, body: Mapping[str, Any]) -> str:
        values = {
            "name": check_name(view),
            "head_sha": view.head_sha,
            "external_id": f"{view.job}#{view.number}",
            "started_at": (view.started_at or view.created_at).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **body,
        }
        path = f"/repos/{spot.repository}/check-runs"
        answer = await self._client.write(_reach(spot), "POST", path, values)
        return self._remember(str(answer.one(CheckRun).id), body)

    async def _update(self, spot: Spot, check: str, body: Mapping[str, Any]) -> str:
        path = f"/repos/{spot.repository}/check-runs/{check}"
        if "annotations" in body["output"] and may_be_there():
            body = await self._without_what_is_there(spot, path, body)
        await self._client.write(_reach(spot), "PATCH", path, body)
        return self._remember(check, body)

    async def _without_what_is_there(
        self, spot: Spot, path: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """GitHub adds annotations to those of an earlier write instead of replacing them."""
        run = (await self._client.get(_reach(spot), path)).one(CheckRun)
        if not run.output.annotations_count:
            return body
        output = {name: each for name, each in body["output"].items() if name != "annotations"}
        return {**body, "output": output}

    async def _find(self, spot: Spot, view: JobView) -> str | None:
        path = f"/repos/{spot.repository}/commits/{view.head_sha}/check-runs"
        params = {"check_name": check_name(view), "filter": "all", "per_page": "100"}
        try:
            answer = await self._client.get(_reach(spot), path, params)
        except Refused as refused:
            if refused.is_missing:
                return None
            raise
        wanted = f"{view.job}#{view.number}"
        runs = answer.one(CheckRuns).check_runs
        return next((str(run.id) for run in runs if run.external_id == wanted), None)

    def _remember(self, check: str, body: Mapping[str, Any]) -> str:
        self._shown[check] = body["status"]
        self._shown.move_to_end(check)
        if len(self._shown) > MOST_REMEMBERED:
            self._shown.popitem(last=False)
        return check


def _reach(spot: Spot) -> Reach:
    return Reach(spot.repository, CHECKS, spot.installation)
