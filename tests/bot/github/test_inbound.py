import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI

from bot.github.inbound import LARGEST_BODY_BYTES, is_signed, routes
from bot.settings import GatewaySettings, MissingSetting
from handlers import Platform
from tests.bot.github.town import REPOSITORY, Town
from tests.fakes.github.hooks import sign
from tests.fakes.github.world import WEBHOOK_SECRET
from tests.fakes.intake import RecordingIntake


async def post(here: Town, body: bytes, **headers: str) -> httpx.Response:
    """A request that GitHub might have made, but for `headers`."""
    given = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": "guid-1",
        "X-Hub-Signature-256": sign(body, WEBHOOK_SECRET),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501
        return await http.post(here.webhook, content=body, headers=given)


async def test_comment_on_an_issue_becomes_an_invocation(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    made = await here.github.people.comment(here.repo, number, "ann", "/gryph test src/a.py")
    (heard,) = here.heard
    assert heard.text == "/gryph test src/a.py"
    assert heard.repository == REPOSITORY
    assert heard.number == number
    assert not heard.addressed
    assert heard.caller.name == "ann"
    assert heard.caller.account == str(here.github.world.account("ann").id)
    place = heard.place
    assert place.platform is Platform.GITHUB
    assert (place.workspace, place.channel) == ("acme", REPOSITORY)
    assert (place.thread, place.message) == (str(number), str(made.id))
    assert place.installation == str(here.github.world.installation)
    assert here.github.hooks.deliveries[-1].status_code == 202


async def test_same_delivery_twice_is_one_event(here: Town) -> None:
    here.github.hooks.copies = 4
    number = await here.github.people.open_issue(here.repo, "ann")
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    assert len(here.heard) == 1
    assert {each.status_code for each in here.github.hooks.deliveries} == {202}


async def test_same_comment_under_another_delivery_is_one_event(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    await here.github.people.comment(here.repo, number, "ann", "/gryph help")
    sent = here.github.hooks.deliveries[-1]
    body = json.dumps(sent.payload).encode()
    response = await post(here, body, X_GitHub_Delivery="another-guid")
    assert response.json() == {"status": "known already"}
    assert len(here.heard) == 1


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "ü"])
async def test_bad_signature_is_refused_before_anything_is_read(here: Town, signature: str) -> None:
    async with httpx.AsyncClient(verify=False) as http:  # noqa: S501
        response = await http.post(
            here.webhook,
            content=b"{not even json",
            headers={"X-Hub-Signature-256": signature.encode("latin-1").decode("latin-1")}
            if signature.isascii()
            else [(b"X-Hub-Signature-256", signature.encode("latin-1"))],
        )
    assert response.status_code == 401
    assert not here.heard


async def test_signature_is_made_over_the_raw_body(here: Town) -> None:
    body = b'{"zen":   "spaces  count"}'
    assert is_signed(body, sign(body, WEBHOOK_SECRET), WEBHOOK_SECRET.encode())
    assert not is_signed(body.replace(b" ", b""), sign(body, WEBHOOK_SECRET), b"other")
    assert (await post(here, body, X_GitHub_Event="ping")).json() == {"status": "pong"}


async def test_missing_secret_refuses_to_start() -> None:
    with pytest.raises(MissingSetting, match="GRYPH_GITHUB_WEBHOOK_SECRET"):
        routes(GatewaySettings(github_webhook_secret=None), RecordingIntake())


async def test_form_payload_is_read_too(here: Town) -> None:
    here.github.hooks.as_form = True
    number = await here.github.people.open_issue(here.repo, "ann")
    heard = await here.asked(number, "/gryph help")
    assert heard.text == "/gryph help"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"payload=%7B", "application/x-www-form-urlencoded", 400),
        (b"nothing", "application/x-www-form-urlencoded", 400),
        (b"{}", "text/plain", 415),
        (b"[]", "application/json", 400),
        (b'{"comment": {"id": "x"}}', "application/json", 400),
        (b"{}", "application/json; charset=utf-8", 202),
        (b'{"action": "created", "comment": null}', "application/json", 202),
    ],
)
async def test_odd_bodies_get_a_clear_answer(
    here: Town, body: bytes, kind: str, status: int
) -> None:
    response = await post(here, body, Content_Type=kind)
    assert response.status_code == status
    assert not here.heard


async def test_events_we_do_not_know_are_acknowledged_whatever_they_hold(here: Town) -> None:
    body = b'{"comment": "not an object", "repository": 7}'
    response = await post(here, body, X_GitHub_Event="something_new")
    assert (response.status_code, response.json()) == (202, {"status": "ignored"})


async def test_too_large_a_body_is_refused(here: Town) -> None:
    response = await post(here, b" " * (LARGEST_BODY_BYTES + 1))
    assert response.status_code == 413


async def test_missing_headers_are_refused(here: Town) -> None:
    assert (await post(here, b"{}", X_GitHub_Delivery="")).status_code == 400
    assert (await post(here, b"{}", X_GitHub_Event="")).status_code == 400


