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
    rf"({_WORD})[A-Za-z0-9_ -]{{0,20}}[\"'`\]]{{0,2}}[ \t]{{0,4}}(?::=|=>|[:=])[ \t]{{0,4}}"
    r"(?:(?P<mark>\\?[\"'`])(?P<quoted>[^\s\"'`]{6,400})|(?P<bare>[^\s\"'`,;(){}\[\]<>&|$*]{8,400}+(?![(\[])))",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"authorization[\"'`\]]{0,2}[ \t]{0,4}(?:=>|[:=])[ \t]{0,4}[\"'`]{0,2}"
    r"(?:(?:bearer|basic|token|bot|apikey)[ \t]{1,4})?(?P<bare>[A-Za-z0-9._~+/:=-]{8,2000})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"[Bb]earer[ \t]{1,4}(?P<bare>[A-Za-z0-9._~+/-]{20,2000}=*)")
_ADDRESS = re.compile(r"://[^\s/:@\"'`<>]{0,64}:(?P<password>[^\s/@\"'`<>]{1,200})@(?=[\w\[])")
_ON_COMMAND = re.compile(r"[ \t](?:-u|--user)[ =][\"']?[^\s:\"']{1,64}:(?P<password>[^\s\"']{6,200})")
_LOGIN = re.compile(r"login[ \t]{1,4}\S{1,100}\s{1,4}password[ \t]{1,4}(?P<password>\S{4,200})")
_SIGNED = re.compile(r"[?&;](?:sig|signature|x-amz-signature|x-goog-signature)=(?P<bare>[^\s&\"'<>]{16,600})", re.IGNORECASE)
_PRIVATE_NUMBER = re.compile(r"\"d\"[ \t]{0,4}:[ \t]{0,4}\"(?P<sure>[A-Za-z0-9_-]{40,700})\"")
_NONE_SUCH = re.compile(
    r"[$<{}\[\]]|%\(|%s|\.\.\.|\*\*|xxx|your|example|change[-_]?me|dummy|placeholder|redacted|removed|"
    r"password|passwd|passphrase|secret|token|testing|sample|todo|null|none|undefined|default",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Z][a-z]+(?:[A-Z][a-z]+)+\d?|[a-z]+(?:_[a-z]+)*_?\d?")
_PASSWORD = re.compile(r"pass|pwd", re.IGNORECASE)
_LEAST_LETTERS = 16
_LEAST_BITS = 3.0


def known_places(text: str) -> Iterator[Span]:
    """Where such secrets stand; spans may overlap."""
    for found in _ASSIGNED.finditer(text):
        group = "quoted" if found["quoted"] else "bare"
        if _is_secret(found[group], is_password=_PASSWORD.match(found[1]) is not None, quoted=bool(found["quoted"])):
            yield found.span(group)
    for pattern in (_HEADER, _BEARER, _SIGNED):
        for found in pattern.finditer(text):
            if is_random(found["bare"]) and not _NONE_SUCH.search(found["bare"]) and not _CODE.fullmatch(found["bare"]):
                yield found.span("bare")
    for pattern in (_ADDRESS, _ON_COMMAND, _LOGIN):
        for found in pattern.finditer(text):
            if not _NONE_SUCH.search(found["password"]) and found["password"] not in ("pass", "pw", "p"):
                yield found.span("password")
    for found in _PRIVATE_NUMBER.finditer(text):
        yield found.span("sure")


def _is_secret(value: str, *, is_password: bool, quoted: bool) -> bool:
    if _NONE_SUCH.search(value) or _CODE.fullmatch(value):
        return False
    if is_password:
        has_mark = any(not c.isalnum() and c not in "_-./:" for c in value)
        return (quoted and has_mark and len(value) > 7) or (is_random(value) and any(map(str.isdigit, value)))
    return len(value) >= _LEAST_LETTERS and is_random(value) and any(map(str.isdigit, value)) and _bits(value) >= _LEAST_BITS


def _bits(text: str) -> float:
    """Shannon entropy of a character."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)
