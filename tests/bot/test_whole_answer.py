"""The whole answer as a file: everything is in it, and code is still code."""

from inline_snapshot import snapshot
from markdown_it import MarkdownIt

from bot.table import evened, markdown_table
from bot.whole_answer import whole_answer
from jobs.messages import (
    Action,
    Actions,
    Code,
    Collapsible,
    Diff,
    Fields,
    File,
    Heading,
    Picture,
    Reply,
    Table,
    Text,
)
from storage.ids import ArtifactId, JobId


def test_every_block_is_in_it() -> None:
    reply = Reply(
        summary="8 tests",
        blocks=(
            Heading(text="Tests"),
            Text(markdown="- a\n  ```\n  open"),
            Code(text="x = 1\n", language="python"),
            Diff(path="a.py", text="+a"),
            Table(header=("A", "B"), rows=(("a|b",), ("`c\\|d`", "e\nf"))),
            Fields(pairs=(("Lines", "84 %"),)),
            Picture(artifact=ArtifactId("A1"), alt="Coverage"),
            File(artifact=ArtifactId("A2"), name="a b.py", size_bytes=3),
            Collapsible(title="More", blocks=(Text(markdown="    indented"),)),
            Actions(actions=(Action(verb="apply", label="Apply", job=JobId("J7K2M9Q")),)),
        ),
    )
    assert whole_answer(reply, lambda artifact: f"http://gryph/{artifact}") == snapshot("""\
# 8 tests

## Tests

- a
  ```
  open
  ```

```python
x = 1
```

a.py

```diff
+a
```

| A | B |
| --- | --- |
| a\\|b |   |
| `c\\|d` | e f |

- **Lines**: 84 %

Picture: Coverage <http://gryph/A1>

File: a b.py <http://gryph/A2>

## More

\u200b

    indented

- Apply: `/gryph apply J7K2M9Q`
""")


def test_indented_code_behind_a_list_is_still_code() -> None:
    reply = Reply(summary="x", blocks=(Text(markdown="- a"), Text(markdown="    code")))
    tokens = MarkdownIt("commonmark").parse(whole_answer(reply))
    assert [token.content for token in tokens if token.type == "code_block"] == ["code\n"]


def test_label_of_a_button_opens_no_fence() -> None:
    action = Action(verb="apply", label="~~~", job=JobId("J7K2M9Q"))
    reply = Reply(summary="x", blocks=(Actions(actions=(action,)), Diff(path="> a", text="+a")))
    tokens = MarkdownIt("commonmark").parse(whole_answer(reply))
    assert [token.content for token in tokens if token.type == "fence"] == ["+a\n"]
    assert "blockquote_open" not in {token.type for token in tokens}


def test_it_can_be_written_whatever_it_holds() -> None:
    reply = Reply(summary="\ud83d", blocks=(Text(markdown="\ud83d"), Code(text="\ud83d")))
    assert b"\xef\xbf\xbd" in whole_answer(reply).encode()


def test_rows_become_as_long_as_the_longest() -> None:
    assert evened(("a",), [("b", "c"), ()]) == [("a", ""), ("b", "c"), ("", "")]
    assert evened(("",), [(" ",)]) == []
    assert markdown_table((), []) == ""
