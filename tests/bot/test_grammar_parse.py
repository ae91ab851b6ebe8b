"""What a command line says."""

import pytest

from bot.commands import COMMANDS as REGISTRY
from bot.grammar import GrammarError, parse
from handlers import Call, Target
from storage.ids import JobId
from tests.bot.grammar_commands import COMMANDS


def target_of(text: str) -> Target:
    return parse(f"review {text}", COMMANDS).targets[0]


@pytest.mark.parametrize(
    ("typed", "target"),
    [
        ("src/a.py", Target(path="src/a.py")),
        ("src/a.py.", Target(path="src/a.py")),
        ("(src/a.py)", Target(path="src/a.py")),
        ("`src/a.py`", Target(path="src/a.py")),
        ("**", None),
        ("“my file.py”", Target(path="my file.py")),
        ("Makefile", Target(path="Makefile")),
        (".", Target(path=".")),
        ("src/\\_\\_init\\_\\_.py", Target(path="src/__init__.py")),
        ("/home/ann/a.py", Target(path="/home/ann/a.py")),
        ("C:\\code\\a.py", Target(path="C:\\code\\a.py")),
        ("packages/@scope/a.ts", Target(path="packages/@scope/a.ts")),
        ("日本/テスト.py", Target(path="日本/テスト.py")),
        ("a.py::Stack", Target(path="a.py", symbol="Stack")),
        ("a.py::Stack::push", Target(path="a.py", symbol="Stack.push")),
        ("a.py::push()", Target(path="a.py", symbol="push")),
        ("a.py::Stack.push#L3-9", Target(path="a.py", symbol="Stack.push", lines=(3, 9))),
        ("a.py#L3", Target(path="a.py", lines=(3, 3))),
        ("a.py#L3-L9", Target(path="a.py", lines=(3, 9))),
        ("a.py#3-9", Target(path="a.py", lines=(3, 9))),
        ("a.py:12", Target(path="a.py", lines=(12, 12))),
        ("src/a.py:12-19", Target(path="src/a.py", lines=(12, 19))),
        ("psf/requests:src/a.py", Target("psf/requests", path="src/a.py")),
        ("psf/requests:", Target("psf/requests")),
        ("psf/requests@main", Target("psf/requests", "main")),
        ("psf/requests@feature/x:a.py", Target("psf/requests", "feature/x", "a.py")),
        (
            "psf/requests@v1.2:src/a.py::get#L1-2",
            Target("psf/requests", "v1.2", "src/a.py", "get", (1, 2)),
        ),
        ("@main", Target(ref="main")),
        ("@main:src/a.py", Target(ref="main", path="src/a.py")),
        (":src/a.py", Target(path="src/a.py")),
        ("::Stack", Target(symbol="Stack")),
        ("#12", Target(number=12)),
        ("psf/requests#12", Target("psf/requests", number=12)),
        ("https://github.com/psf/requests/pull/12", Target("psf/requests", number=12)),
        ("https://github.com/psf/requests/pull/12/files#diff-1R3", Target("psf/requests", number=12)),
        ("<https://github.com/psf/requests/issues/12>", Target("psf/requests", number=12)),
        ("https://github.com/psf/requests", Target("psf/requests")),
        ("https://github.com/psf/requests.git", Target("psf/requests")),
        ("https://github.com/psf/requests/tree/v2", Target("psf/requests", "v2")),
        ("https://github.com/psf/requests/commit/3f9d2c4", Target("psf/requests", "3f9d2c4")),
        (
            "https://git.example.com/psf/requests/blob/main/src/my%20a.py?plain=1#L3C2-L9C4",
            Target("psf/requests", "main", "src/my a.py", lines=(3, 9)),
        ),
        (
            "https://github.com/psf/requests/blob/main/README.md#usage",
            Target("psf/requests", "main", "README.md"),
        ),
        ("[a.py](http://a.py)", Target(path="a.py")),
        (
            "[this](https://github.com/psf/requests/pull/12)",
            Target("psf/requests", number=12),
        ),
    ],
)  # fmt: skip
def test_targets(typed: str, target: Target | None) -> None:
    assert parse(f"review {typed}", COMMANDS).targets == (() if target is None else (target,))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("a.py#L0", "counted from 1"),
        ("a.py#L9-3", "before the first"),
        ("a.py#usage", "Behind `#`"),
        ("a.py::", "Behind `::`"),
        ('":"', "Behind `:`"),
        ("a.py:Stack.push", "two colons"),
        ("what:src/a.py", "a repository, `owner/name`"),
        ("src/pkg/a.py@main", "before the path"),
        ("https://example.com/", "An address I can read"),
        ("https://github.com/psf/requests/wiki", "An address I can read"),
        ("https://[x/a/b", "An address I can read"),
        ("src/\u202ea.py", "hidden character, here U+202E"),
        ("https://github.com/a/b/blob/main/%00", "hidden character, here U+0000"),
        ('""', "empty"),
        ("J7K2M9Q", "the id of a job"),
        ("a.py b.py", "one target"),
    ],
)
def test_what_is_no_target_is_said(typed: str, says: str) -> None:
    with pytest.raises(GrammarError, match=r"\A.") as raised:
        parse(f"review {typed}", COMMANDS)
    assert says in str(raised.value).partition("\n")[0]


