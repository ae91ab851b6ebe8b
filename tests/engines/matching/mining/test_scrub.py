"""What is taken out of a task's words, and what stays."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.matching.mining.scrub import Names, scrub
from engines.matching.types import Signature

NOBODY: frozenset[str] = frozenset()


def _names() -> Names:
    names = Names()
    names.see(Signature("Ann Lee-Page", "annlee@work.org"))
    names.see(Signature("Mark Doe", "12+markd@users.noreply.github.com"))
    names.see(Signature("Info", "code@work.org"))
    names.keep(["src/page/mark.py", "docs/annex.md"])
    return names


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Merge pull request #12 from ann/some-branch", ""),
        ("Merge pull request #12 from ann/x: a title", "a title"),
        ("Merge branch 'fix/ann' into 'main'\n\nA title\n\nSee merge request a/b!12", "A title"),
        ("Merged in ann/fix (pull request #12)", ""),
        ("Merge remote-tracking branch 'ann/fix'", ""),
        ("Auto merge of #12 - ann:fix, r=bob\n\nA title", "A title"),
        ("Merge #12 #13\n\n12: One title r=bob a=ann\n13: Two r=bob a=cyd", "One title\nTwo"),
        ("Mend it (#12)", "Mend it"),
        ("Mend it (PR #12), see gh-13 and a/b#14", "Mend it , see and"),
        ("As @ann and @org/team said", "As and said"),
        ("Ask ann@work.org or <bob@localhost>", "Ask or"),
        ("Read [this](https://x.org/a?b=c) now", "Read [this] now"),
        ("Revert 0123abc and deadbeefcafe0123 of 2024", "Revert and of 2024"),
        ("A title\n\nSigned-off-by: Ann <a@x>\nReviewed by: bob\nCc: cyd", "A title"),
        ("(cherry picked from commit 0123abcd)", ""),
        ("Keep 3.11, e2e and c++ as they are", "Keep 3.11, e2e and c++ as they are"),
        ("Merge sort is stable", "Merge sort is stable"),
    ],
)
def test_who_and_which_number_are_taken_out(text: str, left: str) -> None:
    assert scrub(text, NOBODY) == left


def test_known_people_are_taken_out_unless_a_path_is_called_so() -> None:
    names = _names()
    assert scrub("Let Ann and markd see the lee side", names) == "Let and see the lee side"
    assert scrub("Mark the Page that annlee wrote", names) == "Mark the Page that wrote"
    assert scrub("Doe, a deer", names) == ", a deer"


def test_an_address_that_is_any_word_names_nobody() -> None:
    assert scrub("info on the code", _names()) == "info on the code"


_pieces = st.sampled_from(
    [
        *("Merge pull request #1 from a/b", "#", "12", "@", "ann", "Ann", "lee", " ", "\n", "("),
        *(
            ")",
            "r=",
            "a=",
            "x@y",
            "https://",
            "deadbee",
            "1",
            "Reviewed-by: x",
            ":",
            "-",
            "gh-",
            "_",
        ),
        *("[", "]", "<", ">", "/", "Auto merge of ", "!", "1: ", "\t", "Merge #", "é", "."),
    ]
)


@given(st.lists(_pieces, max_size=30).map("".join))
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    names = _names()
    once = scrub(text, names)
    assert scrub(once, names) == once
    assert scrub(once, NOBODY) == once


@pytest.mark.parametrize(
    "piece",
    ["a", "a.", "a-", "@a", "#1", "a/", "(", "()", "x@", "f1", "Merge ", "a_", "\n", "r=", "(["],
)
def test_hostile_texts_take_no_longer(piece: str) -> None:
    began_s = time.process_time()
    scrub(piece * (20_000 // len(piece)), _names())
    scrub("(" * 10_000 + ")" * 10_000, _names())
    assert time.process_time() - began_s < 1
