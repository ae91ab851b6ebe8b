"""What is kept and shown of a text while it is being written."""

from collections.abc import Iterator
from random import Random

import pytest

from bot.drafts import LONGEST, with_draft
from storage.drafts import KEPT, ending, kept
from storage.redaction import HIDDEN, Redactor
from storage.redaction.unfinished import finished
from storage.states import JobState
from storage.tables.drafts import DraftRow
from tests.bot.discord.views import view
from tests.hostile.secrets import FORMS, SETTINGS

OWN = "own-Secret-0f-this-house!"
REDACTOR = Redactor((OWN,))
RUNNING = view(JobState.RUNNING)
FILLER = "def before() -> int:\n    return 1  # nothing of interest\n\n"
ONE_LINE = ("in a query", "in a file name")
BREAKS = ("\n", "\n    ", "\\\n", '"\n    "', "\u200b", "\r\n", "\n> ", "\n- ")
ENCRYPTED = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A\n\n"


def shown(written: str) -> str:
    """What a face gets to show of it."""
    draft = kept(written)
    row = DraftRow(job_id=RUNNING.job, revision=1, text=draft.text, length=draft.length)
    return with_draft(RUNNING, row, REDACTOR).draft


@pytest.mark.parametrize(
    ("written", "to_be_seen"),
    [
        ("", ""),
        ("half a wor", "half a "),
        ("a whole word.\n\n", "a whole word.\n\n"),
        ("may go on\n", "may go "),
        ("a = 1\nb = tok\n    en", "a = 1\nb = "),
        ("two\n\nparagraphs are apart", "two\n\nparagraphs are "),
        ("```py\nx()\n```\n", "```py\nx()\n```\n"),
        ("\u6587\u304c\u7d42\u308f\u308b\u3002\u6b21", "\u6587\u304c\u7d42\u308f\u308b\u3002"),
        ("key:\n" + ENCRYPTED + "MIIEabc\nMIIEdef\n\n", "key:\n"),
        ("`-----BEGIN PRIVATE KEY-----` begins one, it ", None),
    ],
)
def test_the_last_word_waits_until_it_is_whole(written: str, to_be_seen: str | None) -> None:
    assert written[: finished(written)] == (written if to_be_seen is None else to_be_seen)


def growing(put: str, random: Random) -> Iterator[str]:
    """A text around a secret at many moments: while it is written, and as it moves out of sight."""
    whole = f"{FILLER}{put}\nand more.\n\n"
    at = len(FILLER)
    while at < len(whole):
        yield whole[:at]
        at += random.randint(1, 9)
    for before in (LONGEST, KEPT):
        for _ in range(6):
            behind = max(0, before - random.randint(0, len(put) + 80))
            yield whole + FILLER * (behind // len(FILLER)) + "x" * (behind % len(FILLER)) + "\n\n"


def bared(secret: str, said: str) -> list[str]:
    """Runs of ten letters of a secret that can be read."""
    body = secret.replace("-----BEGIN", "").replace("PRIVATE KEY", "")
    return [body[at : at + 10] for at in range(len(body) - 9) if body[at : at + 10] in said]


def test_no_part_of_a_secret_is_seen_while_it_is_written_nor_when_it_moves_out_of_sight() -> None:
    random = Random(5)  # noqa: S311 - reproducible
    names = sorted(FORMS)
    for number, name in enumerate((*names, *names)):
        secret = FORMS[name](random)
        settings = [each for each in SETTINGS if "\n" not in secret or each not in ONE_LINE]
        put = SETTINGS[settings[number % len(settings)]](secret)
        known = bared(secret, REDACTOR.redacted(put))
        for written in growing(put, random):
            assert set(bared(secret, shown(written))) <= set(known), (name, written[-80:])


def test_no_part_of_a_secret_is_seen_that_goes_over_a_lines_end() -> None:
    random = Random(6)  # noqa: S311 - reproducible
    for name in sorted(FORMS):
        secret = FORMS[name](random)
        if "\n" in secret or "://" in secret:
            continue
        at = random.randrange(len(secret) // 4 + 1, len(secret) - 4)
        put = f"before {secret[:at]}{random.choice(BREAKS)}{secret[at:]} after"
        known = bared(secret, REDACTOR.redacted(put))
        for written in growing(put, random):
            assert set(bared(secret, shown(written))) <= set(known), (name, written[-80:])


def test_the_installations_own_secrets_are_not_seen_either() -> None:
    random = Random(7)  # noqa: S311 - reproducible
    for written in growing(f"it is {OWN} here", random):
        assert bared(OWN, shown(written)) == []
    assert HIDDEN in shown(f"it is {OWN} here, ")


def test_a_long_text_is_kept_from_the_beginning_of_a_line_on_within_bounds() -> None:
    written = "".join(f"line {number} of many\n" for number in range(10_000)) + "\n"
    draft = kept(written)
    assert draft.length == len(written)
    assert KEPT * 0.9 < len(draft.text) <= KEPT
    assert draft.text.startswith("line ")
    assert draft.text.endswith("line 9999 of many\n\n")


@pytest.mark.parametrize(
    ("fence", "again"),
    [
        ("```python", "```python"),
        ("~~~~ toml", "~~~~toml"),
        ("> ```", "```"),
        ("1. ```sh", "```sh"),
        ("text", None),
        ("```py\nx\n```", None),
    ],
)
def test_of_a_fence_the_end_has_the_first_line_again(fence: str, again: str | None) -> None:
    found = ending(f"intro\n\n{fence}\n" + "code = 1\n" * 100, 300)
    assert len(found) <= 300
    assert found.partition("\n")[0] == (again or "code = 1")


@pytest.mark.parametrize(
    "letter", ["a", "e\u0301", "\U0001f468\u200d\U0001f469", "\u8a9e", "\ud800"]
)
def test_any_text_has_an_end_of_any_length(letter: str) -> None:
    for most in (80, 300, KEPT):
        found = ending(letter * 20_000, most)
        assert most // 2 - 80 < len(found) <= most
        assert found[0] not in "\u0301\u200d"


def test_a_hostile_text_does_not_take_long() -> None:
    for unit in ("a\n", " \n", "- a\n", '"\\\n', "```\nx\n", "a", "-----BEGIN PRIVATE KEY-----\n"):
        kept(unit * (200_000 // len(unit)))
