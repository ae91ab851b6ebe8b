"""One command line, read against the commands there are."""

import unicodedata
from collections.abc import Mapping

from bot.grammar.arguments import read_arguments
from bot.grammar.faults import Fault, Span, code, report
from bot.grammar.nearest import nearest
from bot.grammar.plain import guess
from bot.grammar.targets import as_target
from bot.grammar.vocabulary import is_plain_language
from bot.grammar.words import Word, as_verb, split_words
from handlers import Call, Command, Target, UserError

LONGEST_LINE = 4_000
"""Characters."""
LONGEST_OFFER = 1_000
"""Characters of a line that is offered instead; nobody checks a longer one before running it."""
MOST_MENDS = 5
HELP = "help"


def parse(line: str, commands: Mapping[str, Command]) -> Call:
    """The call that `line` (without the address) stands for; an empty line asks for help.

    Raises:
        GrammarError: It cannot be read; the message shows the place, the nearest correct command
            and an example.
    """
    try:
        return _read(line, commands)
    except Fault as fault:
        raise report(
            line,
            fault,
            nearest=_mended(line, fault, commands),
            example=_example(line, commands),
        ) from fault


def suggest(text: str, commands: Mapping[str, Command]) -> str | None:
    """The line that a plain-language message means, without its address; None in any doubt.

    The line is correct, and meant to be confirmed by a person.
    """
    line = guess(text, commands)
    if line is None:
        return None
    try:
        return _read(line, commands).line
    except Fault:
        return None


def read_target(text: str) -> Target:
    """What a word points at.

    Raises:
        UserError: It points at nothing.
    """
    try:
        return as_target(text)
    except Fault as fault:
        raise UserError(f"{code(text)}: {fault.what}") from fault


def _read(line: str, commands: Mapping[str, Command]) -> Call:
    _check_line(line)
    words = split_words(line)
    if not words and HELP in commands:
        return Call(HELP, HELP)
    if not words:
        raise Fault("Which command?", Span(0, 0))
    command = commands.get(as_verb(words[0]))
    if command is None:
        raise _unknown_verb(line, words[0], commands)
    return read_arguments(line, words[1:], command)


def _check_line(line: str) -> None:
    if len(line) > LONGEST_LINE:
        what = f"A command has at most {LONGEST_LINE:,} characters; this one has {len(line):,}."
        raise Fault(what, Span(LONGEST_LINE, LONGEST_LINE + 1))
    for index, char in enumerate(line):
        if unicodedata.category(char) == "Cc" and char != "\t":
            what = f"A command holds no control character, here U+{ord(char):04X}."
            raise Fault(what, Span(index, index + 1), instead="")


def _unknown_verb(line: str, word: Word, commands: Mapping[str, Command]) -> Fault:
    verb = as_verb(word)
    span = Span(word.start, word.end)
    meant = None if is_plain_language(verb) else nearest(verb, commands)
    guessed = None if meant else guess(line, commands)
    what = f"There is no command {code(verb)}."
    if likely := meant or guessed:
        what += f" Did you mean `{likely.split()[0]}`?"
    else:
        what += f" I know {', '.join(f'`{each}`' for each in commands)}."
    return Fault(what, span, instead=meant, rather=guessed)


def _mended(line: str, fault: Fault, commands: Mapping[str, Command]) -> str | None:
    """The nearest correct line, mending fault after fault, if that leads to one."""
    for _ in range(MOST_MENDS):
        mended = fault.mended(line)
        if mended is None or len(mended) > LONGEST_LINE:
            return None
        try:
            _read(mended, commands)
        except Fault as next_fault:
            line, fault = mended, next_fault
        else:
            return mended if len(mended) <= LONGEST_OFFER else None
    return None


def _example(line: str, commands: Mapping[str, Command]) -> str:
    """An example of the command that was meant, as far as that can be told."""
    words = split_words(line[:LONGEST_LINE])
    verb = as_verb(words[0]) if words else ""
    meant = verb if verb in commands else nearest(verb, commands)
    command = commands[meant] if meant else commands.get(HELP, next(iter(commands.values())))
    return command.examples[0]
