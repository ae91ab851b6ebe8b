"""Slack and GitHub in front of a real `gryph up`: real processes, real checkout, real engine."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.console.client import gateway_url
from bot.console.settings import ClientSettings
from tests.acceptance.conftest import FILES
from tests.acceptance.stack import Stack, eventually, running
from tests.fakes.github.server import GitHub
from tests.fakes.github.world import APP_ID, WEBHOOK_SECRET, Comment, Repository
from tests.fakes.slack.server import BOT_TOKEN
from tests.fakes.slack.workspace import BOT, SECRET, Slack

REPOSITORY = "acme/shop"
ANSWER_S = 90.0
CHANGE = {"src/more.py": b"def triple(n: int) -> int:\n    return 3 * n\n"}


@dataclass
class Town:
    """Both platforms and the stack behind them."""

    github: GitHub
    repository: Repository
    slack: Slack
    stack: Stack
    ann: str
    channel: str

    def comments(self, number: int) -> list[Comment]:
        return [c for c in self.repository.said(number) if c.by is self.github.world.bot]

    def ours(self) -> list[str]:
        """What the channel shows of us, blocks and fallback text."""
        messages = self.slack.world.channels[self.channel].messages
        return [f"{m.text}\n{m.blocks!r}" for m in messages if m.user == BOT]


@pytest.fixture
async def town(tmp_path: Path) -> AsyncGenerator[Town]:
    github = GitHub(tmp_path / "repositories")
    home = tmp_path / "home"
    home.mkdir()
    async with github.serving(), Slack.running() as slack:
        repository = github.world.repository(REPOSITORY, FILES)
        repository.private = True
        repository.permissions["ann"] = "write"
        ann = slack.world.add_user("ann")
        channel = slack.world.add_channel("dev")
        settings = {
            "GRYPH_GITHUB_APP_ID": str(APP_ID),
            "GRYPH_GITHUB_PRIVATE_KEY": github.world.private_key,
            "GRYPH_GITHUB_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "GRYPH_GITHUB_API_URL": github.url,
            "GRYPH_GITHUB_GIT_URL": github.git_url,
            "GRYPH_SLACK_BOT_TOKEN": BOT_TOKEN,
            "GRYPH_SLACK_SIGNING_SECRET": SECRET,
            "GRYPH_SLACK_API_URL": slack.api_url,
            "GRYPH_DEFAULT_REPOSITORY": REPOSITORY,
        }
        async with running(home, **settings) as stack:
            url = gateway_url(ClientSettings(home=home))
            github.hooks.url = f"{url}/github/webhook"
            slack.app_url = url
            yield Town(github, repository, slack, stack, ann, channel)


async def test_a_comment_on_a_pull_request_gets_its_tests_and_a_check_run(town: Town) -> None:
    number = await town.github.people.open_pull(town.repository, "ann", CHANGE)
    await town.github.people.comment(town.repository, number, "ann", "/gryph test src/more.py")
    await eventually(lambda: "Line coverage" in _all(town.comments(number)), ANSWER_S)
    (check,) = town.repository.checks.values()
    await eventually(lambda: check.values["status"] == "completed", ANSWER_S)
    assert check.values["conclusion"] == "success"
    assert len(town.comments(number)) == 1
    assert "def test_triple" in _all(town.comments(number))


async def test_a_mention_and_a_slash_command_in_slack_get_a_thread_with_the_result(
    town: Town,
) -> None:
    await town.slack.say(town.ann, town.channel, f"<@{BOT}> test text/slugs.py")
    await eventually(lambda: any("Line coverage" in said for said in town.ours()), ANSWER_S)
    before = len(town.ours())
    await town.slack.slash(town.ann, town.channel, "test text/slugs.py")
    await eventually(
        lambda: sum("Line coverage" in said for said in town.ours()[before:]) == 1, ANSWER_S
    )
    results = [m for m in town.slack.world.channels[town.channel].messages if m.user == BOT]
    assert all(m.thread_ts for m in results if "Line coverage" in repr(m.blocks))


def _all(comments: list[Comment]) -> str:
    return "\n".join(comment.body for comment in comments)