@pytest.mark.parametrize(
    "line",
    [
        "test a.py style=unittest",
        "test style=unittest a.py",
        "test a.py --style=unittest",
        "test a.py --style unittest",
        "test a.py —style unittest",
        "test a.py \u2013style=unittest",
        "TEST a.py --STYLE=Unittest",
        'test "a.py" style="unittest"',
        "test “a.py”, style=“unittest”.",
        "test 'a.py' --style='unittest'",
        "test `a.py` style=`unittest`",
        "test a.py -style='unittest'",
        "test a.py \u2010\u2010style=“unittest”",
        "test: a.py style=unittest!",
        "test\u00a0a.py\u200b style=unittest 🙂",
    ],
)
def test_one_thing_can_be_typed_in_many_ways(line: str) -> None:
    call = parse(line, COMMANDS)
    assert call.verb == "test"
    assert call.targets == (Target(path="a.py"),)
    assert call.options == {"style": "unittest"}
    assert call.line == line


def test_a_quoted_value_keeps_its_marks() -> None:
    line = 'test a.py budget="20 s." --style="unittest"'
    assert parse(line, COMMANDS).options == {"budget": "20 s.", "style": "unittest"}


def test_flags_stand_alone() -> None:
    call = parse("test --keep-going a.py budget=20s", COMMANDS)
    assert call.flags == {"keep-going"}
    assert call.options == {"budget": "20s"}


def test_underscores_in_option_names_are_hyphens() -> None:
    assert parse("test a.py --keep_going", COMMANDS).flags == {"keep-going"}


def test_a_quoted_word_is_never_an_option() -> None:
    assert parse('test "--style=x"', COMMANDS).targets == (Target(path="--style=x"),)


def test_job_ids_are_read_as_people_type_them() -> None:
    assert parse("cancel j7k2m9q.", COMMANDS).jobs == (JobId("J7K2M9Q"),)
    assert parse("status JOOOOOO", COMMANDS).jobs == (JobId("J000000"),)
    assert parse("status", COMMANDS).jobs == ()


def test_feedback_keeps_free_words_as_they_are() -> None:
    line = "feedback J7K2M9Q up, don't --stop “being good” because x=1 — really."
    call = parse(line, COMMANDS)
    assert call.jobs == (JobId("J7K2M9Q"),)
    assert call.words == (
        "up", "don't", "--stop", "being good", "because", "x=1", "—", "really."
    )  # fmt: skip


def test_an_open_quote_in_free_words_is_a_word() -> None:
    assert parse('feedback J7K2M9Q down "so so', COMMANDS).words == ("down", '"so', "so")


def test_an_empty_line_asks_for_help() -> None:
    assert parse("  ", COMMANDS) == Call("help", "help")


def test_the_longest_line_is_4_000_characters() -> None:
    parse("feedback J7K2M9Q " + "x" * 3983, COMMANDS)
    with pytest.raises(GrammarError, match="at most 4,000") as raised:
        parse("feedback J7K2M9Q " + "x" * 3984, COMMANDS)
    assert raised.value.position == 4000


@pytest.mark.parametrize(
    "line", [line for command in REGISTRY.values() for line in command.examples]
)
def test_every_example_in_the_registry_is_correct(line: str) -> None:
    assert parse(line, REGISTRY).line == line
