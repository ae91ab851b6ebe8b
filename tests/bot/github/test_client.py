from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from bot.face import Busy, Undeliverable
from bot.github.client import CHECKS, COMMENT, READ, GitHubClient, Reach
from bot.github.identity import AppIdentity
from bot.github.transport import Answer, Refused, Transport
from bot.github.wire import User
from bot.settings import GatewaySettings, MissingSetting
from bot.tokens import TokenRefused
from storage.clock import utc_now
from tests.bot.github.town import REPOSITORY, Town
from tests.fakes.github.access import Fault
from tests.fakes.pauses import let_pause_end

COMMENTS = f"/repos/{REPOSITORY}/issues/1/comments"


async def test_token_is_asked_for_one_repository_and_the_permissions_needed(here: Town) -> None:
    await here.github.people.open_issue(here.repo, "ann")
    await here.client.get(Reach(REPOSITORY, COMMENT), COMMENTS)
    assert here.github.access.asked == [
        {
            "repositories": ["shop"],
            "permissions": {"issues": "write", "pull_requests": "write"},
        }
    ]


async def test_token_is_kept_until_five_minutes_before_its_end(here: Town) -> None:
    reach = Reach(REPOSITORY, READ)
    for ahead_min, asked in ((0, 1), (30, 1), (54, 1), (56, 2), (57, 2)):
        here.github.world.ahead = timedelta(minutes=ahead_min)
        await here.client.get(reach, f"/repos/{REPOSITORY}")
        assert len(here.github.access.asked) == asked


async def test_other_permissions_are_another_token(here: Town) -> None:
    await here.client.get(Reach(REPOSITORY, READ), f"/repos/{REPOSITORY}")
    await here.client.get(Reach(REPOSITORY, CHECKS), f"/repos/{REPOSITORY}")
    assert len(here.github.access.tokens) == 2


async def test_token_that_is_no_longer_taken_is_asked_for_anew(here: Town) -> None:
    reach = Reach(REPOSITORY, READ)
    await here.client.get(reach, f"/repos/{REPOSITORY}")
    here.github.access.tokens.clear()
    await here.client.get(reach, f"/repos/{REPOSITORY}")
    assert len(here.github.access.asked) == 2


async def test_installation_named_by_the_webhook_is_not_looked_up(here: Town) -> None:
    reach = Reach(REPOSITORY, READ, str(here.github.world.installation))
    await here.client.get(reach, f"/repos/{REPOSITORY}")
    assert here.calls("GET", "/installation") == 0


async def test_installation_is_looked_up_once(here: Town) -> None:
    for _ in range(3):
        await here.client.get(Reach(REPOSITORY, READ), f"/repos/{REPOSITORY}")
    assert here.calls("GET", "/installation") == 1


async def test_app_installed_anew_is_found_under_its_new_id(here: Town) -> None:
    reach = Reach(REPOSITORY, READ, str(here.github.world.installation))
    here.github.world.install_anew()
    await here.client.get(reach, f"/repos/{REPOSITORY}")
    assert here.calls("GET", "/installation") == 1


async def test_app_that_was_uninstalled_is_undeliverable(here: Town) -> None:
    here.repo.installed = False
    with pytest.raises(Undeliverable):
        await here.client.get(Reach(REPOSITORY, READ), f"/repos/{REPOSITORY}")


async def test_permission_the_owner_did_not_grant_is_left_out(here: Town) -> None:
    await here.github.people.open_issue(here.repo, "ann")
    del here.github.world.granted["pull_requests"]
    await here.client.get(Reach(REPOSITORY, COMMENT), COMMENTS)
    assert here.github.access.asked[-1]["permissions"] == {"issues": "write"}


async def test_checkout_token_reads_the_contents_of_one_repository(here: Town) -> None:
    value, expires_at = await here.client.checkout_token(REPOSITORY)
    token = here.github.access.tokens[value]
    assert token.repositories == {REPOSITORY}
    assert token.permissions == {"metadata": "read", "contents": "read"}
    assert expires_at == token.expires_at


async def test_each_checkout_token_is_a_fresh_one(here: Town) -> None:
    first, _ = await here.client.checkout_token(REPOSITORY)
    second, _ = await here.client.checkout_token(REPOSITORY)
    assert first != second


async def test_checkout_token_of_a_repository_without_the_app_is_undeliverable(
    here: Town,
) -> None:
    with pytest.raises(Undeliverable):
        await here.client.checkout_token("acme/nowhere")


async def test_app_token_is_within_githubs_rules_when_clocks_differ(here: Town) -> None:
    world = here.github.world
    for ahead_s in (-50, 0, 100):
        client = GitHubClient(here.client.identity, Transport(here.github.url), utc_now)
        world.ahead = timedelta(seconds=ahead_s)
        answer = await client.as_app("GET", "/app")
        await client.close()
        assert answer.status == 200


def test_answer_that_is_no_json_is_busy() -> None:
    broken = Answer(200, {}, b"<html>")
    with pytest.raises(Busy):
        broken.one(User)
    with pytest.raises(Busy):
        broken.many(User)


async def test_refusal_names_the_call_and_no_secret(here: Town) -> None:
    here.github.access.faults.append(Fault("GET", "/app$", 422, "odd"))
    with pytest.raises(Refused) as refused:
        await here.client.as_app("GET", "/app")
    assert str(refused.value) == "GET /app: 422 odd"


async def test_key_that_github_does_not_take_is_busy_until_it_is_mended(here: Town) -> None:
    here.github.world.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(Busy):
        await here.client.checkout_token(REPOSITORY)


async def test_refused_key_leaves_github_alone_and_a_rotated_one_is_read_from_its_file(
    here: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tmp_path / "key.pem"
    held.write_text(here.github.world.private_key)
    file = {"github_private_key": None, "github_private_key_file": held}
    client = GitHubClient.of(here.settings.model_copy(update=file))
    here.github.world.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    held.write_text(here.github.world.private_key)
    with pytest.raises(TokenRefused, match="GRYPH_GITHUB_PRIVATE_KEY is refused"):
        await client.as_app("GET", "/app")
    asked = len(here.github.access.calls)
    for _ in range(20):
        with pytest.raises(TokenRefused):
            await client.as_app("GET", "/app")
    assert len(here.github.access.calls) == asked
    let_pause_end(client.token, monkeypatch)
    assert (await client.as_app("GET", "/app")).status == 200
    assert not client.token.is_refused
    await client.close()


async def test_token_that_github_gives_and_does_not_take_is_no_reason_to_give_up(
    here: Town,
) -> None:
    for _ in range(2):
        here.github.access.faults.append(Fault("GET", "/pulls/1$", 401, "Bad credentials"))
    with pytest.raises(Busy) as caught:
        await here.client.get(Reach(REPOSITORY, READ), f"/repos/{REPOSITORY}/pulls/1")
    assert caught.value.retry_after_s == 60


@pytest.mark.parametrize("key", ["", "not a key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"])
async def test_bad_private_key_refuses_to_start(key: str) -> None:
    with pytest.raises(MissingSetting, match="GRYPH_GITHUB_PRIVATE_KEY"):
        AppIdentity("1", key)


async def test_half_configured_app_refuses_to_start() -> None:
    settings = GatewaySettings(github_app_id="1", github_webhook_secret=SecretStr("x"))
    with pytest.raises(MissingSetting, match="GRYPH_GITHUB_PRIVATE_KEY"):
        GitHubClient.of(settings)
