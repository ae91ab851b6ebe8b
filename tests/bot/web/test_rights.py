"""What a person on the web sees and may do: what their roles say, where they say it."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from bot.auth import Role
from bot.console.authority import ConsoleAuthority
from bot.web.sessions import CSRF_HEADER
from handlers import Caller, Invocation, Place, Platform, Tier
from storage import inbox, ledger, people
from storage.clock import utc_now
from storage.ledger import NewJob
from storage.tables.sessions import WebSessionRow
from tests.bot.console.gateway import Gateway
from tests.bot.web.browser import Browser, grant
from tests.fakes.identity import IdentityFake

READ, WRITE, ADMIN = Tier.READ, Tier.WRITE, Tier.ADMIN
SLACK_1 = Place(platform=Platform.SLACK, workspace="T1", channel="C1")
SLACK_2 = Place(platform=Platform.SLACK, workspace="T2", channel="C2")
ACME = Place(platform=Platform.GITHUB, workspace="acme", channel="acme/app")
OTHER = Place(platform=Platform.GITHUB, workspace="other", channel="other/app")
PLACES = {"slack 1": SLACK_1, "slack 2": SLACK_2, "acme": ACME, "other": OTHER}


def asked(gateway: Gateway, place: Place, account: str, name: str) -> str:
    """A queued job that somebody asked for there; its id."""
    now = utc_now()
    caller = Caller(platform=place.platform, account=account, name=account)
    event = Invocation(caller=caller, place=place, text="/gryph test a.py", received_at=now)

    def create(session: Session) -> str:
        payload = event.model_dump(mode="json")
        taken = inbox.claim(session, place.platform, payload, (name,), now, holder="g")
        person = people.person_of(
            session, platform=place.platform, account=account, name=account, now=now
        )
        new = NewJob(
            inbox_id=taken.id,
            line_number=0,
            verb="test",
            line=name,
            queue="cpu",
            request={},
            invocation=payload,
            person=person,
            platform=place.platform,
            place=place.model_dump(mode="json"),
        )
        return ledger.create(session, new, now).id

    return gateway.database.write_now(create)


@pytest.fixture
def jobs(gateway: Gateway) -> dict[str, str]:
    """In each workspace one of the person at the browser and one of a stranger; name → id."""
    made: dict[str, str] = {}
    for where, place in PLACES.items():
        mine = "U7" if place.platform is Platform.SLACK else "583231"
        for who, account in (("mine", mine), ("hers", "1")):
            made[f"{who} in {where}"] = asked(gateway, place, account, f"{who} in {where}")
    link(gateway, "github", "583231", "slack", "U7")
    return made


def link(gateway: Gateway, *accounts: str) -> None:
    def work(session: Session) -> None:
        found = [
            people.find_person(session, platform=platform, account=account)
            for platform, account in zip(accounts[::2], accounts[1::2], strict=True)
        ]
        kept, other = found
        assert kept is not None
        assert other is not None
        people.join(session, kept, other)

    gateway.database.write_now(work)


async def seen(browser: Browser, jobs: dict[str, str]) -> set[str]:
    """The jobs in sight, asked for in both ways."""
    overview = (await browser.get("/api/v1/overview")).json()
    listed = {job["line"] for job in overview["recent"]}
    opened = {
        name
        for name, job in jobs.items()
        if (await browser.get(f"/api/v1/jobs/{job}")).status_code == 200
    }
    assert listed == opened
    assert sum(queue["jobs"] for queue in overview["queues"]) == len(listed)
    return listed


@pytest.mark.parametrize(
    ("scope", "tier", "expected"),
    [
        ("slack:T1", READ, {"mine in slack 1"}),
        ("slack:T1", WRITE, {"mine in slack 1"}),
        ("slack:T1", ADMIN, {"mine in slack 1", "hers in slack 1"}),
        ("slack:C2", ADMIN, {"mine in slack 2", "hers in slack 2"}),
        ("github:acme", READ, {"mine in acme"}),
        ("github:acme", ADMIN, {"mine in acme", "hers in acme"}),
        ("github:acme/app", ADMIN, {"mine in acme", "hers in acme"}),
        ("github:acme/other", ADMIN, set[str]()),
        ("github:T1", ADMIN, set[str]()),
        ("discord:T1", ADMIN, set[str]()),
        ("console:local", ADMIN, set[str]()),
        ("*", READ, {f"mine in {where}" for where in PLACES}),
        ("*", ADMIN, {f"{who} in {where}" for where in PLACES for who in ("mine", "hers")}),
    ],
)
async def test_a_role_opens_its_workspace_and_no_other(
    browser: Browser, jobs: dict[str, str], scope: str, tier: Tier, expected: set[str]
) -> None:
    grant(browser.gateway, "github", "583231", tier, scope)
    await browser.log_in("github")
    assert await seen(browser, jobs) == expected


async def test_roles_in_two_workspaces_add_up(browser: Browser, jobs: dict[str, str]) -> None:
    grant(browser.gateway, "github", "583231", ADMIN, "slack:T1")
    grant(browser.gateway, "github", "583231", READ, "github:acme")
    await browser.log_in("github")
    assert await seen(browser, jobs) == {"mine in slack 1", "hers in slack 1", "mine in acme"}


async def test_without_a_role_nothing_is_open_and_the_page_is_told_whom_to_ask(
    browser: Browser, jobs: dict[str, str]
) -> None:
    await browser.log_in("github")
    told = (await browser.get("/api/v1/session")).json()
    assert told["person"]["roles"] == []
    assert told["person"]["account"] == "github:583231"
    assert told["contact"] == "whoever runs this installation"
    for path in ("overview", f"jobs/{jobs['mine in acme']}", "conversations/C1"):
        answer = await browser.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["detail"]) == (403, "You have no role here yet.")
    answer = await browser.send("POST", "/api/v1/messages", json={"text": "help"})
    assert answer.status_code == 403


async def test_a_role_given_or_taken_counts_at_once(browser: Browser, jobs: dict[str, str]) -> None:
    await browser.log_in("github")
    person = grant(browser.gateway, "github", "583231", ADMIN, "slack:T1")
    assert len(await seen(browser, jobs)) == 2
    browser.gateway.database.write_now(lambda s: people.revoke(s, person, "slack:T1"))
    assert (await browser.get("/api/v1/overview")).status_code == 403


async def test_whoever_is_known_from_slack_keeps_their_roles_on_the_web(browser: Browser) -> None:
    grant(browser.gateway, "slack", "U7", WRITE, "slack:T1")
    await browser.log_in("slack")
    told = await browser.person()
    assert told is not None
    assert told["roles"] == [{"workspace": "slack:T1", "role": "writer"}]


async def test_commands_on_the_web_need_a_role_in_its_own_workspace(browser: Browser) -> None:
    grant(browser.gateway, "github", "583231", ADMIN, "slack:T1")
    await browser.log_in("github")
    answer = await browser.send("POST", "/api/v1/messages", json={"text": "help"})
    assert (answer.status_code, "console:local" in answer.text) == (403, True)
    grant(browser.gateway, "github", "583231", WRITE, "console:local")
    answer = await browser.send("POST", "/api/v1/messages", json={"text": "help"})
    assert answer.status_code == 202
    (event,) = browser.gateway.intake.events
    assert event.caller.account == "web:github:583231"


async def test_a_folder_of_the_machine_is_for_operators_of_the_web_only(browser: Browser) -> None:
    grant(browser.gateway, "github", "583231", Tier.OPERATOR, "slack:T1")
    grant(browser.gateway, "github", "583231", ADMIN, "console:local")
    await browser.log_in("github")
    body = {"text": "test a.py", "repository": "/srv/app"}
    assert (await browser.send("POST", "/api/v1/messages", json=body)).status_code == 403
    assert browser.gateway.intake.events == []


async def test_threads_of_others_look_as_if_they_were_not_there(
    browser: Browser, other_browser: Browser, identity: IdentityFake
) -> None:
    grant(browser.gateway, "github", "583231", WRITE, "console:local")
    grant(browser.gateway, "github", "2", WRITE, "*")
    await browser.log_in("github")
    identity.github.account = "2"
    await other_browser.log_in("github")
    posted = await browser.send("POST", "/api/v1/messages", json={"text": "help"})
    thread = posted.json()["conversation"]
    body = {"text": "help", "conversation": thread}
    assert (await browser.get(f"/api/v1/conversations/{thread}")).status_code == 200
    for answer in (
        await other_browser.get(f"/api/v1/conversations/{thread}"),
        await other_browser.get(f"/api/v1/conversations/{thread}/events"),
        await other_browser.send("POST", "/api/v1/messages", json=body),
    ):
        assert (answer.status_code, "not yours" in answer.text) == (404, True)
    grant(browser.gateway, "github", "2", ADMIN, "slack:T1")
    assert (await other_browser.get(f"/api/v1/conversations/{thread}")).status_code == 404
    grant(browser.gateway, "github", "2", ADMIN, "console:local")
    assert (await other_browser.get(f"/api/v1/conversations/{thread}")).status_code == 200


async def test_ones_own_thread_is_closed_when_the_role_is_gone(browser: Browser) -> None:
    person = grant(browser.gateway, "github", "583231", WRITE, "console:local")
    grant(browser.gateway, "github", "583231", READ, "slack:T1")
    await browser.log_in("github")
    posted = await browser.send("POST", "/api/v1/messages", json={"text": "help"})
    path = f"/api/v1/conversations/{posted.json()['conversation']}"
    browser.gateway.database.write_now(lambda s: people.revoke(s, person, "console:local"))
    assert (await browser.get(path)).status_code == 404


async def standing(gateway: Gateway) -> Tier:
    """Of what was asked for on the web by now."""
    (event,) = gateway.intake.events
    assert isinstance(event, Invocation)
    return (await ConsoleAuthority(gateway.database).standing(event)).tier


async def test_what_was_asked_for_has_the_rights_its_person_has_when_it_starts(
    browser: Browser,
) -> None:
    person = grant(browser.gateway, "github", "583231", WRITE, "console:local")
    await browser.log_in("github")
    await browser.send("POST", "/api/v1/messages", json={"text": "test a.py"})
    await browser.send("POST", "/logout")
    assert await standing(browser.gateway) is Tier.WRITE
    grant(browser.gateway, "github", "583231", ADMIN, "console:local")
    assert await standing(browser.gateway) is Tier.WRITE
    browser.gateway.database.write_now(lambda s: people.revoke(s, person, "console:local"))
    assert await standing(browser.gateway) is Tier.ANYONE


# Requests that other sites would like a browser to make


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {CSRF_HEADER: ""},
        {CSRF_HEADER: "guessed"},
        {CSRF_HEADER: "right", "Sec-Fetch-Site": "cross-site"},
        {CSRF_HEADER: "right", "Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(
    "path",
    ["/api/v1/messages", "/api/v1/conversations/C1/reactions", "/logout", "/login/slack/link"],
)
async def test_a_cookie_alone_changes_nothing(
    browser: Browser, headers: dict[str, str], path: str
) -> None:
    grant(browser.gateway, "github", "583231", ADMIN, "*")
    await browser.log_in("github")
    told = await browser.person()
    assert told is not None
    shown = {name: told["csrf"] if value == "right" else value for name, value in headers.items()}
    body = {"text": "help", "message": 1, "emoji": "👍"}
    answer = await browser.http.post(path, headers=shown, json=body)
    assert (answer.status_code, CSRF_HEADER in answer.text) == (403, True)
    assert browser.gateway.intake.events == []
    assert await browser.person() is not None


async def test_a_tokens_holder_needs_no_such_header_and_no_cookie(browser: Browser) -> None:
    await browser.log_in("github")
    headers = browser.gateway.token()
    answer = await browser.http.post("/api/v1/messages", headers=headers, json={"text": "help"})
    assert answer.status_code == 202
    assert browser.gateway.intake.events[0].caller.account == "api:ann"


async def test_the_token_of_another_session_does_not_count(
    browser: Browser, other_browser: Browser
) -> None:
    grant(browser.gateway, "github", "583231", ADMIN, "*")
    await browser.log_in("github")
    await other_browser.log_in("github")
    told = await other_browser.person()
    assert told is not None
    headers = {CSRF_HEADER: told["csrf"]}
    assert (await browser.http.post("/logout", headers=headers)).status_code == 403


async def test_after_logging_out_the_copied_cookie_opens_nothing(
    browser: Browser, other_browser: Browser
) -> None:
    grant(browser.gateway, "github", "583231", ADMIN, "*")
    await browser.log_in("github")
    other_browser.http.cookies.update(dict(browser.http.cookies))
    assert (await other_browser.get("/api/v1/overview")).status_code == 200
    await browser.send("POST", "/logout")
    assert (await other_browser.get("/api/v1/overview")).status_code == 401
    assert browser.cookie is None
    rows = browser.gateway.database.read_now(lambda s: s.exec(select(WebSessionRow)).all())
    assert rows == []


# Linking accounts


async def test_a_second_account_joins_the_person_with_its_roles(
    browser: Browser, identity: IdentityFake
) -> None:
    grant(browser.gateway, "slack", "U7", WRITE, "slack:T1")
    grant(browser.gateway, "github", "583231", READ, "github:acme")
    await browser.log_in("github")
    address = (await browser.send("POST", "/login/slack/link")).json()["address"]
    back = await browser.get(await browser.at_platform(address))
    assert back.status_code == 303
    told = await browser.person()
    assert told is not None
    assert {(each["workspace"], each["role"]) for each in told["roles"]} == {
        ("slack:T1", "writer"),
        ("github:acme", "reader"),
    }


async def test_a_plain_login_at_a_second_platform_links_nothing(browser: Browser) -> None:
    grant(browser.gateway, "github", "583231", ADMIN, "*")
    await browser.log_in("github")
    await browser.log_in("slack")
    told = await browser.person()
    assert told is not None
    assert (told["account"], told["roles"]) == ("slack:U7", [])


async def test_who_logged_out_meanwhile_links_nothing(browser: Browser) -> None:
    await browser.log_in("github")
    address = (await browser.send("POST", "/login/slack/link")).json()["address"]
    await browser.send("POST", "/logout")
    answer = await browser.get(await browser.at_platform(address))
    assert (answer.status_code, "logged out meanwhile" in answer.text) == (403, True)


# Files


@pytest.fixture
async def closed(tmp_path: Path, identity: IdentityFake) -> AsyncGenerator[Browser]:
    """A gateway whose links ask who one is."""
    made = Gateway(tmp_path, artifact_links="login", **identity.settings())
    browser = Browser(made, identity)
    async with browser.http:
        yield browser
    await made.web.close()
    made.database.close()


async def test_files_of_other_workspaces_are_not_there_where_links_ask_for_a_login(
    closed: Browser,
) -> None:
    for name, place in PLACES.items():
        job = asked(closed.gateway, place, "1", name)
        closed.gateway.keep(f"A-{place.workspace}", "a.txt", "text/plain", b"x", job)
    closed.gateway.keep("A-nobody", "a.txt", "text/plain", b"x")
    grant(closed.gateway, "github", "583231", ADMIN, "slack:T1")
    await closed.log_in("github")
    statuses = {
        name: (await closed.get(f"/api/v1/artifacts/A-{name}")).status_code
        for name in ("T1", "T2", "acme", "other", "nobody")
    }
    assert statuses == {"T1": 200, "T2": 404, "acme": 404, "other": 404, "nobody": 404}
    admin = closed.gateway.token("eve", Role.ADMIN)
    assert (await closed.get("/api/v1/artifacts/A-T2", headers=admin)).status_code == 200
    stranger = closed.gateway.token("bob", Role.WRITER)
    assert (await closed.get("/api/v1/artifacts/A-T2", headers=stranger)).status_code == 404


async def test_a_closed_link_leads_people_to_the_login_and_programs_to_a_refusal(
    closed: Browser,
) -> None:
    closed.gateway.keep("A1", "a.txt", "text/plain", b"x")
    answer = await closed.get("/api/v1/artifacts/A1")
    assert answer.status_code == 401
    answer = await closed.get("/api/v1/artifacts/A1", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/?next=/api/v1/artifacts/A1",
    )


async def test_the_page_renews_the_login_and_a_copy_of_the_old_cookie_ends_it(
    browser: Browser, other_browser: Browser
) -> None:
    await browser.log_in("github")
    other_browser.http.cookies.update(dict(browser.http.cookies))

    def age(session: Session, by: timedelta) -> None:
        row = session.exec(select(WebSessionRow)).one()
        row.renewed_at -= by

    database = browser.gateway.database
    old = browser.cookie
    database.write_now(lambda s: age(s, timedelta(minutes=11)))
    assert await browser.person() is not None
    assert browser.cookie not in (None, old)
    assert await other_browser.person() is not None
    database.write_now(lambda s: age(s, timedelta(seconds=31)))
    assert await other_browser.person() is None
    assert await browser.person() is None
