"""No secret leaves in a message."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import HIDDEN, redacted, redacted_model
from jobs.messages import Code, Collapsible, Reply, Table, Text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJlLWhlcmU"
SECRETS = (
    "ghp_" + "a1B2" * 9,
    f"ghs_12345_{JWT}",
    "github_pat_11ABCDEFG0123456789_" + "x" * 40,
    "xoxb-123456789012-1234567890123-" + "a" * 24,
    "xoxe.xoxp-1-" + "b" * 40,
    "xapp-1-A0123456789-1234567890123-" + "c" * 64,
    "M" + "T" * 23 + ".GaBcDe." + "x" * 38,
    JWT,
    "AKIA" + "ABCD" * 4,
    "sk-ant-" + "z" * 40,
    "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nAAAA\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIB cut off",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_taken_out_wherever_it_stands(secret: str) -> None:
    said = redacted(f"before '{secret}' after")
    assert secret not in said
    assert said.startswith("before '" + HIDDEN)


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_found_in_every_corner_of_a_reply(secret: str) -> None:
    table = Table(header=("a",), rows=((secret,),))
    reply = Reply(
        summary=secret,
        blocks=(
            Text(markdown=secret),
            Collapsible(title=secret, blocks=(table, Code(text=secret))),
        ),
    )
    assert secret not in redacted_model(reply).model_dump_json()


@given(st.text(string.printable, max_size=300))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    if not any(
        mark in text for mark in ("gh", "xox", "xapp", "eyJ", "AKIA", "ASIA", "AIza", "sk-")
    ):
        assert redacted(text) == text


def test_words_that_only_look_alike_stay() -> None:
    said = "test_ghp_token uses xoxb- prefixes; sk-learn; J7K2M9Q; eyJ is base64 for {"
    assert redacted(said) == said
