"""Plain language behind a mention."""

import pytest

from bot.grammar import suggest
from tests.bot.grammar_commands import COMMANDS


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("@gryph can you write tests for src/a.py please", "test src/a.py"),
        ("can you test `src/a.py::Stack.push`, @gryph?", "test src/a.py::Stack.push"),
        ("@gryph @ann asks for tests of src/a.py with unittest", "test src/a.py style=unittest"),
        ("@gryph show the coverage of src/a.py", "test src/a.py"),
        ("@gryph help me test a.py", "test a.py"),
        ("@gryph please write a slug function", 'generate "a slug function"'),
        ('@gryph can you implement the "LRU" cache?', 'generate "the LRU cache"'),
        ("@gryph create tests for src/a.py", "test src/a.py"),
        ("@gryph please stop J7K2M9Q", "cancel J7K2M9Q"),
        ("@gryph is j7k2m9q done yet?", "status j7k2m9q"),
        ("@gryph rerun J7K2M9Q", "retry J7K2M9Q"),
        ("@gryph retry the test J7K2M9Q", "retry J7K2M9Q"),
        ("@gryph why did J7K2M9Q fail", "explain J7K2M9Q"),
        ("@gryph how are my jobs doing, any progress", "status"),
        ("@gryph could you review #12", "review #12"),
        (
            "@gryph have a look and review https://github.com/psf/requests/pull/12",
            "review https://github.com/psf/requests/pull/12",
        ),
        ("@gryph please approve 3f9d2c41ab07", "approve 3f9d2c41ab07"),
        ("@gryph what are my limits?", "quota"),
        ("@gryph what commands are there", "help"),
        ("@gryph hello", "help"),
    ],
)
def test_a_plea_is_understood(text: str, line: str) -> None:
    assert suggest(text, COMMANDS) == line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@gryph",
        "@gryph thanks, great work",
        "@gryph write this down",
        "@gryph don't implement a slug function",
        "@gryph don't test src/a.py",
        "@gryph test neither, please: do not run src/a.py",
        "@gryph write tests for src/a.py and src/b.py",
        "@gryph write tests and/or docs",
        "@gryph cancel the test of src/a.py",
        "@gryph stop it",
        "@gryph please approve this",
        "@gryph what do you think of src/a.py",
        "> can you write tests for src/a.py\n\n@gryph I said so",
        "@gryph " + "we test src/a.py every day and tell long stories " * 30,
    ],
)
def test_in_doubt_nothing_is_suggested(text: str) -> None:
    assert suggest(text, COMMANDS) is None


def test_only_offered_commands_are_suggested() -> None:
    fewer = {verb: command for verb, command in COMMANDS.items() if verb != "test"}
    assert suggest("@gryph please test src/a.py", fewer) is None
