"""What people read when a line is wrong."""

import pytest
from inline_snapshot import snapshot

from bot.grammar import GrammarError, parse
from handlers import UserError
from tests.bot.grammar_commands import COMMANDS


def message(line: str) -> str:
    with pytest.raises(GrammarError) as raised:
        parse(line, COMMANDS)
    return str(raised.value)


def test_an_unknown_verb() -> None:
    assert message("tset src/a.py") == snapshot("""\
There is no command `tset`. Did you mean `test`?
```text
/gryph tset src/a.py
       ^^^^
```
Nearest correct command:
```text
/gryph test src/a.py
```
Example: `/gryph test src/parser.py`\
""")


def test_a_verb_that_resembles_none() -> None:
    assert message("frobnicate src/a.py") == snapshot("""\
There is no command `frobnicate`. I know `test`, `generate`, `review`, `status`, `cancel`, `retry`, `explain`, `approve`, `feedback`, `link`, `config`, `quota`, `help`.
```text
/gryph frobnicate src/a.py
       ^^^^^^^^^^
```
Example: `/gryph help`\
""")


def test_plain_language_behind_the_slash() -> None:
    assert message("please write tests for src/a.py with unittest") == snapshot("""\
There is no command `please`. Did you mean `test`?
```text
/gryph please write tests for src/a.py with unittest
       ^^^^^^
```
Nearest correct command:
```text
/gryph test src/a.py style=unittest
```
Example: `/gryph help`\
""")


def test_a_synonym_in_the_place_of_a_verb() -> None:
    assert message("stop J7K2M9Q") == snapshot("""\
There is no command `stop`. Did you mean `cancel`?
```text
/gryph stop J7K2M9Q
       ^^^^
```
Nearest correct command:
```text
/gryph cancel J7K2M9Q
```
Example: `/gryph help`\
""")


def test_an_unknown_option() -> None:
    assert message("test src/a.py --styel unittest") == snapshot("""\
`test` has no option `styel`. Did you mean `style`?
```text
/gryph test src/a.py --styel unittest
                       ^^^^^
```
Nearest correct command:
```text
/gryph test src/a.py --style unittest
```
Example: `/gryph test src/parser.py`\
""")


def test_an_option_that_resembles_none() -> None:
    assert message("test src/a.py colour=red") == snapshot("""\
`test` has no option `colour`. It has `style`, `budget`, `keep-going`.
```text
/gryph test src/a.py colour=red
                     ^^^^^^^^^^
```
Nearest correct command:
```text
/gryph test src/a.py
```
Example: `/gryph test src/parser.py`\
""")


def test_a_wrong_choice() -> None:
    assert message("test src/a.py style=unitest") == snapshot("""\
`style` is `pytest` or `unittest`, not `unitest`.
```text
/gryph test src/a.py style=unitest
                     ^^^^^^^^^^^^^
```
Nearest correct command:
```text
/gryph test src/a.py style=unittest
```
Example: `/gryph test src/parser.py`\
""")


def test_an_option_without_a_value() -> None:
    assert message("test src/a.py --budget") == snapshot("""\
`budget` needs a value.
```text
/gryph test src/a.py --budget
                     ^^^^^^^^
```
Nearest correct command:
```text
/gryph test src/a.py budget=8s
```
Example: `/gryph test src/parser.py`\
""")


def test_a_flag_with_a_value() -> None:
    assert message("test src/a.py keep-going=yes") == snapshot("""\
`--keep-going` is a flag and takes no value.
```text
/gryph test src/a.py keep-going=yes
                     ^^^^^^^^^^^^^^
```
Nearest correct command:
```text
/gryph test src/a.py --keep-going
```
Example: `/gryph test src/parser.py`\
""")


def test_an_option_given_twice() -> None:
    assert message("test src/a.py style=pytest --style unittest") == snapshot("""\
`style` is given twice.
```text
/gryph test src/a.py style=pytest --style unittest
                                  ^^^^^^^
```
Nearest correct command:
```text
/gryph test src/a.py style=pytest
```
Example: `/gryph test src/parser.py`\
""")


def test_an_option_without_its_sign() -> None:
    assert message("test src/a.py style unittest") == snapshot("""\
An option is written `style=unittest`.
```text
/gryph test src/a.py style unittest
                     ^^^^^^^^^^^^^^
```
Nearest correct command:
```text
/gryph test src/a.py style=unittest
```
Example: `/gryph test src/parser.py`\
""")


def test_a_flag_without_its_dashes() -> None:
    assert message("test src/a.py keep-going") == snapshot("""\
A flag is written `--keep-going`.
```text
/gryph test src/a.py keep-going
                     ^^^^^^^^^^
```
Nearest correct command:
```text
/gryph test src/a.py --keep-going
```
Example: `/gryph test src/parser.py`\
""")


def test_a_missing_target() -> None:
    assert message("test") == snapshot("""\
`test` needs a file, a function or a pull request.
```text
/gryph test
           ^
```
Nearest correct command:
```text
/gryph test src/parser.py
```\
""")


