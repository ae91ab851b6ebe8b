import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.generation.answers import read_answer
from engines.generation.applying import Applied, apply
from engines.generation.edits import EditFailed, edited
from engines.generation.hunks import Edit
from engines.generation.originals import Originals
from engines.generation.tasks import Kind, Task
from tests.engines.generation.quality.conftest import Checkout
from tests.engines.generation.quality.test_answers import PIECES

TEXT = "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 1\n"


def applied(root: Path, answer: str, kind: Kind = Kind.WRITE, path: str | None = None) -> Applied:
    return apply(read_answer(answer), Task(kind, "change it", root, path=path), Originals(root))


def test_an_edit_changes_the_lines_it_names() -> None:
    edit = Edit("    def g(self):\n        return 1", "    def g(self):\n        return 2")
    assert edited(TEXT, edit) == TEXT[: -len("1\n")] + "2\n"


def test_spaces_at_line_ends_do_not_matter() -> None:
    assert edited("a = 1  \nb = 2\n", Edit("a = 1\nb = 2 ", "c = 3")) == "c = 3\n"


def test_another_indentation_is_carried_over() -> None:
    edit = Edit("def g(self):\n    return 1", "def g(self):\n    if self:\n        return 2")
    assert edited(TEXT, edit).endswith("    def g(self):\n        if self:\n            return 2\n")
    deep = Edit(
        "        def g(self):\n            return 1", "        def g(self):\n            pass"
    )
    assert edited(TEXT, deep).endswith("    def g(self):\n        pass\n")


def test_lines_that_stand_twice_are_refused() -> None:
    with pytest.raises(EditFailed, match="2 times"):
        edited(TEXT, Edit("        return 1", "        return 2"))


def test_lines_that_are_not_there_are_refused_with_what_comes_closest() -> None:
    with pytest.raises(EditFailed, match=r"def g\(self\):"):
        edited(TEXT, Edit("    def g(self, x):\n        return x", "pass"))


def test_an_empty_search_fills_an_empty_file_only() -> None:
    assert edited("", Edit("", "x = 1")) == "x = 1\n"
    with pytest.raises(EditFailed, match="empty SEARCH"):
        edited(TEXT, Edit("", "x = 1"))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../outside.py", "a/../../b.py", "~/x.py", "C:\\x.py", ".git/hooks/post.py",
        ".GIT/config", "a/.git/x.py", "link/x.py", "link.py", "..\\x.py", "pkg",
        "a\u202e.py", "a/-p/x.py", "é" * 130 + ".py", "x" * 250 + ".py", ".git. /x.py",
    ],
)  # fmt: skip
def test_nothing_is_written_outside_the_repository(checkout: Checkout, path: str) -> None:
    root = checkout({"pkg/a.py": "x = 1\n"})
    (root / "link").symlink_to(root.parent)
    (root / "link.py").symlink_to("/etc/hostname")
    result = applied(root, f"FILE: {path}\n```python\nx = 2\n```\n")
    assert result.files == {}
    assert result.problems


@given(st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=40).map("".join))
def test_any_answer_is_applied_without_an_error_and_inside(text: str) -> None:
    with TemporaryDirectory() as name:
        root = Path(name, "checkout")
        root.mkdir()
        (root / "a.py").write_text("a = 1\n\nb = 2\n")
        result = applied(root, text, path="a.py")
        assert result.files or result.problems
        assert all((root / path).resolve().is_relative_to(root.resolve()) for path in result.files)
        for path, content in result.files.items():
            Originals(root).written(path, content).content.encode()


@pytest.mark.parametrize(
    "text",
    [
        "```x\n" * 60_000,
        "<<<<<<< SEARCH\n" * 20_000,
        "FILE: a.py\n```\n" + "<<<<<<< SEARCH\nb\n=======\nc\n>>>>>>> REPLACE\n" * 5_000,
        "`" * 260_000,
        "FILE: " + "a/" * 130_000,
        "<think>" * 40_000,
        "# ... " * 50_000,
        "FILE: a.py\n```python\n" + '"""\n```\n' * 30_000,
    ],
    ids=["openings", "searches", "edits", "fence", "path", "thoughts", "comment", "docstrings"],
)
def test_no_answer_takes_long_to_read(shop: Path, text: str) -> None:
    began_s = time.process_time()
    applied(shop, text)
    assert time.process_time() - began_s < 10


def test_a_windows_path_is_understood(checkout: Checkout) -> None:
    result = applied(checkout({}), "FILE: .\\pkg\\a.py\n```python\nx = 2\n```\n")
    assert dict(result.files) == {"pkg/a.py": "x = 2\n"}


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the code unchanged ...",
        "# ... existing code ...",
        "# rest of the file",
        "... (rest unchanged)",
        "# (unchanged)",
        "# \u2026 other methods remain the same",
        "# ...",
    ],
)
def test_code_that_is_left_out_is_refused(checkout: Checkout, line: str) -> None:
    root = checkout({"a.py": "def f():\n    return 1\n"})
    result = applied(root, f"FILE: a.py\n```python\ndef f():\n    return 2\n\n{line}\n```\n")
    assert any("left out" in one for one in result.problems)


