"""What the doctor says of a machine, sound or not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI, Request, Response
from inline_snapshot import snapshot
from pydantic import SecretStr

from bot.auth import ApiKeys, Role
from bot.console import checks, doctor, reach
from bot.console.checks import Check, Verdict
from bot.console.plain import Ink
from bot.settings import GatewaySettings
from storage.migrations.run import upgrade
from tests.fakes.served import served
from tests.fakes.slack.server import APP_TOKEN, BOT_TOKEN
from tests.fakes.slack.workspace import Slack


def settings(home: Path, **more: Any) -> GatewaySettings:
    return GatewaySettings(home=home, **more)


@pytest.fixture(scope="module")
def platforms() -> Iterator[str]:
    """Slack, Discord and GitHub on the loopback, as far as the doctor asks them."""
    app = FastAPI()

    @app.post("/slack/auth.test")
    async def auth_test(request: Request) -> dict[str, Any]:
        if request.headers["authorization"] != "Bearer xoxb-good":
            return {"ok": False, "error": "invalid_auth"}
        return {"ok": True, "user": "gryph", "team": "Team\x1b[2J"}

    @app.post("/slack/apps.connections.open")
    async def connections_open(request: Request) -> dict[str, Any]:
        if request.headers["authorization"] != "Bearer xapp-good":
            return {"ok": False, "error": "not_allowed_token_type"}
        return {"ok": True, "url": "wss://127.0.0.1:9/?ticket=secret"}

    @app.get("/discord/users/@me")
    async def me(request: Request) -> Response:
        good = request.headers["authorization"] == "Bot good"
        return Response('{"username": "gryph"}' if good else "{}", 200 if good else 401)

    @app.get("/github/app")
    async def github_app(request: Request) -> Response:
        has_jwt = request.headers["authorization"].count(".") == 2
        return Response('{"slug": "gryph-app"}' if has_jwt else "{}", 200 if has_jwt else 401)

    with served(app) as url:
        yield url


async def test_a_fresh_machine_is_healthy_and_everything_unset_is_off(tmp_path: Path) -> None:
    fresh = settings(tmp_path / "home")
    found = [
        await check(fresh) for check in doctor.CHECKS if check not in (checks.sandbox, checks.disk)
    ]
    assert {check.name: str(check.verdict) for check in found} == {
        "home": "ok",
        "keys": "off",
        "database": "off",
        "broker": "off",
        "gateway": "off",
        "slack": "off",
        "discord": "off",
        "github": "off",
        "login": "off",
        "models": "off",
        "git": "ok",
    }
    assert doctor.is_healthy(found)


async def test_a_home_that_cannot_be_written_is_broken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = await checks.home(settings(tmp_path / "file" / "home"))
    assert (check.verdict, bool(check.remedy)) == (Verdict.BROKEN, True)


async def test_keys_that_others_may_read_are_broken(tmp_path: Path) -> None:
    keys = ApiKeys(tmp_path)
    keys.mint("ann", Role.READER)
    assert (await checks.keys(settings(tmp_path))).verdict is Verdict.OK
    keys.path.chmod(0o644)
    check = await checks.keys(settings(tmp_path))
    assert (check.verdict, check.remedy) == (Verdict.BROKEN, f"chmod 600 {keys.path}")


async def test_a_database_is_told_by_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "gryph.db"
    path.touch()
    check = await checks.database(settings(tmp_path))
    assert (check.verdict, check.remedy) == (Verdict.BROKEN, "gryph migrate")
    upgrade(f"sqlite:///{path}")
    assert (await checks.database(settings(tmp_path))).verdict is Verdict.OK
    path.write_bytes(b"this is no database" * 100)
    assert (await checks.database(settings(tmp_path))).verdict is Verdict.BROKEN


async def test_a_databases_password_is_not_shown(tmp_path: Path) -> None:
    url = "postgresql://gryph:hunter2@127.0.0.1:9/gryph"
    check = await checks.database(settings(tmp_path, database_url=url))
    assert check.verdict is Verdict.BROKEN
    assert "hunter2" not in repr(check)


async def test_a_broker_that_does_not_answer_is_broken_and_its_password_not_shown(
    tmp_path: Path,
) -> None:
    for url in ("redis://:hunter2@127.0.0.1:9/0", "nonsense://:hunter2@x"):
        check = await checks.broker(settings(tmp_path, redis_url=url))
        assert check.verdict is Verdict.BROKEN
        assert "hunter2" not in repr(check)


async def test_a_gateway_that_left_its_address_and_died_is_not_running(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    note = {"url": "http://127.0.0.1:9", "pid": 1}
    (tmp_path / "run" / "gateway.json").write_text(json.dumps(note))
    check = await checks.gateway(settings(tmp_path))
    assert (check.verdict, check.remedy) == (Verdict.OFF, "gryph up")


async def test_credentials_that_a_platform_takes_are_ok(tmp_path: Path, platforms: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    good = settings(
        tmp_path,
        slack_bot_token=SecretStr("xoxb-good"),
        slack_signing_secret=SecretStr("s"),
        slack_api_url=f"{platforms}/slack/",
        discord_token=SecretStr("good"),
        discord_api_url=f"{platforms}/discord",
        github_app_id="7",
        github_private_key=SecretStr(pem.decode()),
        github_webhook_secret=SecretStr("s"),
        github_api_url=f"{platforms}/github",
    )
    found = [await reach.slack(good), await reach.discord(good), await reach.github(good)]
    assert [(check.verdict, check.found) for check in found] == [
        (Verdict.OK, "gryph in Team␛[2J, by HTTP"),
        (Verdict.OK, "gryph"),
        (Verdict.OK, "App gryph-app"),
    ]


async def test_credentials_that_a_platform_refuses_are_broken_and_not_shown(
    tmp_path: Path, platforms: str
) -> None:
    bad = settings(
        tmp_path,
        slack_bot_token=SecretStr("xoxb-bad"),
        slack_app_token=SecretStr("xapp-bad"),
        slack_api_url=f"{platforms}/slack/",
        discord_token=SecretStr("bad-token"),
        discord_api_url=f"{platforms}/discord",
        github_app_id="7",
        github_private_key=SecretStr("bad-key"),
        github_webhook_secret=SecretStr("s"),
        github_api_url=f"{platforms}/github",
    )
    found = [await reach.slack(bad), await reach.discord(bad), await reach.github(bad)]
    assert [check.verdict for check in found] == [Verdict.BROKEN] * 3
    assert "invalid_auth" in found[0].found
    assert "bad-" not in repr(found)
    named = ("GRYPH_SLACK_BOT_TOKEN", "GRYPH_DISCORD_TOKEN", "GRYPH_GITHUB_APP_ID")
    assert all(name in check.found for name, check in zip(named, found, strict=True))
    assert not doctor.is_healthy(found)


@pytest.mark.parametrize(
    ("app_token", "verdict", "found"),
    [
        ("xapp-good", Verdict.OK, "gryph in Team␛[2J, by Socket Mode"),
        (
            "xapp-stale",
            Verdict.BROKEN,
            "GRYPH_SLACK_APP_TOKEN is not accepted: not_allowed_token_type",
        ),
    ],
)
async def test_socket_modes_own_token_is_tried_too(
    tmp_path: Path, platforms: str, app_token: str, verdict: Verdict, found: str
) -> None:
    socket_mode = settings(
        tmp_path,
        slack_bot_token=SecretStr("xoxb-good"),
        slack_app_token=SecretStr(app_token),
        slack_api_url=f"{platforms}/slack/",
    )
    check = await reach.slack(socket_mode)
    assert (check.verdict, check.found) == (verdict, found)
    assert (verdict is Verdict.OK) == (not check.remedy)
    assert "ticket" not in repr(check)


async def test_the_doctor_tells_a_workspaces_tokens_apart(tmp_path: Path) -> None:
    async with Slack.running() as slack:
        found = [
            await reach.slack(
                settings(
                    tmp_path,
                    slack_bot_token=SecretStr(bot),
                    slack_app_token=SecretStr(app),
                    slack_api_url=slack.api_url,
                )
            )
            for bot, app in ((BOT_TOKEN, APP_TOKEN), (BOT_TOKEN, BOT_TOKEN), (APP_TOKEN, APP_TOKEN))
        ]
    assert [check.verdict for check in found] == [Verdict.OK, Verdict.BROKEN, Verdict.BROKEN]
    assert found[1].found.startswith("GRYPH_SLACK_APP_TOKEN is not accepted")
    assert found[2].found.startswith("GRYPH_SLACK_BOT_TOKEN is not accepted")


async def test_a_platform_half_configured_names_what_is_missing(tmp_path: Path) -> None:
    half = settings(tmp_path, slack_bot_token=SecretStr("x"), github_app_id="7")
    assert "GRYPH_SLACK_SIGNING_SECRET" in (await reach.slack(half)).found
    assert "GRYPH_GITHUB_WEBHOOK_SECRET" in (await reach.github(half)).found


async def test_a_platform_out_of_reach_is_broken(tmp_path: Path) -> None:
    far = settings(tmp_path, discord_token=SecretStr("x"), discord_api_url="http://127.0.0.1:9")
    check = await reach.discord(far)
    assert (check.verdict, check.found) == (Verdict.BROKEN, "does not answer: ConnectError")


HELD: dict[str, Any] = {
    "rung": "bubblewrap",
    "passed": True,
    "probes": [{"name": "tcp", "passed": True}],
}
LEAKS: dict[str, Any] = {
    "rung": "landlock",
    "passed": False,
    "probes": [{"name": "tcp", "passed": False}],
}
ABSENT: dict[str, Any] = {
    "rung": "landlock",
    "passed": False,
    "probes": [],
    "missing": "no Landlock",
}


@pytest.mark.parametrize(
    ("rungs", "verdict", "found"),
    [
        ([HELD, LEAKS], Verdict.OK, "bubblewrap: 1 held; landlock: fails at tcp"),
        ([LEAKS, ABSENT], Verdict.BROKEN, "no code is run here"),
        ([ABSENT], Verdict.MISSING, "no code is run here"),
        ([], Verdict.MISSING, "no code is run here"),
    ],
)
def test_a_sandbox_counts_when_one_rung_holds(
    rungs: list[dict[str, Any]], verdict: Verdict, found: str
) -> None:
    check = checks.sandbox_check(json.dumps(rungs))
    assert check.verdict is verdict
    assert found in check.found


@pytest.mark.slow
async def test_the_sandboxs_own_canary_is_understood(tmp_path: Path) -> None:
    check = await checks.sandbox(settings(tmp_path))
    assert "gave no verdict" not in check.found
    assert check.verdict is not Verdict.OFF


def test_a_row_shows_the_remedy_below() -> None:
    rows = [
        Check("git", Verdict.OK, "version 2.39.5"),
        Check("broker", Verdict.BROKEN, "does not answer", "Start the server."),
    ]
    assert "\n".join(doctor.row(row, Ink(coloured=False)) for row in rows) == snapshot("""\
git       ok       version 2.39.5
broker    broken   does not answer
                   → Start the server.\
""")
    assert doctor.diagnosis(rows)["healthy"] is False
    json.dumps(doctor.diagnosis(rows))