def test_one_target_too_many() -> None:
    line = "test the file that is called src/a.py style=unittest please and soon"
    assert message(line) == snapshot("""\
`test` takes one target in a line, and `the` is too much.
```text
/gryph test the file that is called src/a.py style=unittest please and soon
            ^^^
```
Nearest correct command:
```text
/gryph test src/a.py style=unittest
```
Example: `/gryph test src/parser.py`\
""")


def test_a_missing_job() -> None:
    assert message("cancel") == snapshot("""\
`cancel` needs the id of a job.
```text
/gryph cancel
             ^
```
Nearest correct command:
```text
/gryph cancel J7K2M9Q
```\
""")


def test_what_is_no_job() -> None:
    assert message("cancel #12") == snapshot("""\
`#12` is not the id of a job, which looks like `J7K2M9Q`.
```text
/gryph cancel #12
              ^^^
```
Example: `/gryph cancel J7K2M9Q`\
""")


def test_words_behind_a_command_that_takes_none() -> None:
    assert message("quota please") == snapshot("""\
`quota` takes nothing more.
```text
/gryph quota please
             ^^^^^^
```
Nearest correct command:
```text
/gryph quota
```\
""")


def test_lines_in_the_wrong_order() -> None:
    assert message("test “src/a.py#L9-3”") == snapshot("""\
The last line, 3, stands before the first, 9.
```text
/gryph test “src/a.py#L9-3”
                     ^^^^^
```
Nearest correct command:
```text
/gryph test “src/a.py#L3-9”
```
Example: `/gryph test src/parser.py`\
""")


def test_a_quote_that_is_not_closed() -> None:
    assert message("test “my file.py") == snapshot("""\
This quote is not closed.
```text
/gryph test “my file.py
            ^
```
Nearest correct command:
```text
/gryph test "my file.py"
```
Example: `/gryph test src/parser.py`\
""")


def test_several_slips_are_mended_together() -> None:
    assert message("tset src/a.py::Stack#L9-3 styel=unitest") == snapshot("""\
There is no command `tset`. Did you mean `test`?
```text
/gryph tset src/a.py::Stack#L9-3 styel=unitest
       ^^^^
```
Nearest correct command:
```text
/gryph test src/a.py::Stack#L3-9 style=unittest
```
Example: `/gryph test src/parser.py`\
""")


def test_a_place_far_into_a_long_line() -> None:
    assert message(f"test {'long/' * 40}a.py colour=red {'x' * 60}") == snapshot("""\
`test` has no option `colour`. It has `style`, `budget`, `keep-going`.
```text
…long/long/long/long/long/long/long/a.py colour=red xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
                                         ^^^^^^^^^^
```
Nearest correct command:
```text
/gryph test long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/long/a.py
```
Example: `/gryph test src/parser.py`\
""")


def test_the_caret_stands_below_wide_characters() -> None:
    assert message("test 日本/テスト.py colour=red") == snapshot("""\
`test` has no option `colour`. It has `style`, `budget`, `keep-going`.
```text
/gryph test 日本/テスト.py colour=red
                           ^^^^^^^^^^
```
Nearest correct command:
```text
/gryph test 日本/テスト.py
```
Example: `/gryph test src/parser.py`\
""")


def test_a_control_character() -> None:
    assert message("test src/\x07a.py") == snapshot("""\
A command holds no control character, here U+0007.
```text
/gryph test src/␇a.py
                ^
```
Nearest correct command:
```text
/gryph test src/a.py
```
Example: `/gryph test src/parser.py`\
""")


def test_an_emoji_of_several_is_shown_whole() -> None:
    assert "`\U0001f469\u200d\U0001f4bb`" in message("\U0001f469\u200d\U0001f4bb")


def test_backticks_and_fences_stay_inside_the_message() -> None:
    assert message("```stop``` `` <!channel> @everyone") == snapshot("""\
There is no command `stop`. I know `test`, `generate`, `review`, `status`, `cancel`, `retry`, `explain`, `approve`, `feedback`, `link`, `config`, `quota`, `help`.
````text
/gryph ```stop``` `` <!channel> @everyone
       ^^^^^^^^^^
````
Example: `/gryph help`\
""")


def test_the_line_that_is_offered_hides_nothing() -> None:
    with pytest.raises(GrammarError) as raised:
        parse("fedback\u200bJ7K2M9Q up \u202eevil\u2028 👩\u200d💻", COMMANDS)
    assert raised.value.nearest == "feedback J7K2M9Q up evil 👩\u200d💻"
    assert "\u202e" not in str(raised.value)


def test_a_line_too_long_to_be_checked_is_not_offered() -> None:
    with pytest.raises(GrammarError) as raised:
        parse("fedback J7K2M9Q " + "`" * 2_000, COMMANDS)
    assert raised.value.nearest is None
    assert len(str(raised.value)) < 1_000


def test_the_position_counts_in_the_line() -> None:
    line = "test src/a.py styel=unittest"
    with pytest.raises(UserError) as raised:
        parse(line, COMMANDS)
    assert isinstance(raised.value, GrammarError)
    assert raised.value.position == line.index("styel")
