"""The API as a client meets it: who may do what, exactly-once posting, and following a thread."""

from typing import Any

import httpx
import pytest

from bot.auth import Role
from bot.door import MOST_BODY_BYTES
from handlers import Invocation, Platform, Reaction
from jobs.messages import say
from storage.console import find
from storage.states import JobState
from tests.bot.console.gateway import Gateway, a_place, a_view


async def post(
    client: httpx.AsyncClient, headers: dict[str, str], text: str = "help", **more: Any
) -> dict[str, Any]:
    answer = await client.post("/api/v1/messages", headers=headers, json={"text": text, **more})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def test_a_posted_message_becomes_one_invocation(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    receipt = await post(client, gateway.token(), "test src/a.py", repository="team/app")
    (event,) = gateway.intake.events
    assert isinstance(event, Invocation)
    assert event.text == "/gryph test src/a.py"
    assert event.addressed
    assert event.repository == "team/app"
    assert (event.caller.platform, event.caller.account) == (Platform.CONSOLE, "api:ann")
    assert event.place == a_place(receipt["conversation"], receipt["message"])


async def test_the_same_idempotency_key_twice_is_one_message_and_the_same_receipt(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    headers = gateway.token() | {"Idempotency-Key": "once"}
    assert await post(client, headers) == await post(client, headers)
    assert len(gateway.intake.events) == 1
    other = await client.post("/api/v1/messages", headers=headers, json={"text": "quota"})
    assert (other.status_code, len(gateway.intake.events)) == (422, 1)


async def test_two_people_may_draw_the_same_idempotency_key(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    key = {"Idempotency-Key": "once"}
    ann = await post(client, gateway.token("ann") | key)
    bob = await post(client, gateway.token("bob") | key)
    assert ann["conversation"] != bob["conversation"]
    assert len(gateway.intake.events) == 2


async def test_a_message_stored_before_a_crash_is_still_taken_in_on_repetition(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    headers = gateway.token() | {"Idempotency-Key": "once"}
    first = await post(client, headers)
    gateway.intake.__init__()  # what the crash kept from being accepted
    assert await post(client, headers) == first
    assert len(gateway.intake.events) == 1


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x.y.z", "Basic YTpi"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/messages"),
        ("GET", "/conversations/C1"),
        ("GET", "/conversations/C1/events"),
        ("POST", "/conversations/C1/reactions"),
        ("GET", "/jobs/J7K2M9Q"),
        ("GET", "/overview"),
    ],
)
async def test_without_a_valid_token_nothing_is_open(
    client: httpx.AsyncClient, header: str | None, method: str, path: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await client.request(method, f"/api/v1{path}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "jwt"])
async def test_a_token_in_the_address_is_not_taken(
    gateway: Gateway, client: httpx.AsyncClient, name: str
) -> None:
    token = gateway.token(role=Role.OPERATOR)["Authorization"]
    for value in (token, token.removeprefix("Bearer ")):
        answer = await client.get("/api/v1/overview", params={name: value})
        assert answer.status_code == 401


async def test_a_revoked_token_opens_nothing(gateway: Gateway, client: httpx.AsyncClient) -> None:
    headers = gateway.token()
    assert (await client.get("/api/v1/overview", headers=headers)).status_code == 200
    gateway.keys.revoke(headers["Authorization"].removeprefix("Bearer "))
    answer = await client.get("/api/v1/overview", headers=headers)
    assert (answer.status_code, "revoked" in answer.json()["detail"]) == (401, True)


@pytest.mark.parametrize("role", [Role.READER, Role.WRITER, Role.ADMIN])
async def test_only_an_operator_may_name_a_folder_of_the_machine(
    gateway: Gateway, client: httpx.AsyncClient, role: Role
) -> None:
    body = {"text": "test a.py", "repository": "/srv/app"}
    answer = await client.post("/api/v1/messages", headers=gateway.token(role=role), json=body)
    assert (answer.status_code, gateway.intake.events) == (403, [])


@pytest.mark.parametrize("given", ["/srv/app", "/srv/./lib/../app/", "local:/srv/app", "//srv/app"])
async def test_an_operators_folder_is_normalized(
    gateway: Gateway, client: httpx.AsyncClient, given: str
) -> None:
    await post(client, gateway.token(role=Role.OPERATOR), repository=given)
    (event,) = gateway.intake.events
    assert isinstance(event, Invocation)
    assert event.repository == "local:/srv/app"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "   \n"},
        {"text": 7},
        {"text": "x" * 200_001},
        {"text": "help", "surprise": 1},
        {"text": "help", "repository": "srv/app/more"},
        {"text": "help", "repository": "../app"},
        {"text": "help", "repository": "team/.."},
        {"text": "help", "repository": "local:srv"},
        {"text": "help", "repository": "/srv/a\nb"},
        {"text": "help", "repository": ""},
        [],
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_with_a_reason(
    gateway: Gateway, client: httpx.AsyncClient, body: Any
) -> None:
    headers = gateway.token(role=Role.OPERATOR)
    answer = await client.post("/api/v1/messages", headers=headers, json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert gateway.intake.events == []


async def test_a_body_over_the_limit_is_cut_off(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    content = b'{"text": "' + b"x" * MOST_BODY_BYTES + b'"}'
    headers = gateway.token() | {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/messages", headers=headers, content=content)
    assert (answer.status_code, gateway.intake.events) == (413, [])


async def test_a_thread_shows_what_was_asked_and_answered_in_order(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    headers = gateway.token()
    receipt = await post(client, headers, "test src/a.py")
    place = a_place(receipt["conversation"], receipt["message"])
    status = await gateway.outbound.post_status(place, a_view(JobState.QUEUED), key="s")
    done = a_view(JobState.SUCCEEDED, "12 tests")
    await gateway.outbound.post_result(place, status, done, say("All green."), key="r")
    await gateway.outbound.edit_status(place, status, done)
    path = f"/api/v1/conversations/{receipt['conversation']}"
    thread = (await client.get(path, headers=headers)).json()
    said = [(m["kind"], m["version"], m["about"]) for m in thread["messages"]]
    assert said == [
        ("person", 1, None),
        ("status", 2, receipt["message"]),
        ("result", 1, receipt["message"]),
    ]
    assert thread["messages"][0]["text"] == "test src/a.py"
    assert thread["messages"][1]["job"]["state"] == "succeeded"
    assert thread["messages"][2]["reply"]["summary"] == "All green."


async def test_a_long_thread_is_read_in_pages(gateway: Gateway, client: httpx.AsyncClient) -> None:
    headers = gateway.token()
    receipt = await post(client, headers, "first")
    for number in range(4):
        await post(client, headers, f"more {number}", conversation=receipt["conversation"])
    path = f"/api/v1/conversations/{receipt['conversation']}"
    texts: list[str] = []
    after = 0
    while page := (await client.get(path, headers=headers, params={"after": after, "limit": 2})):
        messages = page.json()["messages"]
        if not messages:
            break
        texts += [message["text"] for message in messages]
        after = page.json()["last_event_id"]
    assert texts == ["first", "more 0", "more 1", "more 2", "more 3"]


async def test_somebody_elses_thread_looks_as_if_it_were_not_there(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    thread = (await post(client, gateway.token("ann")))["conversation"]
    bob = gateway.token("bob")
    for path in (f"/conversations/{thread}", f"/conversations/{thread}/events"):
        answer = await client.get(f"/api/v1{path}", headers=bob)
        missing = await client.get(f"/api/v1{path.replace(thread, 'Cnone')}", headers=bob)
        assert (answer.status_code, answer.text) == (404, missing.text)
    body = {"text": "help", "conversation": thread}
    assert (await client.post("/api/v1/messages", headers=bob, json=body)).status_code == 404
    admin = gateway.token("eve", Role.ADMIN)
    answer = await client.get(f"/api/v1/conversations/{thread}", headers=admin)
    assert answer.status_code == 200


async def test_a_reaction_names_the_message_it_is_about(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    headers = gateway.token()
    receipt = await post(client, headers)
    place = a_place(receipt["conversation"], receipt["message"])
    posted = await gateway.outbound.answer(place, say("Here."), key="answer:1:0:answer")
    path = f"/api/v1/conversations/{receipt['conversation']}/reactions"
    for added in (True, False):
        body = {"message": int(posted.data["message"]), "emoji": "👍", "added": added}
        assert (await client.post(path, headers=headers, json=body)).status_code == 202
    put, taken = gateway.intake.events[1:]
    assert isinstance(put, Reaction)
    assert isinstance(taken, Reaction)
    assert (put.message_key, put.added, taken.added) == (posted.key, True, False)


async def test_a_reaction_to_a_persons_message_or_in_a_wrong_thread_is_refused(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    headers = gateway.token()
    one, two = await post(client, headers), await post(client, headers)
    place = a_place(one["conversation"], one["message"])
    posted = await gateway.outbound.answer(place, say("Here."), key="answer:1:0:answer")
    path = f"/api/v1/conversations/{two['conversation']}/reactions"
    for message in (two["message"], int(posted.data["message"]), 999):
        body = {"message": message, "emoji": "👍"}
        assert (await client.post(path, headers=headers, json=body)).status_code == 404


async def test_an_unknown_job_and_a_misspelt_one_are_not_found(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    for job in ("J000000", "nonsense"):
        answer = await client.get(f"/api/v1/jobs/{job}", headers=gateway.token(role=Role.ADMIN))
        assert answer.status_code == 404


async def test_an_artifact_is_downloaded_by_its_id_alone_and_never_runs_in_the_page(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    gateway.keep("Asecret", 'täst "1".html', "text/html", b"<script>alert(1)</script>")
    answer = await client.get("/api/v1/artifacts/Asecret")
    assert (answer.status_code, answer.content) == (200, b"<script>alert(1)</script>")
    disposition = answer.headers["content-disposition"]
    assert disposition == "attachment; filename*=UTF-8''t%C3%A4st%20%221%22.html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_removed_artifact_is_not_found(gateway: Gateway, client: httpx.AsyncClient) -> None:
    gateway.keep("Agone", "a.txt", "text/plain", b"")
    gateway.contents.clear()
    for artifact in ("Agone", "Anever"):
        answer = await client.get(f"/api/v1/artifacts/{artifact}")
        assert answer.status_code == 404


async def test_the_tier_of_a_message_is_kept_with_it(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    receipt = await post(client, gateway.token(role=Role.READER))
    row = gateway.database.read_now(lambda session: find(session, receipt["message"]))
    assert row is not None
    assert row.tier == Role.READER.tier
