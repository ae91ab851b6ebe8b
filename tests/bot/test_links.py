import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.links import ZERO_WIDTH, is_web, open_links, shows_truth, unaddressed, unlike_others

Z = ZERO_WIDTH


@pytest.mark.parametrize(
    ("words", "address", "truthful"),
    [
        ("the report", "https://a.bc/x", True),
        ("a.bc", "https://a.bc/x", True),
        ("www.a.bc", "https://a.bc/x", True),
        ("https://a.bc/y", "https://www.a.bc:8443/x", True),
        ("src/a.py", "https://a.bc/x", True),
        ("a.bc", "https://b.cd", False),
        ("https://a.bc", "https://b.cd", False),
        ("//a.py", "https://b.cd", False),
        ("a\u200b.bc", "https://b.cd", False),
        ("a\uff0ebc", "https://b.cd", False),
        ("a&period;bc", "https://b.cd", False),
    ],
)
def test_words_may_name_no_other_address(words: str, address: str, *, truthful: bool) -> None:
    assert shows_truth(words, address) == truthful


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see [it](https://a.bc/x).", "see [it](https://a.bc/x)."),
        ("[it](https://a.bc/x)[too](http://b.cd)", "[it](https://a.bc/x)[too](http://b.cd)"),
        ("[a.bc](https://b.cd)", "[a.bc]\\(https://b.cd)"),
        ("[it](javascript:x)", "[it]\\(javascript:x)"),
        ("[it](https://g\u0456t.com)", f"[it]\\(https:{Z}//g\u0456t.com)"),
        ("[it](https://a.bc@b.cd)", f"[it]\\(https:{Z}//a.bc@b.cd)"),
        ("[it](<https://a.bc>)", f"[it]\\(<{Z}https://a.bc>)"),
        ("[it][r]\n[r]: https://a.bc", "[it]\\[r]\n[r]\\: https://a.bc"),
        ("![x](https://a.bc/p.png)", "[x](https://a.bc/p.png)"),
        ("!!![x](https://a.bc/p.png)", "[x](https://a.bc/p.png)"),
        ("<https://a.bc|b.cd>", f"<{Z}https://a.bc|b.cd>"),
        ("a[0] and - [x] done", "a[0] and - [x] done"),
    ],
)
def test_links_show_where_they_lead_or_what_they_are_made_of(text: str, shown: str) -> None:
    assert open_links(text) == shown


def test_only_addresses_of_the_web_are_links() -> None:
    assert is_web("https://a.bc:8443/x?y=1#z")
    assert not any(map(is_web, ("javascript:x", "https://a.bc|d", "https://a@b.cd", "//a.bc", "")))


def test_what_stands_on_a_link_of_ours_names_no_address() -> None:
    assert unaddressed("see https://a.bc/x, www.d.ef") == "see https: a.bc/x, www d.ef"


@given(st.text(alphabet="[]()!<>|\\:/.@aw ht p s", max_size=60))
def test_what_is_open_stays_open(text: str) -> None:
    once = unlike_others(text)
    assert unlike_others(once) == once


@pytest.mark.parametrize(
    "unit", ["[", "[a", "](", "<a:", "a.", "http://a.", "[a](", "www.", "//", "![", "a://"]
)
def test_no_text_takes_long(unit: str) -> None:
    text = unit * (60_000 // len(unit))
    begun = time.process_time()
    open_links(text)
    shows_truth(text[:300], "https://a.bc")
    assert time.process_time() - begun < 2.0
