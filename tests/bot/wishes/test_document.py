"""`.gryph.toml` is anybody's: what is right in it counts, what is wrong is told, nothing breaks."""

import time
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reference import repository_settings_page
from bot.wishes.document import KEYS, LARGEST_BYTES, MOST_COMPLAINTS, read
from handlers import RepositoryWishes, Tier

WHOLE = b"""
[test]
style = "unittest"
budget = 20
seed = 7

[plan]
team = "ana (backend:3), bo"
timezone = "Europe/Berlin"

[who]
may = "write"

[paths]
ignore = ["vendor/*", "*_pb2.py"]

[match]
suggest_reviewers = true
spread = true
"""


def test_everything_that_can_be_wished_is_read() -> None:
    assert read(WHOLE) == RepositoryWishes(
        style="unittest",
        budget_s=20,
        seed=7,
        team="ana (backend:3), bo",
        timezone="Europe/Berlin",
        may=Tier.WRITE,
        ignore=("vendor/*", "*_pb2.py"),
        suggest_reviewers=True,
        spread=True,
    )
    assert read(b"") == RepositoryWishes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[match]\nsuggest_reviewer = true",
            "`match.suggest_reviewer` is not known; did you mean `match.suggest_reviewers`?",
        ),
        (
            "[match]\nsuggest_reviewers = 'yes'",
            "Line 2: `match.suggest_reviewers` is to be `true` or `false`; it is left",
        ),
        (
            "[test]\nstlye = 'pytest'",
            "Line 2: `test.stlye` is not known; did you mean `test.style`?",
        ),
        ("[tset]\nstyle = 'pytest'", "Line 1: `tset` is not known; did you mean `test`?"),
        ("style = 'pytest'", "Line 1: `style` is not known; did you mean `test.style`?"),
        ("[test]\nzzz = 1", "Line 2: `test.zzz` is not known."),
        ("[test]\nbudget = '20s'", "`test.budget` is to be a number from 1 to 120"),
        ("[test]\nbudget = 1000", "Line 2: `test.budget` is to be a number"),
        ("[test]\nbudget = nan", "is to be a number"),
        ("[test]\nseed = true", "is to be a whole number"),
        ("[test]\nseed = 1.0", "is to be a whole number"),
        ("[test]\nstyle = 'nose'", '`"pytest"` or `"unittest"`'),
        ("test = 3", "Line 1: `test` is a section: write `[test]`"),
        ("[[test]]\nseed = 1", "`test` is a section"),
        ("[paths]\nignore = 'vendor'", "is to be a list"),
        ("[paths]\nignore = ['a', 3]", "is to be a list"),
        ("[test\nseed = 1", "it is not TOML (at line 1"),
    ],
)
def test_a_slip_is_told_with_its_line_and_what_was_meant(text: str, words: str) -> None:
    (complaint,) = read(text.encode()).complaints
    assert words in complaint


def test_what_is_right_counts_beside_what_is_wrong() -> None:
    found = read(b"[test]\nseed = 7\nstyle = 'nose'\n[path]\nignore = []\n")
    assert (found.seed, found.style, len(found.complaints)) == (7, None, 2)


@pytest.mark.parametrize(
    "text", ["[who]\nmay = 'amdin'", "[who]\nmay = 'anyone'", "[who]\nmya = 'write'", "who = 1"]
)
def test_a_slip_about_who_may_opens_nothing(text: str) -> None:
    found = read(text.encode())
    assert found.may is Tier.ADMIN
    assert found.complaints


@pytest.mark.parametrize("tier", ["anyone", "author", "read", "operator"])
def test_rights_can_only_be_narrowed(tier: str) -> None:
    assert read(f"[who]\nmay = '{tier}'".encode()).may is Tier.ADMIN


MOST_S = 3.0
"""Of CPU; on a machine that does nothing else it is a third of it."""
HOSTILE = {
    "a large file": b"# " + b"x" * 10_000_000,
    "a billion keys, as far as they go": b"".join(b"k%d=1\n" % n for n in range(1_500)),
    "keys in a known section": b"[test]\n" + b"".join(b"k%d=1\n" % n for n in range(1_500)),
    "nested lists": b"a=" + b"[" * 8_000,
    "nested tables": b"a=" + b"{b=" * 4_000,
    "dotted keys": b"a." * 8_000 + b"a=1",
    "nested headers": b"[" + b"a." * 8_000 + b"a]",
    "a long number": b"[test]\nseed=" + b"9" * 15_000,
    "a long line": b'"' + b"k" * 16_000 + b'"=1',
    "no text": b"\xff\xfe\x00",
    "control characters": b"a\x00\x1b[2J = 1",
    "escapes in a key": b'"\\u001b[31m`@everyone`\\n# x\\u202e" = 1',
    "mentions": b'"<!channel> <@U1> @everyone fixes #1" = 1',
    "a secret in a key": b'"ghp_16C7e42F292c6912E7710c838347Ae178B4a" = 1',
    "a secret in a value": b"[test]\nstyle='ghp_16C7e42F292c6912E7710c838347Ae178B4a'",
    "an impossible date": b"a=2026-13-45",
    "a pattern that backtracks": b"[paths]\nignore=['" + b"*a" * 90 + b"']",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_read_at_once_and_little_is_said_of_them(name: str) -> None:
    content = HOSTILE[name]
    started = time.process_time()
    found = read(content)
    assert time.process_time() - started < MOST_S
    said = "".join(found.complaints)
    assert len(found.complaints) <= MOST_COMPLAINTS + 1
    assert len(said) < 1_500
    assert said.isprintable()
    if content.startswith(b"[test]"):
        assert "ghp_" not in said, "values are never repeated"


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    found = read(content)
    assert all(each.isprintable() for each in found.complaints)


@given(
    st.dictionaries(
        st.sampled_from(["test", "who", "paths", "x"]),
        st.dictionaries(
            st.sampled_from([key.name for key in KEYS] + ["x"]),
            st.sampled_from(["1", "true", "'write'", "[]", "[1]", "{}", "inf", "'*'", "-1"]),
        ),
    )
)
def test_every_key_with_every_kind_of_value_gives_wishes(
    said: dict[str, dict[str, str]],
) -> None:
    lines = [
        line
        for section, keys in said.items()
        for line in (f"[{section}]", *(f"{key} = {value}" for key, value in keys.items()))
    ]
    found = read("\n".join(lines).encode())
    assert found.may in (None, Tier.WRITE, Tier.ADMIN)


def test_the_documentation_names_every_key_and_its_example_is_right() -> None:
    page = repository_settings_page()
    assert all(f"`{key.full_name}`" in page for key in KEYS)
    example = page.partition("```toml\n")[2].partition("```")[0]
    found = read(example.encode())
    assert found.complaints == ()
    assert {key.full_name for key in KEYS} == {
        f"{section}.{name}" for section, keys in tomllib.loads(example).items() for name in keys
    }
    assert len(example) < LARGEST_BYTES


def test_every_push_is_compared_only_where_that_is_said_plainly() -> None:
    assert read(b"[pull_requests]\nbehaviour = true\n").behaviour
    assert not read(b"").behaviour
    slip = read(b"[pull_request]\nbehaviour = true\n")
    assert (slip.behaviour, len(slip.complaints)) == (False, 1)
    assert "did you mean `pull_requests`?" in slip.complaints[0]
    unclear = read(b'[pull_requests]\nbehaviour = "yes"\n')
    assert (unclear.behaviour, len(unclear.complaints)) == (False, 1)
