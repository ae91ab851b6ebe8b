"""Plain language, read as the one command that it most likely means."""

import re
from collections.abc import Mapping, Sequence

from bot.grammar.prose import paragraphs
from bot.grammar.vocabulary import FILLERS, OBJECTS, REFUSALS, SYNONYMS
from bot.grammar.words import Word, as_verb, split_words
from handlers import Command, Takes
from storage.ids import as_job_id

_LONGEST_PLEA = 1_000
"""Characters of prose; whoever writes more is telling something, not asking for a command."""
_LONGEST_MESSAGE = 20_000
"""Characters of a message that is looked through for so much prose."""
_TELLING = 2
"""Words in common with a command's summary that make it the one meant."""
_WISH = 3
"""Words that are enough to say what is wanted."""
_STEM = re.compile(r"(?:ing|ed|es|s|e)$")
_NAME = re.compile(r"[/@]gryph(?![\w-])", re.IGNORECASE)
_POINTER = re.compile(
    r"https?://\S+|\S*#L?\d\S*|\S[^\s/]*/\S*\.\w{1,9}(?:::\S+)?|\S+::\S+"
    r"|\S+\.(?:py|pyi|js|jsx|ts|tsx|go|rs|rb|java|kt|c|h|cc|cpp|cs|md|rst|toml|yaml|yml|json|sql|sh)"
    r"(?::\S+)?"
)
"""What nobody writes but to point at code; shorter forms could be words, like "and/or"."""
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_NOTHING = frozenset({Takes.NOTHING, Takes.SOME_WORDS})
_OPEN = _NOTHING | {Takes.WORDS, Takes.OPTIONAL_JOB, Takes.OPTIONAL_TARGET}


def guess(text: str, commands: Mapping[str, Command]) -> str | None:
    """The line that a plain-language message means, if it is a correct one; None in any doubt.

    The first word that names a command, or is a synonym of one, decides; without such a word,
    two words of a command's summary do. What the command needs must stand in the message, once.
    """
    words = split_words(_prose(text))
    plain = [as_verb(word) for word in words]
    if not words or REFUSALS.intersection(plain):
        return None
    verb = _named(words, plain, commands) or _described(words, plain, commands)
    if verb is None:
        return None
    arguments = _arguments(words, plain, commands[verb], commands)
    if arguments is None:
        return None
    return " ".join((verb, *arguments, *_choices(plain, commands[verb])))


def _prose(text: str) -> str:
    if len(text) > _LONGEST_MESSAGE:
        return ""
    sources = [paragraph.source for paragraph in paragraphs(text)]
    prose = _NAME.sub(" ", "\n".join(sources))
    return prose if len(prose) <= _LONGEST_PLEA else ""


def _is_pointer(word: Word) -> bool:
    return _is_code(word) or as_job_id(word.bare) is not None


def _is_code(word: Word) -> bool:
    return _POINTER.fullmatch(word.bare) is not None


def _named(
    words: Sequence[Word], plain: Sequence[str], commands: Mapping[str, Command]
) -> str | None:
    """The first verb that is named; words such as "write" or "help" only if none follows."""
    meanings = {word: verb for verb in commands for word in (verb, *SYNONYMS.get(verb, ()))}
    named = [
        meanings[each]
        for word, each in zip(words, plain, strict=True)
        if each in meanings and not _is_pointer(word)
    ]
    return next((verb for verb in named if verb not in OBJECTS), named[0] if named else None)


def _described(
    words: Sequence[Word], plain: Sequence[str], commands: Mapping[str, Command]
) -> str | None:
    """The one command whose summary shares most words with the message."""
    said = {
        _STEM.sub("", each)
        for word, each in zip(words, plain, strict=True)
        if each not in FILLERS and not _is_pointer(word)
    }
    shared = {verb: len(said & _stems(command.summary)) for verb, command in commands.items()}
    most = max(shared.values(), default=0)
    best = [verb for verb, count in shared.items() if count == most]
    return best[0] if most >= _TELLING and len(best) == 1 else None


def _stems(text: str) -> set[str]:
    words = re.findall(r"[a-z]+", text.casefold())
    return {_STEM.sub("", word) for word in words if word not in FILLERS}


def _arguments(
    words: Sequence[Word],
    plain: Sequence[str],
    command: Command,
    commands: Mapping[str, Command],
) -> tuple[str, ...] | None:
    """What the command needs, as it stands in the message; None if it is missing or unclear."""
    jobs = {word.bare for word in words if as_job_id(word.bare)}
    targets = {word.bare for word in words if _is_code(word)}
    needs = command.takes
    if needs is Takes.WORDS:
        return _wish(words, plain, command) or _free_words(plain, command, commands)
    if needs in {Takes.TARGET, Takes.OPTIONAL_TARGET}:
        found, other = targets, jobs
    elif needs in {Takes.JOB, Takes.OPTIONAL_JOB}:
        found, other = jobs, targets
    else:
        return () if needs in _NOTHING else None
    if len(found) == 1 and not other:
        return (_quoted(found.pop()),)
    return () if needs in _OPEN and not found and not other else None


def _wish(words: Sequence[Word], plain: Sequence[str], command: Command) -> tuple[str, ...] | None:
    """What stands behind the name of a command that takes a wish in quotes; None for others."""
    if not command.examples[0].startswith(f'{command.verb} "'):
        return None
    names = {command.verb, *SYNONYMS.get(command.verb, ())}
    start = next((at for at, each in enumerate(plain, 1) if each in names), 0)
    wish = " ".join(word.text for word in words[start:]).replace('"', "'").rstrip(" .!?")
    return (f'"{wish}"',) if start and len(words) - start >= _WISH else None


def _free_words(
    plain: Sequence[str], command: Command, commands: Mapping[str, Command]
) -> tuple[str, ...] | None:
    commits = [each for each in plain if _COMMIT.fullmatch(each) and not each.isalpha()]
    if len(commits) == 1:
        return (commits[0],)
    if commits or command.verb not in command.examples:
        return None
    verbs = [each for each in plain if each in commands and each != command.verb]
    wants_verb = any(
        example.split()[1:2] and example.split()[1] in commands for example in command.examples
    )
    return (verbs[0],) if wants_verb and verbs else ()


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def _choices(plain: Sequence[str], command: Command) -> tuple[str, ...]:
    """Options whose choice is named: "with unittest"."""
    return tuple(
        f"{option.name}={choice}"
        for option in command.options
        for choice in option.choices
        if choice in plain
    )
