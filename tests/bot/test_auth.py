"""Tokens of API clients: what is believed, what is refused, and how keys change."""

import base64
import hashlib
import hmac
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.auth import MAX_TTL_S, ApiKeys, KeysUnreadable, NotAuthenticated, Role, token_id
from handlers import Tier
from storage.clock import utc_now


@pytest.fixture
def keys(tmp_path: Path) -> ApiKeys:
    return ApiKeys(tmp_path)


def first_key(keys: ApiKeys) -> tuple[str, bytes]:
    key = json.loads(keys.path.read_text())["keys"][0]
    return key["id"], base64.urlsafe_b64decode(key["secret"])


def forged(keys: ApiKeys, algorithm: str = "HS256", **changes: Any) -> str:
    """A token signed with the real key whose claims differ from ours by `changes`."""
    keys.ensure()
    kid, secret = first_key(keys)
    now = int(utc_now().timestamp())
    claims: dict[str, Any] = {
        "iss": "gryph",
        "aud": "gryph",
        "sub": "ann",
        "role": "writer",
        "iat": now,
        "exp": now + 60,
        "jti": "ann.0123456789ab",
    }
    claims.update(changes)
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, secret, algorithm=algorithm, headers={"kid": kid})


@pytest.mark.parametrize(
    ("role", "tier"),
    [
        (Role.READER, Tier.READ),
        (Role.WRITER, Tier.WRITE),
        (Role.ADMIN, Tier.ADMIN),
        (Role.OPERATOR, Tier.OPERATOR),
    ],
)
def test_a_minted_token_names_its_holder_and_tier(keys: ApiKeys, role: Role, tier: Tier) -> None:
    client = keys.verify(keys.mint("ann", role, ttl_s=60))
    assert (client.name, client.tier, client.account) == ("ann", tier, "api:ann")
    assert timedelta(0) < client.expires_at - utc_now() <= timedelta(seconds=60)


def test_the_unchanged_forgery_is_valid_so_each_refusal_below_has_one_cause(keys: ApiKeys) -> None:
    assert keys.verify(forged(keys)).tier is Tier.WRITE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "another"}, "Audience"),
        ({"aud": None}, "aud"),
        ({"iss": "another"}, "issuer"),
        ({"iss": None}, "iss"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": 2**33}, "more than 90 days"),
        ({"iat": 2**33, "exp": 2**33 + 60}, "not yet valid"),
        ({"iat": None}, "iat"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "names nobody"),
        ({"sub": "ann\nbob"}, "names nobody"),
        ({"role": None}, "role"),
        ({"role": "emperor"}, "no role"),
        ({"role": ["operator"]}, "no role"),
        ({"jti": None}, "jti"),
        ({"nbf": 2**32}, "not yet valid"),
        ({"aud": ["another"]}, "Audience"),
        ({"sub": "x" * 5000}, "too long"),
    ],
)
def test_a_wrong_claim_is_refused_with_its_reason(
    keys: ApiKeys, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotAuthenticated, match=reason):
        keys.verify(forged(keys, **changes))


