"""What is logged holds no secret, wherever in the record it stands."""

import io
import json
import logging
from collections.abc import Generator

import pytest
import structlog
from structlog.testing import capture_logs

from storage.logs import set_up_logging
from storage.redaction import HIDDEN, Redactor

OWN = "our-own-words-9"
TOKEN = "ghp_" + "a1B2c3" * 6
INTERACTION = "aW50ZXJhY3Rpb246" + "x1Y" * 20


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Generator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    set_up_logging(redactor=Redactor((OWN,)))
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def test_values_lists_exceptions_and_other_libraries_records_are_cleaned(
    written: io.StringIO,
) -> None:
    log = structlog.get_logger("ours")
    log.info(
        "calling", url=f"https://x/{OWN}", parts=[TOKEN, {"deep": (TOKEN,)}], error=ValueError(OWN)
    )
    try:
        raise ValueError(f"refused {TOKEN}")
    except ValueError:
        log.exception("it failed")
    discord = logging.getLogger("discord.http")
    discord.warning("%s /webhooks/1234567890/%s", "PATCH", INTERACTION)
    discord.warning("event %s", {"token": INTERACTION, "type": 2})
    logging.getLogger("elsewhere").error("with %s", OWN)
    said = written.getvalue()
    for secret in (OWN, TOKEN, INTERACTION):
        assert secret not in said
    lines = [json.loads(line) for line in said.splitlines()]
    assert len(lines) == 5
    assert lines[0]["url"] == f"https://x/{HIDDEN}"
    assert lines[0]["parts"] == [HIDDEN, {"deep": [HIDDEN]}]
    assert f"ValueError: refused {HIDDEN}" in lines[1]["exception"]
    assert lines[4]["event"] == f"with {HIDDEN}"


def test_logger_in_use_follows_a_second_set_up(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = structlog.get_logger("ours")
    log.info("first")
    monkeypatch.setattr("sys.stderr", written)
    set_up_logging(redactor=Redactor(("new-words-9",)))
    log.info("second", what="new-words-9")
    with capture_logs() as captured:
        log.error("third")
    assert [each["event"] for each in captured] == ["third"]
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["first", "second"]
    assert lines[1]["what"] == HIDDEN
