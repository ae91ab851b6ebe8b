"""A real Prometheus beside a stack, set up by what `deploy/prometheus` says, only quicker."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from storage import targets
from tests.acceptance.campaign.processes import free_port
from tests.acceptance.stack import LOOK_S
from tests.deploy.deployed import PROMETHEUS

SCRAPE = "1s"
"""Instead of the 15 s of an installation."""
START_S = 30.0
STOP_S = 10.0


class NotAnswered(Exception):
    """Prometheus did not like a query; the message is its own."""


class Prometheus:
    """One that runs."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """`http` has its address."""
        self._http = http

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """What an expression gives now. Raises NotAnswered."""
        answer = await self._http.post("/api/v1/query", data={"query": expr})
        told: dict[str, Any] = answer.json()
        if told["status"] != "success":
            raise NotAnswered(f"{expr}: {told.get('error')}")
        result: list[dict[str, Any]] = told["data"]["result"]
        return result

    async def targets(self) -> dict[str, str]:
        """Health of what is scraped, by job."""
        active: list[dict[str, Any]] = (await self._get("targets"))["activeTargets"]
        return {each["labels"]["job"]: each["health"] for each in active}

    async def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health."""
        groups: list[dict[str, Any]] = (await self._get("rules"))["groups"]
        return [rule for group in groups for rule in group["rules"]]

    async def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return (await self._http.get("/-/ready")).is_success
        except httpx.TransportError:
            return False

    async def _get(self, what: str) -> dict[str, Any]:
        answer = (await self._http.get(f"/api/v1/{what}")).raise_for_status()
        data: dict[str, Any] = answer.json()["data"]
        return data


@asynccontextmanager
async def watching(home: Path, folder: Path) -> AsyncGenerator[Prometheus]:
    """Scrape the processes of a home as `here.yml` tells; everything it keeps is in `folder`."""
    shutil.copytree(PROMETHEUS, folder)
    (folder / "targets").symlink_to(targets.folder(home))
    config = folder / "here.yml"
    config.write_text(config.read_text().replace("15s", SCRAPE))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address={address}",
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as http:
            prometheus = Prometheus(http)
            async with asyncio.timeout(START_S):
                while process.returncode is None and not await prometheus.is_ready():  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)
            assert process.returncode is None, (folder / "log").read_text()[-2000:]
            yield prometheus
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), STOP_S)