@pytest.mark.parametrize("algorithm", ["HS512", "HS384"])
def test_another_algorithm_is_refused_even_with_the_right_key(
    keys: ApiKeys, algorithm: str
) -> None:
    with pytest.raises(NotAuthenticated, match="alg"):
        keys.verify(forged(keys, algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS256", "none", "NONE", "hs256", ""])
def test_a_header_that_claims_another_algorithm_changes_nothing(
    keys: ApiKeys, algorithm: str
) -> None:
    _, claims, _ = forged(keys).split(".")
    kid, secret = first_key(keys)
    header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": kid}).encode())
    signed = f"{header.decode().rstrip('=')}.{claims}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    with pytest.raises(NotAuthenticated, match="alg"):
        keys.verify(f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")


@pytest.mark.parametrize("kid", [None, "", "nobody", "../keys/api.json", ["a"], 7])
def test_a_key_of_nobody_is_refused(keys: ApiKeys, kid: Any) -> None:
    keys.ensure()
    _, secret = first_key(keys)
    claims = jwt.decode(keys.mint("ann", Role.READER), options={"verify_signature": False})
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": kid}).encode())
    body = jwt.encode(claims, secret, algorithm="HS256").split(".")[1]
    signed = f"{header.decode().rstrip('=')}.{body}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    with pytest.raises(NotAuthenticated):
        keys.verify(f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")


def test_a_revoked_token_is_refused_at_once_and_no_other(keys: ApiKeys, tmp_path: Path) -> None:
    lost, kept = keys.mint("ann", Role.READER), keys.mint("ann", Role.READER)
    assert keys.verify(lost).name == "ann"
    command_line = ApiKeys(tmp_path)
    assert command_line.revoke(token_id(lost)) == token_id(lost)
    with pytest.raises(NotAuthenticated, match="revoked"):
        keys.verify(lost)
    assert keys.verify(kept).name == "ann"
    command_line.rotate()
    with pytest.raises(NotAuthenticated, match="revoked"):
        keys.verify(lost)


def test_a_token_is_revoked_by_itself_as_well(keys: ApiKeys) -> None:
    lost = keys.mint("ann", Role.READER)
    keys.revoke(lost)
    keys.revoke(lost)
    with pytest.raises(NotAuthenticated, match="revoked"):
        keys.verify(lost)


def test_a_token_whose_name_holds_dots_is_revoked_by_its_id(keys: ApiKeys) -> None:
    lost = keys.mint("ann.b@example.com", Role.ADMIN)
    assert keys.revoke(token_id(lost)) == token_id(lost)
    with pytest.raises(NotAuthenticated, match="revoked"):
        keys.verify(lost)


@pytest.mark.parametrize("given", ["", "ann", "a.b.c", "ann.xyz", "ann.0123456789AB"])
def test_what_is_no_token_cannot_be_revoked(keys: ApiKeys, given: str) -> None:
    with pytest.raises(ValueError, match="token"):
        keys.revoke(given)


def test_an_unsigned_token_is_refused(keys: ApiKeys) -> None:
    header, claims, _ = forged(keys).split(".")
    kid = jwt.get_unverified_header(f"{header}.{claims}.")["kid"]
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": kid}).encode())
    with pytest.raises(NotAuthenticated):
        keys.verify(f"{unsigned.decode().rstrip('=')}.{claims}.")


def test_a_changed_claim_breaks_the_signature(keys: ApiKeys) -> None:
    header, _, signature = keys.mint("ann", Role.READER).split(".")
    _, stronger, _ = keys.mint("ann", Role.OPERATOR).split(".")
    with pytest.raises(NotAuthenticated, match="Signature"):
        keys.verify(f"{header}.{stronger}.{signature}")


@given(st.text(max_size=200))
def test_any_other_text_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    keys = ApiKeys(tmp_path_factory.getbasetemp())
    keys.ensure()
    with pytest.raises(NotAuthenticated):
        keys.verify(text)


def test_a_token_of_another_installation_is_refused(keys: ApiKeys, tmp_path: Path) -> None:
    keys.ensure()
    with pytest.raises(NotAuthenticated, match="not ours"):
        keys.verify(ApiKeys(tmp_path / "other").mint("ann", Role.OPERATOR))


def test_after_rotation_the_new_key_signs_and_the_old_token_still_counts(keys: ApiKeys) -> None:
    old = keys.mint("ann", Role.READER)
    fresh_id = keys.rotate()
    new = keys.mint("ann", Role.READER)
    assert jwt.get_unverified_header(new)["kid"] == fresh_id
    assert keys.verify(old).name == keys.verify(new).name == "ann"


def test_a_retired_key_takes_its_tokens_along_in_a_running_gateway(
    keys: ApiKeys, tmp_path: Path
) -> None:
    old = keys.mint("ann", Role.READER)
    assert keys.verify(old).name == "ann"
    command_line = ApiKeys(tmp_path)
    command_line.rotate()
    assert command_line.retire() == 1
    with pytest.raises(NotAuthenticated, match="not ours"):
        keys.verify(old)
    assert keys.verify(command_line.mint("bob", Role.READER)).name == "bob"


def _mint_one(keys: ApiKeys) -> str:
    return keys.mint("ann", Role.READER)


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    starters = [ApiKeys(tmp_path) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(_mint_one, starters))
    assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["api.json"]


def test_only_the_owner_may_read_the_keys(keys: ApiKeys) -> None:
    keys.ensure()
    keys.rotate()
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("ttl_s", [0, -1, MAX_TTL_S + 1])
def test_a_lifetime_out_of_bounds_is_not_minted(keys: ApiKeys, ttl_s: int) -> None:
    with pytest.raises(ValueError, match="90 days"):
        keys.mint("ann", Role.READER, ttl_s=ttl_s)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 65, "ann\n", "<b>"])
def test_a_name_that_could_mislead_is_not_minted(keys: ApiKeys, name: str) -> None:
    with pytest.raises(ValueError, match="Not a name"):
        keys.mint(name, Role.READER)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        '{"keys": []}',
        '{"keys": [{"id": "a", "secret": "c2hvcnQ=", "created_at": "2026-01-01T00:00:00Z"}]}',
    ],
)
def test_a_damaged_key_file_is_named_not_replaced(keys: ApiKeys, content: str) -> None:
    keys.ensure()
    keys.path.write_text(content)
    with pytest.raises(KeysUnreadable, match=r"api\.json"):
        keys.mint("ann", Role.READER)
    assert keys.path.read_text() == content
