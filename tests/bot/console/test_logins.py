"""What `gryph doctor` says of logging in on the web."""

from pathlib import Path

import pytest

from bot.console.checks import Verdict
from bot.console.logins import login
from bot.settings import GatewaySettings

GITHUB = {"github_client_id": "Iv1.x", "github_client_secret": "s"}


async def verdict(home: Path, **given: str) -> tuple[Verdict, str, str]:
    settings = GatewaySettings.model_validate({"home": home, **given})
    check = await login(settings)
    return check.verdict, check.found, check.remedy


async def test_without_settings_it_is_off(tmp_path: Path) -> None:
    assert (await verdict(tmp_path))[0] is Verdict.OFF


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"github_client_id": "x"}, "GRYPH_GITHUB_CLIENT_SECRET"),
        ({"slack_client_id": "x", "slack_client_secret": "x"}, "GRYPH_SLACK_TEAM_ID"),
        ({"discord_client_secret": "x"}, "GRYPH_DISCORD_CLIENT_ID"),
    ],
)
async def test_half_a_login_is_broken_and_what_is_missing_is_named(
    tmp_path: Path, given: dict[str, str], missing: str
) -> None:
    found = await verdict(tmp_path, **given)
    assert found[0] is Verdict.BROKEN
    assert f"{missing} missing" in found[1]


async def test_without_a_public_address_it_works_on_this_machine_only(tmp_path: Path) -> None:
    found = await verdict(tmp_path, **GITHUB)
    assert (found[0], "GRYPH_PUBLIC_URL" in found[2]) == (Verdict.MISSING, True)


async def test_cookies_do_not_travel_without_tls(tmp_path: Path) -> None:
    found = await verdict(tmp_path, **GITHUB, public_url="http://gryph.example.com")
    assert (found[0], "TLS" in found[2]) == (Verdict.BROKEN, True)


@pytest.mark.parametrize("url", ["https://gryph.example.com/", "http://127.0.0.1:8414"])
async def test_what_the_platform_has_to_know_is_said(tmp_path: Path, url: str) -> None:
    found = await verdict(tmp_path, **GITHUB, public_url=url)
    assert found[0] is Verdict.OK
    assert f"{url.rstrip('/')}/login/github/callback" in found[1]
