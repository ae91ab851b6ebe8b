import logging

import pytest

from bot.discord.redaction import TokenFilter


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("%s %s responded", ("PATCH", "https://x/api/v10/webhooks/12/s3cr3t/messages/@original")),
        ("POST /interactions/12/s3cr3t/callback with %s", ({"type": 5},)),
        ("event %s", ({"id": "1", "token": "s3cr3t", "type": 2},)),
        ('{"token": "s3cr3t"}', ()),
    ],
)
def test_tokens_do_not_reach_the_log(message: str, args: tuple[object, ...]) -> None:
    record = logging.LogRecord("discord.http", logging.WARNING, "", 1, message, args, None)
    assert TokenFilter().filter(record)
    assert "s3cr3t" not in record.getMessage()


def test_other_records_stay_as_they_are() -> None:
    record = logging.LogRecord("discord.http", logging.INFO, "", 1, "GET %s", ("/users",), None)
    assert TokenFilter().filter(record)
    assert record.args == ("/users",)
