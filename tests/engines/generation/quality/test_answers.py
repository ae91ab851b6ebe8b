import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.generation.answers import Answer, read_answer


def only(text: str) -> tuple[str | None, str]:
    """Path and text of the one block."""
    (block,) = read_answer(text).blocks
    assert block.is_complete
    return block.path, block.text


CODE = "def f():\n    return 1\n"


@pytest.mark.parametrize(
    "head",
    [
        "FILE: src/a.py\n```python\n",
        "File: `src/a.py`\n\n```python\n",
        "**src/a.py**\n```python\n",
        "### src/a.py\n```py\n",
        "`src/a.py`:\n```\n",
        "1. src/a.py\n```python\n",
        "Here is the new content of `src/a.py`:\n```python\n",
        "```python src/a.py\n",
        "```python:src/a.py\n",
        "```src/a.py\n",
        '```python title="src/a.py"\n',
        "```python filename=src/a.py\n",
        "```python\n# src/a.py\n",
        "```python\n# file: src/a.py\n",
        "FILE: src/a.py (new)\n```python\n# src/a.py\n",
    ],
)
def test_the_path_is_found_where_models_write_it(head: str) -> None:
    assert only(f"I did it.\n\n{head}{CODE}```\nDone.\n") == ("src/a.py", CODE)


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
def test_any_fence_is_read(fence: str) -> None:
    assert only(f"FILE: a.py\n{fence}python\n{CODE}{fence}\n") == ("a.py", CODE)


def test_a_block_without_a_path_has_none() -> None:
    assert only(f"```python\n{CODE}```") == (None, CODE)


def test_line_ends_of_windows_are_read() -> None:
    assert only("FILE: a.py\r\n```python\r\nx = 1\r\n```\r\n") == ("a.py", "x = 1\n")


def test_a_fence_in_a_list_is_dedented() -> None:
    text = "- FILE: a.py\n  ```python\n  def f():\n      return 1\n  ```\n"
    assert only(text) == ("a.py", CODE)


def test_thinking_aloud_is_no_answer() -> None:
    thought = f"<think>\nFILE: wrong.py\n```python\nx\n```\n</think>\nFILE: a.py\n```\n{CODE}```"
    assert only(thought) == ("a.py", CODE)
    assert only(thought.removeprefix("<think>")) == ("a.py", CODE)
    assert read_answer("<think>and so on").blocks == ()


def test_talk_around_blocks_is_the_explanation_without_their_labels() -> None:
    answer = read_answer(f"It adds f.\n\nFILE: a.py\n```python\n{CODE}```\n\nThat is all.")
    assert answer.explanation == "It adds f.\n\n\nThat is all."


def test_fences_inside_a_document_do_not_end_it() -> None:
    inner = "# Title\n\n```python\nx = 1\n```\n\n```\nplain\n```\n"
    # The last bare pair cannot be told from an end without a longer fence.
    assert only(f"FILE: README.md\n````markdown\n{inner}````\n") == ("README.md", inner)
    labelled = "# Title\n\n```python\nx = 1\n```\n\nMore.\n"
    assert only(f"FILE: README.md\n```markdown\n{labelled}```\n") == ("README.md", labelled)


def test_fences_in_a_docstring_do_not_end_the_file() -> None:
    code = 'def f():\n    """Say.\n\n    ```\n    f()\n    ```\n    """\n    return 1\n'
    assert only(f"FILE: a.py\n```python\n{code}```\n") == ("a.py", code)


def test_an_answer_that_breaks_off_is_incomplete() -> None:
    (block,) = read_answer("FILE: a.py\n```python\ndef f():\n    retu").blocks
    assert (block.path, block.is_complete) == ("a.py", False)


def test_a_block_that_was_never_closed_ends_where_the_next_begins() -> None:
    text = f"FILE: a.py\n```python\n{CODE}\n```python b.py\nx = 1\n```\n"
    assert [one.path for one in read_answer(text).blocks] == ["a.py", "b.py"]


def test_edits_are_read_in_and_outside_of_fences() -> None:
    edit = "<<<<<<< SEARCH\na = 1\n=======\na = 2\n>>>>>>> REPLACE\n"
    for text in (f"FILE: a.py\n```python\n{edit}{edit}```\n", f"FILE: a.py\n{edit}{edit}"):
        blocks = read_answer(text).blocks
        edits = [one for block in blocks for one in block.edits]
        assert [(one.search, one.replace) for one in edits] == [("a = 1", "a = 2")] * 2
        assert blocks[0].path == "a.py"


def test_an_edit_that_breaks_off_is_incomplete() -> None:
    (block,) = read_answer("FILE: a.py\n```\n<<<<<<< SEARCH\na = 1\n=======\na = ").blocks
    assert block.edits == ()
    assert not block.is_complete


def test_a_unified_diff_is_read_as_edits() -> None:
    diff = "```diff\n--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n def f():\n-    return 1\n+    return 2\n```"
    (block,) = read_answer(diff).blocks
    assert block.path == "a.py"
    assert [(one.search, one.replace) for one in block.edits] == [
        ("def f():\n    return 1", "def f():\n    return 2")
    ]


def test_an_answer_that_is_nothing_but_code_is_a_file() -> None:
    assert only("import os\n\n\ndef f():\n    return os.name\n")[0] is None
    assert read_answer("I cannot do that.").blocks == ()


def test_an_answer_of_ten_megabytes_is_cut_and_said_to_be_too_long() -> None:
    answer = read_answer("FILE: a.py\n```python\n" + "x = 1\n" * 2_000_000)
    assert answer.is_too_long
    assert not answer.blocks[0].is_complete


PIECES = st.sampled_from(
    [
        "```", "````", "~~~", "```python", "\n", "\r\n", "FILE: a.py\n", "<<<<<<< SEARCH\n",
        "=======\n", ">>>>>>> REPLACE\n", "--- a/x\n+++ b/x\n", "@@ -1 +1 @@\n", "<think>",
        "</think>", "def f():\n", "# a.py\n", "  ", "\0", "\ud800", "-x\n", "+y\n", '"""',
    ]
)  # fmt: skip


@given(st.lists(st.one_of(PIECES, st.text(max_size=20)), max_size=40).map("".join))
def test_any_text_is_read_without_an_error(text: str) -> None:
    answer: Answer = read_answer(text)
    assert len(answer.explanation) <= max(len(text), 1)
