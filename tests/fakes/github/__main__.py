"""Serves the fake by itself: `python -m tests.fakes.github --port 8500 --repos DIR`.

Writes the App's key to DIR/app.pem. People act by `POST /_people/comment` with
`{"repository", "number", "login", "body"}`, `/_people/issue` and `/_people/react`
(`{"repository", "comment", "login", "content"}`).
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body

from tests.fakes.github.server import GitHub, listener_on, listening
from tests.fakes.github.world import APP_ID, WEBHOOK_SECRET

Json = Annotated[dict[str, Any], Body()]


def acts(github: GitHub) -> APIRouter:
    """What people do, by HTTP."""
    router = APIRouter(prefix="/_people")

    @router.post("/issue")
    async def issue(body: Json) -> dict[str, int]:
        repo = github.world.repository(body["repository"])
        number = await github.people.open_issue(repo, body["login"], body.get("body", ""))
        return {"number": number}

    @router.post("/comment")
    async def comment(body: Json) -> dict[str, int]:
        repo = github.world.repository(body["repository"])
        made = await github.people.comment(repo, body["number"], body["login"], body["body"])
        return {"comment": made.id}

    @router.post("/react")
    async def react(body: Json) -> dict[str, int]:
        repo = github.world.repository(body["repository"])
        made = github.people.react(repo.comments[body["comment"]], body["login"], body["content"])
        return {"reaction": made.id}

    @router.post("/permission")
    async def permission(body: Json) -> dict[str, str]:
        repo = github.world.repository(body["repository"])
        github.world.account(body["login"])
        repo.permissions[body["login"]] = body["permission"]
        return {"permission": body["permission"]}

    return router


async def serve(folder: Path, port: int, webhook_url: str | None) -> None:
    """Until interrupted."""
    github = GitHub(folder, webhook_url)
    key = folder / "app.pem"
    key.write_text(github.world.private_key)
    key.chmod(0o600)
    app = github.app()
    app.include_router(acts(github))
    listener = listener_on(port)
    github.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with listening(app, listener):
        note = {
            "api_url": github.url,
            "git_url": github.git_url,
            "app_id": APP_ID,
            "private_key_file": str(key),
            "webhook_secret": WEBHOOK_SECRET,
        }
        sys.stdout.write(json.dumps(note) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.github", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--repos", type=Path, required=True, help="folder of owner/name.git")
    parser.add_argument("--webhook-url", help="where events are sent")
    given = parser.parse_args()
    given.repos.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(serve(given.repos, given.port, given.webhook_url))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
