"""A task's words without what gives its people away: names, handles, addresses, numbers."""

import re
from collections.abc import Container, Iterable, Mapping
from typing import Any

from engines.matching.types import Signature

_LEAST = 3
"""Letters of a name that is looked for in texts."""
_LINES = re.compile(
    r"""^[ \t]*(?:
    auto\ merge\ of\ .*
    | (?:rollup\ )?merge[sd]?\ (?:pull\ request|pr|mr|merge\ request)\ [\#!]?\d+
      (?:\ (?:from|in|into)\ \S+)*
    | merge[sd]?\ in\ \S+\ \(pull\ request\ .*
    | merge[sd]?\ (?:remote[- ]tracking\ |remote\ )?(?:branch|branches|tag|commit|topic)\b.*
    | merge[sd]?(?:\ (?:and\ )?\#\d+,?)+
    | see\ merge\ request\b.*
    | \(cherry\ picked\ from\ .*
    | [\w-]+[- ]by:.*
    | (?:cc|change-id|pr-url|git-svn-id|reviewers?|authors?):.*
    | \d+:(?=\ )
    )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_INLINE = re.compile(
    r"""\b(?:https?|ftp|git|ssh)://[^\s<>()]+
    | (?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)*
    | (?<![\w/])@[\w-]+(?:/[\w-]+)?
    | \b[ra]=\S+
    | (?<![\w./-])[\w.-]++/[\w.-]+\#\d+
    | (?:\b(?:pr|mr|gh|bug|issue)[- ]?)?[\#!]\d+\b
    | \b(?:gh|bpo|issue|bug)-\d+\b
    | \b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BRACKETS = re.compile(r"[()\[\]<>][()\[\]<>\s]*[()\[\]<>]")
_CLOSES = {")": "(", "]": "[", ">": "<"}
_SPACE = re.compile(r"[^\S\n]+")
_BREAK = re.compile(r" ?\n[ \n]*")
_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")
_PART = re.compile(r"[^\W\d_]+")
_NOREPLY_HOST = "users.noreply.github.com"


class Names:
    """Words that name people seen so far, but for those that are also part of a path."""

    def __init__(self) -> None:
        """Nobody is known."""
        self._names: set[str] = set()
        self._handles: set[str] = set()
        self._parts: set[str] = set()
        self._files: set[str] = set()
        self._seen: set[Signature] = set()

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> "Names":
        """What `as_json` told. Raises LookupError, TypeError or ValueError for anything else."""
        names = cls()
        names._names, names._handles = set(kept["names"]), set(kept["handles"])
        names._parts, names._files = set(kept["parts"]), set(kept["files"])
        names._seen = {Signature(name, email) for name, email in kept["seen"]}
        return names

    def as_json(self) -> dict[str, Any]:
        """Everything there is to know."""
        return {
            "names": sorted(self._names),
            "handles": sorted(self._handles),
            "parts": sorted(self._parts),
            "files": sorted(self._files),
            "seen": sorted(self._seen),
        }

    def see(self, signature: Signature) -> None:
        """Know a person's names and handle."""
        if signature in self._seen:
            return
        self._seen.add(signature)
        words = [word.lower() for word in _parts(signature.name) if len(word) >= _LEAST]
        local, _, host = signature.email.lower().partition("@")
        handle = local.rpartition("+")[2]
        self._names.update(words)
        # Else it may be any word: "code", "info".
        if host == _NOREPLY_HOST or any(word in handle for word in words):
            self._handles.update(part for part in [handle, *_parts(handle)] if len(part) >= _LEAST)

    def keep(self, paths: Iterable[str]) -> None:
        """Know paths, whose words say what a task is about."""
        for path in paths:
            for name in path.split("/"):
                if name not in self._files:
                    self._files.add(name)
                    self._parts.update(_parts(name.lower()))

    def __contains__(self, word: object) -> bool:
        """Whether a word names somebody and no file; a name does so only with a capital letter."""
        assert isinstance(word, str)
        lower = word.lower()
        named = lower in self._handles or (lower in self._names and lower != word)
        return named and lower not in self._parts


def scrub(text: str, names: Container[str]) -> str:
    """A text without people, numbers, hashes, addresses and trailers; scrubbing twice is scrubbing
    once.
    """
    while True:
        scrubbed = _once(text, names)
        if scrubbed == text:
            return text
        text = scrubbed


def _once(text: str, names: Container[str]) -> str:
    text = _LINES.sub(" ", text)
    text = _INLINE.sub(" ", text)
    text = _WORD.sub(lambda found: " " if found[0] in names else found[0], text)
    text = _BRACKETS.sub(_filled, text)
    return _BREAK.sub("\n", _SPACE.sub(" ", text)).strip()


def _filled(found: re.Match[str]) -> str:
    """Of a run of brackets those that do not close around nothing, however deep they lie."""
    left, spaces = [""], [""]
    for character in found[0]:
        if character.isspace():
            spaces[-1] += character
        elif _CLOSES.get(character) == left[-1]:
            left.pop()
            spaces.pop()
            spaces[-1] += " "
        else:
            left.append(character)
            spaces.append("")
    return "".join(bracket + space for bracket, space in zip(left, spaces, strict=True))


def _parts(text: str) -> list[str]:
    """Words, and those that hyphens join."""
    words = _WORD.findall(text)
    joined = [word for word in words if not word.isalpha()]
    return [*words, *(part for word in joined for part in _PART.findall(word))]
