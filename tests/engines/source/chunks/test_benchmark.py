"""What the benchmark of retrieval asks, and of what."""

from textwrap import dedent

from tests.benchmarks.retrieval import Asked, undocumented


def test_docstrings_become_questions_and_are_gone() -> None:
    text = dedent('''\
        """A module."""
        class A:
            """A class."""
            @property
            def size(self):
                """How large it is.

                In bytes.
                """
                return 1
            def __len__(self):
                """Not asked for."""
        def beside(): """Stays."""
        ''')
    left, asked = undocumented(text, "a.py")
    assert asked == [Asked("How large it is.", "a.py", 5)]
    assert left.count("\n") == text.count("\n")
    assert [word for word in ("module", "class.", "large", "asked") if word in left] == []
    assert "Stays." in left


def test_lines_keep_their_numbers() -> None:
    text = 'x = 1\n\n\ndef f():\n    """One.\n\n    Two.\n    """\n    return x\n'
    left, asked = undocumented(text, "a.py")
    assert left.split("\n")[8] == "    return x"
    assert asked == [Asked("One.", "a.py", 4)]
