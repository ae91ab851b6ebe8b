"""No secret leaves, ordinary code stays, and no text takes long."""

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.settings import GatewaySettings
from storage.redaction import HIDDEN, Redactor, own_secrets
from tests.hostile.secrets import HOSTILE, LARGEST, recall, slowest, split_recall

FORMS_ONLY = Redactor()
OWN = "Correct&Horse/Battery=Staple+9 ü"


def test_every_form_is_found_in_every_setting() -> None:
    tried, missed = recall(cases=2, seed=7)
    assert tried > 500
    assert missed == []


def test_a_line_end_or_what_cannot_be_seen_does_not_save_a_secret() -> None:
    tried, missed = split_recall(cases=2, seed=7)
    assert tried > 300
    assert missed == []


def test_hostile_texts_take_no_longer_than_others() -> None:
    name, took_s = slowest()
    assert took_s < 4.0, f"{name}: {LARGEST} characters took {took_s:.1f} s"
    assert name in HOSTILE


@pytest.mark.parametrize(
    "text",
    [
        "test_ghp_token uses xoxb- prefixes; sk-learn; J7K2M9Q; eyJ is base64 for {",
        "task-management-for-the-whole-machine-2 and disk-usage-of-everything",
        'password = "password"; token = get_token(); secret_key: str = None',
        "self.embed_tokens = LargeScaledWordEmbedding(config)",
        "postgresql://user:password@host/name and redis://localhost:6379/0",
        "def authorization(self): return self.headers.authorization_value2",
        "the commit 3f786850e387550fdab836ed7e6dc881de23001b fixed it",
        "-----BEGIN PRIVATE KEY----- is how such a file begins",
        "uuid 123e4567-e89b-12d3-a456-426614174000, sha256:" + "ab12" * 16,
        'header.startswith("Bearer ") or "Authorization: Bearer <token>"',
        "https://hooks.slack.com/services/ and /webhooks/12/ are addresses",
    ],
)
def test_words_that_only_look_alike_stay(text: str) -> None:
    assert FORMS_ONLY.redacted(text) == text


def test_what_follows_a_secret_on_the_next_line_stays() -> None:
    secret = "ghp_" + "a1B2c3" * 6
    said = FORMS_ONLY.redacted(f"{secret}\nimport os\n{secret}\ndef test_1():\n    pass")
    assert said == f"{HIDDEN}\nimport os\n{HIDDEN}\ndef test_1():\n    pass"


@given(st.text(max_size=300))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = FORMS_ONLY.redacted(text)
    assert FORMS_ONLY.redacted(once) == once


def _spellings() -> list[str]:
    raw = OWN.encode()
    return [
        OWN,
        quote(OWN, safe=""),
        quote_plus(OWN),
        json.dumps(OWN)[1:-1],
        raw.hex(),
        f"{OWN[:11]}\n{OWN[11:]}",
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(b"x-access-token:" + raw).decode(),
        base64.b64encode(b"ab" + raw + b"more").decode(),
    ]


@pytest.mark.parametrize("spelled", _spellings())
def test_a_secret_of_ours_is_found_however_it_is_spelled(spelled: str) -> None:
    said = Redactor((OWN,)).redacted(f"before<{spelled}>after")
    assert HIDDEN in said
    assert OWN[:11] not in said
    assert spelled not in said
    assert FORMS_ONLY.redacted(OWN) == OWN


def test_every_configured_secret_is_ours(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "audit.key").write_text("ab" * 32)
    (tmp_path / "keys" / "api.json").write_text(json.dumps({"keys": [{"secret": "Q" * 44}]}))
    pem = tmp_path / "app.pem"
    pem.write_text("-----BEGIN X-----\n" + "line" * 16 + "\n-----END X-----\n")
    settings = GatewaySettings(
        home=tmp_path,
        database_url="postgresql://gryph:p%40ssw0rd@db/gryph",
        redis_url="redis://:valkey-word@cache:6379",
        checkout_key="Zm9v" * 11,
        slack_signing_secret=SecretStr("plain words of ours"),
        github_private_key_file=pem,
    )
    own = own_secrets(settings)
    expected = {
        "p@ssw0rd", "valkey-word", "Zm9v" * 11, "plain words of ours", "ab" * 32, "Q" * 44,
        "line" * 16,
    }  # fmt: skip
    assert expected <= own
    said = Redactor(own).redacted("a quote of " + "line" * 16 + " and plain words of ours.")
    assert said == f"a quote of {HIDDEN} and {HIDDEN}."


def test_every_secret_setting_there_is_is_taken_up(tmp_path: Path) -> None:
    """A new SecretStr setting is ours without anybody thinking of it."""
    names = [
        name
        for name, each in GatewaySettings.model_fields.items()
        if "SecretStr" in str(each.annotation)
    ]
    assert len(names) >= 6
    values = {name: SecretStr(f"value-of-{name}") for name in names}
    own = own_secrets(GatewaySettings(home=tmp_path, **values))  # pyright: ignore[reportArgumentType]
    assert {f"value-of-{name}" for name in names} <= own
