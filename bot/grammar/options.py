"""The options of a command: `key=value`, `--key value` and `--flag`."""

import re
from dataclasses import dataclass, field

from bot.grammar.faults import Fault, Span, code
from bot.grammar.nearest import nearest
from bot.grammar.words import Word
from handlers import Command, Option, Takes

_PAIR = re.compile(r"([A-Za-z][\w-]*)=(.*)", re.DOTALL)
FREE = frozenset({Takes.WORDS, Takes.JOB_AND_WORDS})


@dataclass
class Given:
    """What has been read of a line so far."""

    positional: list[Word] = field(default_factory=list[Word])
    options: dict[str, str] = field(default_factory=dict[str, str])
    flags: set[str] = field(default_factory=set[str])


def is_option(word: Word, command: Command) -> bool:
    """Whether the word is meant as an option; among free words, only what is one."""
    if word.is_quoted:
        return False
    key = _key(word.bare)
    if command.takes in FREE:
        return key is not None and _option(key, command) is not None
    return key is not None


def _key(text: str) -> str | None:
    if pair := _PAIR.fullmatch(text.lstrip("-")):
        return pair[1]
    return text.lstrip("-") if text.startswith("-") and text.strip("-") else None


def _option(key: str, command: Command) -> Option | None:
    name = key.casefold().replace("_", "-")
    return next((o for o in command.options if o.name.replace("_", "-") == name), None)


def take_option(word: Word, rest: list[Word], command: Command, given: Given) -> None:
    """Read an option into `given`, with its value from the end of `rest` where it has none yet.

    Raises:
        Fault: There is no such option, or its value is missing, wrong or too much.
    """
    text = word.bare
    key = _key(text)
    assert key is not None
    option = _option(key, command)
    span = Span(word.start, word.end)
    if option is None:
        raise _unknown_option(key, word, command)
    if option.name in given.options or option.name in given.flags:
        raise Fault(f"`{option.name}` is given twice.", span, instead="")
    value = text.partition("=")[2] if "=" in text else None
    if option.is_flag:
        if value is not None:
            what = f"`--{option.name}` is a flag and takes no value."
            raise Fault(what, span, instead=f"--{option.name}")
        given.flags.add(option.name)
        return
    if value is None:
        value, span = _next_value(option, word, rest)
    given.options[option.name] = _checked(option, value, span)


def _next_value(option: Option, word: Word, rest: list[Word]) -> tuple[str, Span]:
    follower = rest[-1] if rest else None
    if follower is None or (not follower.is_quoted and _key(follower.bare) is not None):
        raise _no_value(option, Span(word.start, word.end))
    rest.pop()
    return follower.bare, Span(word.start, follower.end)


def _no_value(option: Option, span: Span) -> Fault:
    some = option.choices[0] if option.choices else option.default
    instead = f"{option.name}={some}" if some else None
    return Fault(f"`{option.name}` needs a value.", span, instead=instead)


def _checked(option: Option, value: str, span: Span) -> str:
    if not value:
        raise _no_value(option, span)
    if not option.choices:
        return value
    if choice := next((c for c in option.choices if c.casefold() == value.casefold()), None):
        return choice
    known = " or ".join(f"`{choice}`" for choice in option.choices)
    what = f"`{option.name}` is {known}, not {code(value)}."
    meant = nearest(value, option.choices)
    raise Fault(what, span, instead=f"{option.name}={meant}" if meant else None)


def _unknown_option(key: str, word: Word, command: Command) -> Fault:
    span = Span(word.start, word.end)
    meant = nearest(key, [option.name for option in command.options])
    what = f"`{command.verb}` has no option {code(key)}."
    if meant is None:
        known = ", ".join(f"`{option.name}`" for option in command.options)
        what += f" It has {known}." if known else " It has none."
        return Fault(what, span, instead="")
    at = word.typed.find(key)
    end = word.start + at + len(key)
    what += f" Did you mean `{meant}`?"
    return Fault(what, Span(word.start + at, end), instead=meant)


def forgotten_key(word: Word, follower: Word | None, command: Command) -> Fault | None:
    """`style unittest` or just `unittest`, where `style=unittest` is meant."""
    option = _option(word.bare, command)
    if option is not None and option.is_flag:
        what = f"A flag is written `--{option.name}`."
        return Fault(what, Span(word.start, word.end), instead=f"--{option.name}")
    if option is not None and follower is not None:
        pair = f"{option.name}={follower.typed if follower.is_quoted else follower.bare}"
        return Fault(
            f"An option is written {code(pair)}.", Span(word.start, follower.end), instead=pair
        )
    if option is not None:  # `unset=` may take its name, but nobody asked for that
        return None
    for option in command.options:
        if word.bare.casefold() in option.choices:
            pair = f"{option.name}={word.bare.casefold()}"
            return Fault(
                f"An option is written `{pair}`.", Span(word.start, word.end), instead=pair
            )
    return None