async def test_bots_and_our_own_comments_are_ignored(here: Town) -> None:
    people = here.github.people
    number = await people.open_issue(here.repo, "ann")
    await people.comment(here.repo, number, "dependabot[bot]", "/gryph help", type_="Bot")
    await people.comment(here.repo, number, "helper[bot]", "/gryph help")
    await people.comment(here.repo, number, "ann", "/gryph help\n<!-- gryph:job=J0 key=x -->")
    await people.comment(here.repo, number, "ann", "nothing for a bot")
    assert not here.heard


async def test_mention_is_addressed_and_named_as_the_grammar_knows_it(here: Town) -> None:
    here.settings.github_mention = "acme-helper"
    intake = RecordingIntake()
    await with_intake(here, intake)
    number = await here.github.people.open_issue(here.repo, "ann")
    for text in (
        "Hey @Acme-Helper test src/a.py",
        "@acme-helper[bot] help",
        "_@acme-helper status_",
        "mail me@acme-helper or @acme-helper-too",
        "@gryph help is somebody else, @acme-helper status is us",
    ):
        await here.github.people.comment(here.repo, number, "ann", text)
    texts = [event.text for event in intake.events if event.kind == "invocation"]
    assert texts == [
        "Hey @gryph test src/a.py",
        "@gryph help",
        "_@gryph status_",
        "@\u200bgryph help is somebody else, @gryph status is us",
    ]


async def with_intake(here: Town, intake: RecordingIntake) -> None:
    """Route the webhooks to an application with the present settings."""
    app = FastAPI()
    app.include_router(routes(here.settings, intake))

    async def send(event: str, payload: dict[str, object]) -> int:
        body = json.dumps(payload).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": str(len(intake.events)) + str(hash(body)),
            "X-Hub-Signature-256": sign(body, WEBHOOK_SECRET),
        }
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gryph") as http:
            return (await http.post("/github/webhook", content=body, headers=headers)).status_code

    here.github.hooks.send = send


@pytest.mark.parametrize(
    ("text", "addressed"),
    [
        ("@gryph test src/a.py", True),
        ("please, @gryph: what can you do?", True),
        ("> @gryph test src/a.py\n\nWhy did you say that? /gryph", False),
        ("```\n@gryph test\n```\n/gryph help", False),
        ("`@gryph test` is how you do it, see /gryph", False),
        ("<!-- @gryph --> /gryph help", False),
    ],
)
async def test_only_what_the_author_says_addresses_us(
    here: Town,
    text: str,
    addressed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    assert (await here.asked(number, text)).addressed is addressed


async def test_edit_carries_the_text_before(here: Town) -> None:
    people = here.github.people
    number = await people.open_issue(here.repo, "ann")
    comment = await people.comment(here.repo, number, "ann", "@gryph help")
    await people.edit(here.repo, comment, "ann", "@gryph help\n@gryph status")
    first, second = here.heard
    assert first.previous_text is None
    assert second.previous_text == "@gryph help"
    assert not second.addressed, "it was addressed before the edit"
    await people.edit(here.repo, comment, "ann", "@gryph help")
    assert len(here.heard) == 3


async def test_edit_of_anything_but_the_text_is_ignored(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    await here.asked(number, "/gryph help")
    payload = here.github.hooks.deliveries[-1].payload | {"action": "edited", "changes": None}
    await post(here, json.dumps(payload).encode(), X_GitHub_Delivery="guid-2")
    assert len(here.heard) == 1


async def test_deleted_comment_is_ignored(here: Town) -> None:
    people = here.github.people
    number = await people.open_issue(here.repo, "ann")
    comment = await people.comment(here.repo, number, "ann", "/gryph help")
    await people.delete(here.repo, comment, "ann")
    assert len(here.heard) == 1


async def test_review_comment_is_answered_in_its_thread(here: Town) -> None:
    people = here.github.people
    number = await people.open_pull(here.repo, "ann", {"b.py": b"b = 2\n"})
    first = await people.review_comment(here.repo, number, "ann", "/gryph test b.py")
    await people.review_comment(here.repo, number, "bob", "/gryph help", reply_to=first.id)
    assert [each.place.thread for each in here.heard] == [f"{number}/{first.id}"] * 2
    assert {each.number for each in here.heard} == {number}


async def test_command_in_the_body_of_a_new_pull_request_or_issue_is_heard(here: Town) -> None:
    people = here.github.people
    issue = await people.open_issue(here.repo, "bob", body="@gryph help")
    pull = await people.open_pull(here.repo, "ann", {"b.py": b""}, body="/gryph test b.py")
    await people.push(here.repo, pull, {"b.py": b"b = 1\n"})
    assert [(each.number, each.place.message) for each in here.heard] == [
        (issue, None),
        (pull, None),
    ]
    assert [each.caller.name for each in here.heard] == ["bob", "ann"]


async def test_nothing_is_asked_of_github_before_the_acknowledgement(here: Town) -> None:
    number = await here.github.people.open_issue(here.repo, "ann")
    await here.asked(number, "/gryph help")
    assert here.github.access.calls == []


async def test_events_side_by_side_are_all_taken_in(here: Town) -> None:
    people = here.github.people
    number = await people.open_issue(here.repo, "ann")
    await asyncio.gather(
        *(people.comment(here.repo, number, "ann", f"/gryph help {n}") for n in range(20))
    )
    assert len(here.heard) == 20
