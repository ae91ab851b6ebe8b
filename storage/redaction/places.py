"""Secrets that are known by where they stand: assignments, headers, addresses, command lines.

What stands there may also be a variable, a placeholder or an example; only what looks like a
secret is taken out. Every run is bounded, so that the search is linear.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

from storage.redaction.forms import Span, is_random

_WORD = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|credential|"
    r"(?:api|access|account|auth|encryption|master|private|service|session|shared|signing)"
    r"[ _-]?(?:access[ _-]?)?key)"
)
_ASSIGNED = re.compile(
    rf"({_WORD})[A-Za-z0-9_ -]{{0,20}}[\\\"'`\]]{{0,3}}[ \t]{{0,4}}(?::=|=>|[:=])[ \t]{{0,4}}"
    r"(?:\\?[\"'`](?P<quoted>[^\s\"'`\\]{6,400})|"
    r"(?P<bare>[^\s\"'`\\,;(){}\[\]<>&|$*]{8,400}+(?![(\[])))",
    re.IGNORECASE,
)
_HEADERS = (
    re.compile(
        r"authorization[\\\"'`\]]{0,3}[ \t]{0,4}(?:=>|[:=])[ \t]{0,4}[\\\"'`]{0,3}"
        r"(?:(?:bearer|basic|token|bot|apikey)[ \t]{1,4})?([A-Za-z0-9._~+/:=-]{8,2000})",
        re.IGNORECASE,
    ),
    re.compile(r"[Bb]earer[ \t]{1,4}([A-Za-z0-9._~+/-]{20,2000}=*)"),
    re.compile(
        r"[?&;](?:sig|signature|x-\w{3,4}-signature)=([^\s&\"'<>\\]{16,600})", re.IGNORECASE
    ),
)
_PASSWORDS = (
    re.compile(r"://[^\s/:@\"'`<>]{0,64}:([^\s/@\"'`<>]{1,200})@(?=[\w\[])"),
    re.compile(r"[ \t](?:-u|--user)[ =][\"']?[^\s:\"']{1,64}:([^\s\"']{6,200})"),
    re.compile(r"login[ \t]{1,4}\S{1,100}\s{1,4}password[ \t]{1,4}(\S{4,200})"),
)
_PRIVATE_NUMBER = re.compile(r"\"d\"[ \t]{0,4}:[ \t]{0,4}\"([A-Za-z0-9_-]{40,700})\"")
"""Of a JSON Web Key."""
_PLACEHOLDER = re.compile(
    r"[$<{}\[\]]|%\(|%s|\.\.\.|\*\*|xxx|your|example|change[-_]?me|dummy|placeholder|redacted|"
    r"removed|password|passwd|passphrase|secret|token|testing|sample|todo|null|none|undefined|"
    r"default",
    re.IGNORECASE,
)
_EXAMPLES = frozenset({"pass", "pw", "p", "tiger"})
_CODE = re.compile(
    r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Z][a-z]+(?:[A-Z][a-z]+)+\d?|[a-z]+(?:_[a-z]+)*_?\d?"
)
_PASSWORD = re.compile(r"pass|pwd", re.IGNORECASE)
_LEAST_PASSWORD = 8
_LEAST_KEY = 16
_LEAST_BITS = 3.0
_LONG_KEY = 32
_LONG_BITS = 4.0


def known_places(text: str) -> Iterator[Span]:
    """Where such secrets stand; spans may overlap."""
    yield from _assigned(text)
    yield from _shown(text)
    for found in _PRIVATE_NUMBER.finditer(text):
        yield found.span(1)


def _assigned(text: str) -> Iterator[Span]:
    for found in _ASSIGNED.finditer(text):
        group = "quoted" if found["quoted"] else "bare"
        value = found[group]
        if _PLACEHOLDER.search(value) or _CODE.fullmatch(value):
            continue
        of_person = _PASSWORD.match(found[1]) is not None
        if _is_password(value, quoted=group == "quoted") if of_person else _is_key(value):
            yield found.span(group)


def _shown(text: str) -> Iterator[Span]:
    for pattern in _HEADERS:
        for found in pattern.finditer(text):
            value = found[1]
            if is_random(value) and not (_PLACEHOLDER.search(value) or _CODE.fullmatch(value)):
                yield found.span(1)
    for pattern in _PASSWORDS:
        for found in pattern.finditer(text):
            if found[1] not in _EXAMPLES and not _PLACEHOLDER.search(found[1]):
                yield found.span(1)


def _is_password(value: str, *, quoted: bool) -> bool:
    marks = any(not c.isalnum() and c not in "_-./:" for c in value)
    if quoted and marks and len(value) >= _LEAST_PASSWORD:
        return True
    return is_random(value) and any(map(str.isdigit, value))


def _is_key(value: str) -> bool:
    if len(value) < _LEAST_KEY or not is_random(value):
        return False
    bits = _bits(value)
    if any(map(str.isdigit, value)):
        return bits >= _LEAST_BITS
    return (
        len(value) >= _LONG_KEY
        and bits >= _LONG_BITS
        and (value.isalnum() or not value.isidentifier())
    )


def _bits(text: str) -> float:
    """Shannon entropy of a character."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)
