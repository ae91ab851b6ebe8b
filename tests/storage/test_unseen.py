import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.unseen import LONGEST_NAME, MARK, file_name, seen, seen_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x1b[31mred\x07", f"{MARK}[31mred{MARK}"),
        ("is_admin\u202e \u2066check\u2069", f"is_admin{MARK} {MARK}check{MARK}"),
        ("\U000e0069\U000e0067seen", f"{MARK}seen"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e007f", "\U0001f3f4\U000e0067\U000e0062\U000e007f"),
        ("wörd 👩‍💻 שלום", "wörd 👩‍💻 שלום"),
    ],
)
def test_what_is_not_seen_is_marked(text: str, shown: str) -> None:
    assert seen(text) == shown


def test_a_line_is_one_line() -> None:
    assert seen_line(" a\n\tb\r\nc ") == "a b c"


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("test_a.py", "test_a.py"),
        ("../../etc/passwd", "etc_passwd"),
        ("src/./.test_a.py", "src_.test_a.py"),
        ("v1../a", "v1.._a"),
        ("https://a.bc", "https_a.bc"),
        ("a\nb\x1b.py", f"a_b{MARK}.py"),
        ("...", "file"),
        ("", "file"),
        ("C:\\x", "C_x"),
    ],
)
def test_a_file_has_a_plain_name(given_name: str, name: str) -> None:
    assert file_name(given_name) == name


@given(st.text(max_size=300))
def test_a_file_name_is_short_and_one_component(text: str) -> None:
    name = file_name(text)
    assert 0 < len(name) <= LONGEST_NAME
    assert not set(name) & set("/\\\n\0")
    assert name not in (".", "..")
    assert file_name(name) == name
