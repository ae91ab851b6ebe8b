"""What the words behind `match` mean: a form that is known, a sentence, or something to ask about.

A sentence is a task like any other, so whatever begins like a form and is none has to be asked
about: somebody would be named for something that nobody meant.
"""

import re
from collections.abc import Sequence

from handlers import Call, UserError
from handlers.issue_words import number_meant
from jobs.match_buttons import ASSIGN, AWAY, BUSY, DECLINE, NOT_MINE, SUGGEST, TAKE, VERB
from jobs.wording import code
from storage.ids import as_job_id

PATH = re.compile(r"[^\s/]*/\S*|\S+\.[A-Za-z]\w{0,9}")
_MENTION = re.compile(r"<?@[^\s@/:]+")
_NUMBER = re.compile(r"(?:[\w.-]+/[\w.-]+)?#\d{1,9}(?!\d)")
_COMMIT = re.compile(r"(?=.*[a-f])(?=.*\d)[0-9a-f]{7,40}")
_MARKS = ".,;!?"
_LONGEST_NAME = 100
_SENTENCE = 5
"""Words; fewer that begin with the name of a form are hardly a sentence."""
_MOST_OF_NAME = 3
FORMS = {
    "who": "match who src/parser.py",
    "risks": "match risks src/",
    "risk": "match risks src/",
    "outcomes": "match outcomes",
    "help": "help match",
}
"""What is right, by the word that the form begins with."""
_REASON = re.compile(
    rf"(?:{BUSY}|{AWAY}|{NOT_MINE}|sick|swamped|overloaded|vacation|holidays?|already|at|because|in|"
    r"never|no|not|on|out|since|sorry|too|until|\d+ (?:day|week|month)s?)"
    r"(?![\w-])"
    r"|.*\b(?:i|my|mine|me|busy)\b",
    re.IGNORECASE | re.DOTALL,
)
"""How people say why they do not do something, and no task begins."""
_POINTERS = frozenset({"it", "this", "that", "please"})
_SHOWN = 120


def mention_in(words: Sequence[str]) -> int | None:
    """Where the name of somebody begins who is asked for; None where it is not plain."""
    at = next((at for at, word in enumerate(words) if _MENTION.fullmatch(word)), None)
    if at is not None and (_is_task(words[:at]) or _is_full_name(words[at:])):
        return at
    return len(words) - 1 if at is not None and _MENTION.fullmatch(words[-1]) else None


def mentions_in(words: Sequence[str]) -> Sequence[int]:
    """Where somebody's name may begin, if they are known here."""
    return [at for at, word in enumerate(words) if _MENTION.fullmatch(word)]


def name_in(words: Sequence[str]) -> str:
    """The name that the words are, without the signs around it."""
    said = " ".join(words).rstrip(_MARKS).strip("<>").removeprefix("@")
    return said.rstrip(_MARKS)[:_LONGEST_NAME]


def require_no_one_task(call: Call, said: str, right: str) -> None:
    """Let pass what is said of no one task. Raises UserError where a person or a mode is named,
    which would be left out; `right` is what can be said.
    """
    if said:
        raise UserError(
            f"{code(f'@{said}')} is asked about one task at a time. Say `/gryph {VERB} #12 @ana`, "
            f"or without a name `/gryph {right}`."
        )
    mode = call.options.get("for")
    if mode is not None:
        raise UserError(
            f"`for={mode}` is said of one task at a time, `/gryph {VERB} #12 for={mode}`; without "
            f"it say `/gryph {right}`."
        )


def require_task(words: Sequence[str], person: str) -> None:
    """Let pass what points at something, or is a sentence.

    Raises:
        UserError: It begins like a form that is known, and is none.
    """
    right = _nearly(words, f" @{person}" if person else "") if words else None
    if right is None:
        return
    said = code(" ".join(words), _SHOWN)
    text = ""
    if len(words) > 1:
        text = f' If it is what has to be done, put it in quotes: `/gryph {VERB} "…"`.'
    raise UserError(f"{said} is nothing that I can read. Do you mean {right}?{text}")


def require_choice(words: Sequence[str]) -> None:
    """Let pass what is no choice about a match, or can be meant as one.

    Raises:
        UserError: It begins like a choice and names no job, but goes on like a task.
    """
    if not words or any(as_job_id(word.rstrip(",:")) for word in words[:2]):
        return
    choice, rest = words[0].casefold(), words[1:]
    if rest and (_NUMBER.fullmatch(rest[0]) or PATH.fullmatch(rest[0])):
        rest = rest[1:]
    if choice not in _WITHOUT_ID or not rest or _can_mean(choice, rest):
        return
    line = " ".join(words)
    quoted = f'/gryph {VERB} "{line}"'
    raise UserError(
        f"What is to be done stands in quotes, {code(quoted, _SHOWN)}. If you speak of somebody "
        f"who was named, say {_WITHOUT_ID[choice]}"
    )


def _is_full_name(words: Sequence[str]) -> bool:
    """Whether they are spelled like one, with a capital each."""
    return 1 < len(words) <= _MOST_OF_NAME and all(word[:1].isupper() for word in words[1:])


def _is_task(words: Sequence[str]) -> bool:
    """Whether they point at something, or are one quotation."""
    if len(words) == 1 and re.search(r"\s", words[0]):
        return True
    pointed = all(_NUMBER.match(word) or PATH.fullmatch(word) for word in words)
    return bool(words) and (pointed or number_meant(words) is not None)


def _nearly(words: Sequence[str], wanted: str) -> str | None:
    """The form that was probably meant, as Markdown; None where the words are read as they are."""
    first = words[0].casefold()
    number = number_meant(words)
    if number is not None:
        return f"`/gryph {VERB} #{number}{wanted}`"
    if _COMMIT.fullmatch(first) and len(words) == 1:
        return f"the pull request that brought it, `/gryph {VERB} #12`, or its files"
    if _MENTION.fullmatch(words[0]) and _is_task(words[1:]):
        number = number_meant(words[1:])
        return code(f"/gryph {VERB} {words[1] if number is None else f'#{number}'} {words[0]}")
    if (numbered := _NUMBER.match(words[0])) and len(words) > 1:
        is_name = words[1].isalnum() and not words[2:]
        name = wanted or (f" @{words[1]}" if is_name else " @ana")
        one = f"/gryph {VERB} {numbered[0]}"
        return f"{code(one)}, or with somebody's name {code(f'{one}{name}')}"
    form = FORMS.get(first)
    is_form = len(words) < _SENTENCE or all(map(PATH.fullmatch, words[1:]))
    if form is None or not is_form or (first == "help" and len(words) > 1):
        return None
    return f"`/gryph {form}`"


def _can_mean(choice: str, rest: Sequence[str]) -> bool:
    if choice == DECLINE:
        said = " ".join(rest)
        return said.isdecimal() or _REASON.match(said) is not None
    if choice == TAKE:
        return {word.casefold().rstrip(_MARKS) for word in rest} <= _POINTERS
    is_called = rest[0].startswith(("@", "<@"))
    return is_called or (choice == SUGGEST and len(rest) <= _MOST_OF_NAME)


_WITHOUT_ID = {
    TAKE: f"`/gryph {VERB} {TAKE}` alone.",
    DECLINE: f"which match it is, `/gryph {VERB} {DECLINE} J7K2M9Q`, and then why.",
    SUGGEST: f"`/gryph {VERB} {SUGGEST} @ana`.",
    ASSIGN: f"`/gryph {VERB} {ASSIGN}` alone, or `/gryph {VERB} {ASSIGN} @ana`.",
}
"""How each choice is said in the thread of its match."""
