"""The slash command `/gryph`: one subcommand per verb, built from the registry.

Pure: the same registry gives the same JSON, so that its hash tells whether Discord has to be
told. Limits: https://discord.com/developers/docs/interactions/application-commands
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers import Command, Option, Takes

ROOT = "gryph"
ARGUMENTS = "arguments"
"""Free text that is added to the line as it stands, so that all of the grammar can be typed."""

_SUBCOMMAND, _STRING, _BOOLEAN = 1, 3, 5
_CHAT_INPUT = 1
_MAX_OPTIONS = 25
_MAX_DESCRIPTION = 100
_GUILD_INSTALL = [0]
_IN_GUILDS_AND_BOT_DM = [0, 1]
_NAME = re.compile(r"[-_a-z0-9]{1,32}")
_BARE = re.compile(r"(?:[\w./@:#][\w./@:#?&%+~-]*)?\w|")
_IN_SINGLE = re.compile(r"['\u2019\\]")
_QUOTE = re.compile(r"[\"\u201c\u201d\\]")


@dataclass(frozen=True)
class _Positional:
    name: str
    summary: str
    required: bool = True
    is_free_text: bool = False


_TARGET = "What: path, path::symbol, path#L3-9, owner/repo:path, #12"
_JOB = _Positional("job", "Job id, like J7K2M9Q")
_WORDS = _Positional("words", "In your words", required=False, is_free_text=True)
_POSITIONAL: Mapping[Takes, tuple[_Positional, ...]] = {
    Takes.NOTHING: (),
    Takes.TARGET: (_Positional("target", _TARGET),),
    Takes.OPTIONAL_TARGET: (_Positional("target", _TARGET, required=False),),
    Takes.JOB: (_JOB,),
    Takes.OPTIONAL_JOB: (_Positional("job", "Job id, like J7K2M9Q", required=False),),
    Takes.JOB_AND_WORDS: (_JOB, _WORDS),
    Takes.WORDS: (_WORDS,),
    Takes.SOME_WORDS: (_WORDS,),
}


class TooManyOptions(Exception):
    """The registry does not fit into a Discord command; the message says where."""


def command_payload(commands: Mapping[str, Command]) -> dict[str, Any]:
    """The JSON that registers `/gryph`.

    Raises:
        TooManyOptions: More verbs, options or choices than Discord takes, or two of one name.
    """
    _check("verbs", list(commands))
    return {
        "name": ROOT,
        "type": _CHAT_INPUT,
        "description": "Development assistant: /gryph help lists what it does",
        "integration_types": _GUILD_INSTALL,
        "contexts": _IN_GUILDS_AND_BOT_DM,
        "options": [_subcommand(command) for command in commands.values()],
    }


def payload_digest(payload: Mapping[str, Any]) -> str:
    """A name for this very payload."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()


def line_of(data: Mapping[str, Any], commands: Mapping[str, Command]) -> str:
    """The command line, without `/gryph`, that a slash interaction's `data` stands for."""
    given: Sequence[Mapping[str, Any]] = data.get("options") or ()
    if not given:
        return "help"
    verb = str(given[0]["name"])
    values = {str(each["name"]): each.get("value") for each in given[0].get("options") or ()}
    command = commands.get(verb)
    words = [verb, *_typed(command, values)] if command else [verb]
    return " ".join(" ".join(words).split())


def _subcommand(command: Command) -> dict[str, Any]:
    options = [
        _string(each.name, each.summary, required=each.required)
        for each in _POSITIONAL[command.takes]
    ]
    options += [_option(option) for option in command.options]
    options.append(_string(ARGUMENTS, "More, as you would type it", required=False))
    _check(f"options of {command.verb}", [option["name"] for option in options])
    return {
        "name": command.verb,
        "type": _SUBCOMMAND,
        "description": _shortened(command.summary),
        "options": options,
    }


def _option(option: Option) -> dict[str, Any]:
    if option.is_flag:
        description = _shortened(option.summary)
        return {"name": option.name, "type": _BOOLEAN, "description": description}
    written = _string(option.name, option.summary, required=False)
    if option.choices:
        _check(f"choices of {option.name}", list(option.choices), are_names=False)
        written["choices"] = [{"name": each, "value": each} for each in option.choices]
    return written


def _string(name: str, description: str, *, required: bool) -> dict[str, Any]:
    return {
        "name": name,
        "type": _STRING,
        "description": _shortened(description),
        "required": required,
    }


def _shortened(text: str) -> str:
    plain = text.replace("`", "").strip() or "…"
    return plain if len(plain) <= _MAX_DESCRIPTION else plain[: _MAX_DESCRIPTION - 1] + "…"


def _check(what: str, names: Sequence[str], *, are_names: bool = True) -> None:
    if len(names) > _MAX_OPTIONS:
        raise TooManyOptions(f"{len(names)} {what}; Discord takes {_MAX_OPTIONS}.")
    if len(set(names)) < len(names):
        raise TooManyOptions(f"Two {what} have one name: {', '.join(names)}.")
    bad = [name for name in names if are_names and not _NAME.fullmatch(name)]
    if bad:
        raise TooManyOptions(f"No names for Discord among the {what}: {', '.join(bad)}.")


def _typed(command: Command, values: Mapping[str, Any]) -> list[str]:
    """The values as a person would type them behind the verb."""
    words: list[str] = []
    for each in _POSITIONAL[command.takes]:
        value = str(values.get(each.name) or "").strip()
        words.append(value if each.is_free_text else _quoted(value))
    for option in command.options:
        value = values.get(option.name)
        if option.is_flag:
            words += [f"--{option.name}"] if value else []
        elif value is not None:
            words.append(f"{option.name}={_quoted(str(value))}")
    return [*words, str(values.get(ARGUMENTS) or "")]


def _quoted(value: str) -> str:
    """The value as the grammar reads it back, whatever is in it."""
    if _BARE.fullmatch(value):
        return value
    if '"' in value and not _IN_SINGLE.search(value):
        return f"'{value}'"
    escaped = _QUOTE.sub(r"\\\g<0>", value)
    return f'"{escaped}"'
