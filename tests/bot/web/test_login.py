"""Logging in at each platform, and everything that must not become a login."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlmodel import Session, col, select

from bot.settings import GatewaySettings, MissingSetting
from bot.web import oauth
from bot.web.login import own_path
from bot.web.providers import providers
from handlers import Platform
from storage.clock import utc_now
from storage.tables.people import PersonRow
from storage.tables.sessions import WebSessionRow
from storage.tables.trust import AuditRow
from tests.bot.console.gateway import Gateway
from tests.bot.web.browser import Browser, query_of
from tests.fakes.identity import IdentityFake, Misbehaviour

ALL = ("github", "slack", "discord")
ACCOUNTS = {"github": "github:583231", "slack": "slack:U7", "discord": "discord:99"}
EVERYWHERE = {
    Misbehaviour.DECLINED: "declined",
    Misbehaviour.BROKEN_APP: "refused the login",
    Misbehaviour.TOKEN_500: "has trouble (502)",
    Misbehaviour.TOKEN_HANGS: "does not answer",
    Misbehaviour.TOKEN_HTML: "in no way we know",
    Misbehaviour.TOKEN_REFUSED: "did not confirm",
    Misbehaviour.TOKEN_EMPTY: "did not confirm",
    Misbehaviour.WRONG_STATE: "another window",
    Misbehaviour.NO_CODE: "sent no code",
}
AT_ONE = {
    ("github", Misbehaviour.USER_500): "has trouble (503)",
    ("github", Misbehaviour.USER_ODD): "does not say who",
    ("discord", Misbehaviour.IS_BOT): "a bot",
    ("slack", Misbehaviour.WRONG_ISSUER): "could not be verified",
    ("slack", Misbehaviour.WRONG_AUDIENCE): "could not be verified",
    ("slack", Misbehaviour.WRONG_KEY): "could not be verified",
    ("slack", Misbehaviour.UNSIGNED): "could not be verified",
    ("slack", Misbehaviour.HS256): "could not be verified",
    ("slack", Misbehaviour.EXPIRED): "could not be verified",
    ("slack", Misbehaviour.WRONG_NONCE): "another login",
    ("slack", Misbehaviour.OTHER_TEAM): "another Slack workspace",
}


def failures() -> Iterator[tuple[str, Misbehaviour, str]]:
    for wrong, told in EVERYWHERE.items():
        yield from ((platform, wrong, told) for platform in ALL)
    yield from ((platform, wrong, told) for (platform, wrong), told in AT_ONE.items())


async def assert_nobody(browser: Browser, answer: httpx.Response, told: str) -> None:
    assert answer.status_code == 403
    assert told in answer.text
    assert "<script" not in answer.text
    assert (browser.cookie, await browser.person()) == (None, None)

    def rows(session: Session) -> int:
        return len(session.exec(select(WebSessionRow)).all()) + len(
            session.exec(select(PersonRow)).all()
        )

    assert browser.gateway.database.read_now(rows) == 0


@pytest.mark.parametrize("platform", ALL)
async def test_who_the_platform_vouches_for_is_logged_in_and_sent_on(
    browser: Browser, platform: str
) -> None:
    answer = await browser.log_in(platform, next="/?job=J7K2M9Q")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?job=J7K2M9Q")
    told = await browser.person()
    assert told is not None
    assert (told["account"], told["name"], told["roles"]) == (ACCOUNTS[platform], "ann", [])


@pytest.mark.parametrize("platform", ALL)
async def test_the_same_account_is_the_same_person_each_time(
    browser: Browser, other_browser: Browser, platform: str
) -> None:
    await browser.log_in(platform)
    await other_browser.log_in(platform)
    found = browser.gateway.database.read_now(lambda s: s.exec(select(PersonRow)).all())
    assert len(found) == 1


@pytest.mark.parametrize(("platform", "wrong", "told"), list(failures()))
async def test_a_platform_that_misbehaves_logs_nobody_in_and_the_page_says_why(
    browser: Browser, identity: IdentityFake, platform: str, wrong: Misbehaviour, told: str
) -> None:
    if wrong is Misbehaviour.TOKEN_HANGS:  # nobody else is to be given up on a busy machine
        browser.gateway.web.http.timeout = httpx.Timeout(0.3)
    identity.world(platform).misbehaves = wrong
    await assert_nobody(browser, await browser.log_in(platform), told)


async def test_a_platform_that_is_away_logs_nobody_in(browser: Browser) -> None:
    back = await browser.at_platform(await browser.sent_away("github"))
    provider = browser.gateway.web.providers[Platform.GITHUB]
    object.__setattr__(provider, "token_url", "http://127.0.0.1:9/")
    await assert_nobody(browser, await browser.get(back), "does not answer")


@pytest.mark.parametrize("platform", ALL)
async def test_a_login_is_finished_once(
    browser: Browser, other_browser: Browser, platform: str
) -> None:
    back = await browser.at_platform(await browser.sent_away(platform))
    kept = dict(browser.http.cookies)
    assert (await browser.get(back)).status_code == 303
    again = await browser.get(back)
    assert (again.status_code, "not begun in this browser" in again.text) == (403, True)
    other_browser.http.cookies.update(kept)  # whoever copied all of it beforehand
    assert (await other_browser.get(back)).status_code == 403
    assert other_browser.cookie is None


async def test_a_callback_that_somebody_else_began_is_refused(
    browser: Browser, other_browser: Browser
) -> None:
    """Else a stranger could log a person in as the stranger (RFC 9700, 4.7)."""
    back = await other_browser.at_platform(await other_browser.sent_away("github"))
    await assert_nobody(browser, await browser.get(back), "not begun in this browser")
    await browser.sent_away("github")
    await assert_nobody(browser, await browser.get(back), "another window")


async def test_a_code_of_one_platform_is_not_taken_at_anothers_door(browser: Browser) -> None:
    back = await browser.at_platform(await browser.sent_away("github"))
    mixed = back.replace("/login/github/", "/login/discord/")
    await assert_nobody(browser, await browser.get(mixed), "another window")


async def test_a_login_that_took_too_long_is_begun_again(browser: Browser) -> None:
    address = await browser.sent_away("github")
    back = await browser.at_platform(address)
    cookies = browser.gateway.web.sessions.cookies
    early = oauth.begin(Platform.GITHUB, "/", utc_now() - timedelta(seconds=601))
    attempt = early.model_copy(update={"state": query_of(address)["state"]})
    sealed = cookies.keys.seal("web login", attempt.model_dump_json())
    browser.http.cookies.set(cookies.attempt_name, sealed, domain="gateway.local", path="/")
    await assert_nobody(browser, await browser.get(back), "too long")


async def test_a_changed_attempt_counts_as_none(browser: Browser) -> None:
    back = await browser.at_platform(await browser.sent_away("github"))
    name = browser.gateway.web.sessions.cookies.attempt_name
    sealed = browser.http.cookies[name]
    browser.http.cookies.clear()
    browser.http.cookies.set(name, sealed[:-4] + "AAAA")
    await assert_nobody(browser, await browser.get(back), "not begun in this browser")


@pytest.mark.parametrize("platform", ALL)
async def test_the_platform_is_told_our_one_address_a_state_and_what_binds_the_code(
    browser: Browser, platform: str
) -> None:
    asked = query_of(await browser.sent_away(platform))
    assert asked["redirect_uri"] == f"http://gateway/login/{platform}/callback"
    assert len(asked["state"]) >= 43
    if platform == "slack":
        assert len(asked["nonce"]) >= 43
        assert (asked["scope"], asked["team"]) == ("openid profile", "T1")
    else:
        assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
    assert "secret" not in "".join(asked.values())


@pytest.mark.parametrize("platform", ["irc", "GITHUB", "console", "github%0a"])
async def test_a_platform_without_a_login_is_not_found(browser: Browser, platform: str) -> None:
    for path in (f"/login/{platform}", f"/login/{platform}/callback"):
        assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        "https://evil.test/",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/%0d%0aSet-Cookie: a=b\r\n",
        "javascript:alert(1)",
        "evil",
        "",
        " /",
        "/#\n",
        "/.//evil.test\\",
        "/ä",
    ],
)
async def test_after_the_login_nobody_is_sent_elsewhere(browser: Browser, given: str) -> None:
    assert own_path(given) == "/"
    answer = await browser.log_in("github", next=given)
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("given", ["/", "/?job=J7K2M9Q", "/api/v1/artifacts/A1", "/a/b?c=d&e=%20"])
def test_paths_of_ours_are_kept(given: str) -> None:
    assert own_path(given) == given


async def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(browser: Browser) -> None:
    away = await browser.get("/login/github")
    back = await browser.get(await browser.at_platform(away.headers["location"]))
    for answer in (away, back):
        for cookie in answer.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            assert "Path=/" in cookie
            assert "Secure" not in cookie
            assert "Domain" not in cookie


async def test_behind_https_cookies_are_bound_to_it_and_to_this_host(
    tmp_path: Path, identity: IdentityFake
) -> None:
    made = Gateway(tmp_path, public_url="https://gryph.test", **identity.settings())
    browser = Browser(made, identity)
    async with browser.http:
        away = await browser.get("/login/github")
        back = await browser.get(await browser.at_platform(away.headers["location"]))
        cookies = [*away.headers.get_list("set-cookie"), *back.headers.get_list("set-cookie")]
        assert len(cookies) == 3
        for cookie in cookies:
            assert cookie.startswith("__Host-gryph")
            assert "Secure" in cookie
        assert await browser.person() is not None
    await made.web.close()
    made.database.close()


async def test_a_login_replaces_whatever_session_the_browser_bore(browser: Browser) -> None:
    """A secret that somebody else put there beforehand is worth nothing afterwards."""
    name = browser.gateway.web.sessions.cookies.session_name
    browser.http.cookies.set(name, "planted")
    await browser.log_in("github")
    first = browser.http.cookies.get(name, domain="gateway.local")
    assert first not in (None, "planted")
    await browser.log_in("github")
    second = browser.http.cookies.get(name, domain="gateway.local")
    assert second != first
    rows = browser.gateway.database.read_now(lambda s: s.exec(select(WebSessionRow)).all())
    assert len(rows) == 1


async def test_logins_and_logouts_are_in_the_audit_log(browser: Browser) -> None:
    await browser.log_in("github")
    assert (await browser.send("POST", "/logout")).status_code == 200
    found = browser.gateway.database.read_now(
        lambda s: s.exec(select(AuditRow).order_by(col(AuditRow.seq))).all()
    )
    assert [(row.actor, row.action) for row in found] == [
        ("github:583231", "login"),
        ("github:583231", "logout"),
    ]


HALVES = [
    ({"github_client_id": "x"}, "GRYPH_GITHUB_CLIENT_SECRET"),
    ({"github_client_secret": "x"}, "GRYPH_GITHUB_CLIENT_ID"),
    ({"discord_client_id": "x"}, "GRYPH_DISCORD_CLIENT_SECRET"),
    ({"discord_client_secret": "x"}, "GRYPH_DISCORD_CLIENT_ID"),
    ({"slack_client_id": "x", "slack_client_secret": "x"}, "GRYPH_SLACK_TEAM_ID"),
    ({"slack_client_id": "x", "slack_team_id": "x"}, "GRYPH_SLACK_CLIENT_SECRET"),
]


@pytest.mark.parametrize(("given", "missing"), HALVES)
def test_half_a_login_stops_the_start_and_names_what_is_missing(
    tmp_path: Path, given: dict[str, str], missing: str
) -> None:
    with pytest.raises(MissingSetting, match=missing):
        providers(GatewaySettings(home=tmp_path, **given))  # pyright: ignore[reportArgumentType]


def test_without_settings_there_is_no_login(tmp_path: Path) -> None:
    assert providers(GatewaySettings(home=tmp_path, slack_team_id="T1")) == {}