def test_an_ellipsis_and_prose_in_comments_are_code(checkout: Checkout) -> None:
    text = "class P:\n    def f(self) -> int: ...\n\n\n# see the rest of the chapter\nx = [...]\n"
    assert applied(checkout({}), f"FILE: a.py\n```python\n{text}```\n").files == {"a.py": text}


def test_a_whole_file_that_loses_a_function_is_refused(checkout: Checkout) -> None:
    root = checkout({"a.py": "def f():\n    return 1\n\n\ndef g():\n    return 2\n"})
    short = "FILE: a.py\n```python\ndef f():\n    return 3\n```\n"
    assert "loses `g`" in applied(root, short).problems[0]
    assert applied(root, f"I removed `g`, as nobody calls it.\n\n{short}").problems == ()
    moved = f"{short}FILE: b.py\n```python\ndef g():\n    return 2\n```\n"
    assert applied(root, moved).problems == ()


def test_a_file_written_twice_is_taken_from_the_last_and_told(checkout: Checkout) -> None:
    block = "FILE: a.py\n```python\nx = {}\n```\n"
    result = applied(checkout({}), block.format(1) + "Better:\n\n" + block.format(2))
    assert result.files == {"a.py": "x = 2\n"}
    assert "more than once" in result.notes[0]


def test_several_edits_of_one_file_build_on_each_other(checkout: Checkout) -> None:
    edit = "FILE: a.py\n```\n<<<<<<< SEARCH\nx = {}\n=======\nx = {}\n>>>>>>> REPLACE\n```\n"
    root = checkout({"a.py": "x = 1\n"})
    assert applied(root, edit.format(1, 2) + edit.format(2, 3)).files == {"a.py": "x = 3\n"}


def test_a_block_without_a_path_goes_where_the_wish_points(checkout: Checkout) -> None:
    block = "Run it:\n```bash\npip install x\n```\n```python\ndef to_slug():\n    return 1\n```\n"
    root = checkout({})
    assert list(applied(root, block, path="pkg/a.py").files) == ["pkg/a.py"]
    assert list(applied(root, block).files) == ["to_slug.py"]


def test_a_path_without_its_folder_is_the_file_that_was_shown(shop: Path) -> None:
    edit = "FILE: prices.py\n<<<<<<< SEARCH\n    return sum(prices)\n=======\n    return 1\n>>>>>>> REPLACE\n"
    assert list(applied(shop, edit, path="shop/prices.py").files) == ["shop/prices.py"]
    assert "no file `prices.py`" in applied(shop, edit).problems[0]


def test_examples_beside_labelled_blocks_are_talk(checkout: Checkout) -> None:
    text = "FILE: a.py\n```python\nx = 1\n```\nUse it:\n```python\nfrom a import x\n```\n"
    assert list(applied(checkout({}), text).files) == ["a.py"]


def test_tests_and_their_settings_stay_in_a_fix(shop: Path) -> None:
    for path in ("tests/test_prices.py",):
        answer = f"FILE: {path}\n```python\ndef test_mean():\n    assert True\n```\n"
        result = applied(shop, answer, Kind.FIX)
        assert result.files == {}
        assert "stays as it is" in result.problems[0]
    new = "FILE: tests/test_new.py\n```python\ndef test_x():\n    assert 1\n```\n"
    assert list(applied(shop, new, Kind.FIX).files) == ["tests/test_new.py"]


def test_what_a_person_would_not_expect_is_told(shop: Path) -> None:
    answer = "".join(
        f"FILE: {path}\n```\nx: 1\n```\n" for path in (".github/workflows/ci.yml", "shop/prices.py")
    )
    notes = applied(shop, "I drop total and mean.\n" + answer, path="shop/prices.py").notes
    assert any("on its own" in one for one in notes)
    assert any("beside `shop/prices.py`" in one for one in notes)


def test_an_answer_without_code_or_change_is_a_problem(shop: Path) -> None:
    assert applied(shop, "I cannot.").problems == ("The answer holds no code.",)
    same = "FILE: shop/__init__.py\n```python\n```\nFILE: shop/prices.py\n```python\n"
    same += (shop / "shop/prices.py").read_text() + "```\n"
    assert applied(shop, same).problems == ("The answer changes no file.",)


def test_line_ends_of_a_file_are_kept(checkout: Checkout) -> None:
    root = checkout({})
    (root / "a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    edit = "FILE: a.py\n```\n<<<<<<< SEARCH\ny = 2\n=======\ny = 3\n>>>>>>> REPLACE\n```\n"
    result = applied(root, edit)
    file = Originals(root).written("a.py", result.files["a.py"])
    assert file.content == "x = 1\r\ny = 3\r\n"
    assert file.diff.endswith("-y = 2\n+y = 3\n")


def test_a_binary_file_is_not_edited(checkout: Checkout) -> None:
    root = checkout({})
    (root / "a.py").write_bytes(b"x\0")
    assert "binary" in applied(root, "FILE: a.py\n```\nx = 1\n```\n").problems[0]
