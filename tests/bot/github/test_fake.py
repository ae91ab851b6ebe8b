"""What the tests of this folder rely on in the fake: that it refuses what GitHub refuses."""

import asyncio
import base64
import json
import sys
from pathlib import Path

import httpx
import pytest

from bot.github.client import CHECKS, COMMENT, PUSH, READ, Permissions, Reach
from bot.github.transport import Refused
from tests.bot.github.town import REPOSITORY, Town
from tests.fakes.github.world import WEBHOOK_SECRET

COMMENTS = f"/repos/{REPOSITORY}/issues/1/comments"


async def git(*words: str) -> tuple[int, str]:
    """Run git without anybody's configuration; its status and what it said."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *words,
        env={"PATH": "/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def authorization(token: str) -> str:
    """The header under which GitHub takes an installation token for git."""
    return (
        "http.extraheader=Authorization: Basic "
        + base64.b64encode(f"x-access-token:{token}".encode()).decode()
    )


async def test_private_repository_is_cloned_with_a_checkout_token_only(
    here: Town, tmp_path: Path
) -> None:
    here.repo.private = True
    address = f"{here.github.git_url}/{REPOSITORY}.git"
    status, _ = await git("clone", "--quiet", address, str(tmp_path / "without"))
    assert status != 0
    token, _ = await here.client.checkout_token(REPOSITORY)
    target = tmp_path / "with"
    status, said = await git("-c", authorization(token), "clone", "-q", address, str(target))
    assert status == 0, said
    assert (target / "README.md").read_text() == "# Shop\n"
    status, _ = await git("-C", str(target), "-c", authorization(token), "push", "origin", "HEAD:x")
    assert status != 0


async def test_repository_is_cloned_from_its_folder(here: Town, tmp_path: Path) -> None:
    address = f"{here.github.world.folder.as_uri()}/{REPOSITORY}.git"
    status, said = await git("clone", "--quiet", address, str(tmp_path / "clone"))
    assert status == 0, said
    assert (tmp_path / "clone" / "src" / "a.py").exists()


@pytest.mark.parametrize(
    ("permissions", "method", "path"),
    [
        (READ, "POST", COMMENTS),
        (COMMENT, "POST", f"/repos/{REPOSITORY}/check-runs"),
        (CHECKS, "POST", COMMENTS),
        (READ, "POST", f"/repos/{REPOSITORY}/git/blobs"),
        (CHECKS, "POST", f"/repos/{REPOSITORY}/pulls"),
    ],
)
async def test_token_does_no_more_than_it_was_asked_for(
    here: Town, permissions: Permissions, method: str, path: str
) -> None:
    await here.github.people.open_issue(here.repo, "ann")
    with pytest.raises(Refused, match="403 Resource not accessible"):
        await here.client.write(Reach(REPOSITORY, permissions), method, path, {"body": "x"})


async def test_token_reaches_no_other_repository(here: Town) -> None:
    here.github.world.repository("acme/secret")
    with pytest.raises(Refused, match="404"):
        await here.client.get(Reach(REPOSITORY, READ), "/repos/acme/secret")


@pytest.mark.parametrize(("length", "is_taken"), [(65_536, True), (65_537, False)])
async def test_comment_has_its_limit(here: Town, length: int, is_taken: bool) -> None:  # noqa: FBT001
    await here.github.people.open_issue(here.repo, "ann")
    reach = Reach(REPOSITORY, COMMENT)
    if is_taken:
        await here.client.write(reach, "POST", COMMENTS, {"body": "x" * length})
    else:
        with pytest.raises(Refused, match="body is too long"):
            await here.client.write(reach, "POST", COMMENTS, {"body": "x" * length})


async def test_more_than_eighty_writes_a_minute_are_refused(here: Town) -> None:
    await here.github.people.open_issue(here.repo, "ann")
    token, _ = await here.client.checkout_token(REPOSITORY)
    async with httpx.AsyncClient(base_url=here.github.url, verify=False) as http:  # noqa: S501
        headers = {"Authorization": f"Bearer {token}"}
        calls = [await http.post(COMMENTS, json={"body": "x"}, headers=headers) for _ in range(81)]
    assert calls[79].headers.get("retry-after") is None
    assert calls[80].status_code == 403
    assert calls[80].headers["retry-after"] == "60"


@pytest.mark.parametrize(
    "wrong",
    [
        {"head_sha": "0" * 40},
        {"status": "completed"},
        {"status": "done"},
        {"actions": [{"label": "x" * 21, "description": "d", "identifier": "i"}]},
        {"actions": [{"label": "x", "description": "d", "identifier": "i" * 21}]},
        {"actions": [{"label": "x", "description": "d", "identifier": "i"}] * 4},
        {"output": {"title": "t", "summary": "ü" * 40_000}},
        {"output": {"title": "t"}},
    ],
)
async def test_check_run_has_its_rules(here: Town, wrong: dict[str, object]) -> None:
    sha = here.repo.git.resolve("main")
    body = {"name": "n", "head_sha": sha, "status": "queued", **wrong}
    with pytest.raises(Refused, match="422"):
        await here.client.write(
            Reach(REPOSITORY, CHECKS), "POST", f"/repos/{REPOSITORY}/check-runs", body
        )


async def test_review_speaks_of_changed_files_only(here: Town) -> None:
    number = await here.github.people.open_pull(here.repo, "ann", {"b.py": b"b = 2\n"})
    path = f"/repos/{REPOSITORY}/pulls/{number}/reviews"
    review = {"event": "COMMENT", "comments": [{"path": "b.py", "line": 1, "body": "Why 2?"}]}
    await here.client.write(Reach(REPOSITORY, PUSH), "POST", path, review)
    assert [each.body for each in here.said(number)] == ["Why 2?"]
    review["comments"] = [{"path": "README.md", "line": 1, "body": "?"}]
    with pytest.raises(Refused, match="Path could not be resolved"):
        await here.client.write(Reach(REPOSITORY, PUSH), "POST", path, review)


async def test_fake_runs_by_itself(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.github", "--repos", str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        note = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        assert note["webhook_secret"] == WEBHOOK_SECRET
        assert note["private_key_file"] == str(tmp_path / "app.pem")
        async with httpx.AsyncClient(base_url=note["api_url"], verify=False) as http:  # noqa: S501
            assert (await http.get("/app")).status_code == 401
            issue = {"repository": "acme/shop", "login": "ann"}
            assert (await http.post("/_people/issue", json=issue)).json() == {"number": 1}
    finally:
        process.terminate()
        await process.wait()
