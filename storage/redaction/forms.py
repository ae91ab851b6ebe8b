"""Secrets that are known by their form alone.

Forms are those of the issuers' documentation. Most patterns begin with a literal, which keeps the
search fast, and none has an unbounded run with something required behind it, which keeps it linear.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[int, int]

_SLASH = r"(?:\\?/|%2[Ff])"
_LONGEST_KEY = 20_000
"""Characters between the two lines of a private key."""


@dataclass(frozen=True)
class _Form:
    pattern: str
    is_likely: Callable[[str], bool] = lambda _: True


def is_random(text: str) -> bool:
    """Whether it has digits and letters, or letters of both cases, as hardly a word has."""
    letters = any(c.isalpha() for c in text)
    mixed = any(c.isupper() for c in text) and any(c.islower() for c in text)
    return letters and (mixed or any(c.isdigit() for c in text))


def _is_discord(token: str) -> bool:
    """Its first part is the bot's number in base64."""
    first, _, rest = token.partition(".")
    try:
        number = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4))
    except (binascii.Error, ValueError):
        return False
    return number.isdigit() or is_random(rest.partition(".")[2])


def _random_tail(prefix_length: int) -> Callable[[str], bool]:
    return lambda found: is_random(found[prefix_length:])


_FORMS = (
    # GitHub; installation tokens are `ghs_APPID_JWT` since 2026
    _Form(r"gh[oprsu]_(?:\d+_eyJ[A-Za-z0-9_.-]{16,}|[A-Za-z0-9]{20,})", _random_tail(4)),
    _Form(r"github_pat_[A-Za-z0-9_]{20,}", _random_tail(11)),
    # Slack
    _Form(r"xox[a-e](?:\.xox[bp])?-[A-Za-z0-9%+/=-]{10,}", _random_tail(5)),
    _Form(r"xox[oprs]-[A-Za-z0-9-]{10,}", _random_tail(5)),
    _Form(r"xapp-[0-9]-[A-Za-z0-9-]{10,}"),
    _Form(r"xwfp-[A-Za-z0-9-]{10,}", _random_tail(5)),
    _Form(
        rf"hooks\.slack(?:-gov)?\.com{_SLASH}(?:services|workflows|triggers|commands|actions|app)"
        rf"(?:{_SLASH}[A-Za-z0-9_-]+)+",
        is_random,
    ),
    # Discord
    _Form(r"[MNO][A-Za-z0-9_-]{22,30}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{25,}", _is_discord),
    _Form(r"mfa\.[A-Za-z0-9_-]{60,}", is_random),
    _Form(rf"(?:webhooks|interactions){_SLASH}[0-9]{{2,22}}{_SLASH}[A-Za-z0-9_-]{{16,}}"),
    _Form(r"aW50ZXJhY3Rpb24[A-Za-z0-9_-]{20,}"),  # an interaction's token
    # clouds
    _Form(r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _Form(r"AIza[A-Za-z0-9_-]{35}"),
    _Form(r"GOCSPX-[A-Za-z0-9_-]{20,}"),
    _Form(r"ya29\.[A-Za-z0-9_-]{20,}", is_random),
    _Form(r"1//0[A-Za-z0-9_-]{40,}", is_random),
    _Form(r"Q~[A-Za-z0-9_~.-]{31,34}(?<=[A-Za-z0-9_~.-]{3}\dQ~.{31})", is_random),
    _Form(r"dop_v1_[0-9a-f]{64}"),
    _Form(r"dapi[0-9a-f]{32}(?![0-9a-f])"),
    # payment, registries, hosts of code
    _Form(r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}", is_random),
    _Form(r"whsec_[A-Za-z0-9+/=]{24,}", is_random),
    _Form(r"npm_[A-Za-z0-9]{36}", _random_tail(4)),
    _Form(r"pypi-[A-Za-z0-9_-]{50,}", is_random),
    _Form(r"gl(?:pat|dt|rt|ptt|ft|soat|cbt|oas|imt|agent)-[A-Za-z0-9_.-]{20,}", _random_tail(6)),
    _Form(r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}", is_random),
    _Form(r"rubygems_[0-9a-f]{48}"),
    # providers of models
    _Form(r"sk-(?<![A-Za-z0-9]sk-)(?<!%[A-Fa-f0-9]sk-)[A-Za-z0-9_-]{20,}", _random_tail(3)),
    _Form(r"sk-(?<=%[A-Fa-f0-9]{2}sk-)[A-Za-z0-9_-]{20,}", _random_tail(3)),
    _Form(r"hf_[A-Za-z0-9]{30,}", _random_tail(3)),
    _Form(r"gsk_[A-Za-z0-9]{40,}", _random_tail(4)),
    _Form(r"r8_[A-Za-z0-9]{37}", _random_tail(3)),
    _Form(r"xai-[A-Za-z0-9]{60,}", _random_tail(4)),
    _Form(r"pplx-[A-Za-z0-9]{40,}", _random_tail(5)),
    _Form(r"nvapi-[A-Za-z0-9_-]{60,}", _random_tail(6)),
    # others that are met in code
    _Form(r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,}", is_random),
    _Form(r"SK[0-9a-f]{32}(?![0-9a-f])"),
    _Form(r"(?:(?<=[0-9]{8}):|(?<=[0-9]{8})%3A)AA[A-Za-z0-9_-]{33}"),
    _Form(r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _Form(r"hv[sbr]\.[A-Za-z0-9_-]{24,}", _random_tail(4)),
    _Form(r"glsa_[A-Za-z0-9_]{32,}", _random_tail(5)),
    _Form(r"sntry[su]_[A-Za-z0-9_=+/-]{32,}", _random_tail(7)),
    _Form(r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}", is_random),
    _Form(r"ATATT3[A-Za-z0-9_=-]{50,}"),
    _Form(r"figd_[A-Za-z0-9_-]{32,}", _random_tail(5)),
    _Form(r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
)
_SEARCHED = tuple((re.compile(form.pattern), form.is_likely) for form in _FORMS)
"""One by one: each has a literal to search for, which is many times faster than all in one."""
_DOTTED = re.compile(r"(?<![\w-])[\w-]++(?:\.[\w-]++)+")
_LEAST_JWT = 12
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_TEXT = re.compile(
    r"(?:[^A-Za-z0-9+/=]{0,12}[A-Za-z0-9+/=]{16,})+(?:[^A-Za-z0-9+/=]{0,12}[A-Za-z0-9+/=]{1,15})?"
)
_CHUNK = re.compile(r"[A-Za-z0-9+/]{16}")


def known_forms(text: str) -> Iterator[Span]:
    """Where such secrets stand; spans may overlap."""
    for pattern, is_likely in _SEARCHED:
        for found in pattern.finditer(text):
            if is_likely(found[0]):
                yield found.span()
    if "eyJ" in text:
        yield from _tokens(text)
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)


def _tokens(text: str) -> Iterator[Span]:
    """JSON Web Tokens, signed or encrypted: parts of base64, two of which may be JSON."""
    for run in _DOTTED.finditer(text):
        parts = run[0].split(".")
        start = run.start()
        for part, following in pairwise(parts):
            begins = part.find("eyJ")
            if begins >= 0 and len(part) - begins >= _LEAST_JWT and len(following) >= _LEAST_JWT:
                yield start + begins, run.end()
                break
            start += len(part) + 1


def _private_keys(text: str) -> Iterator[Span]:
    at = 0
    ends = _KEY_ENDS.search(text)
    while begins := _KEY_BEGINS.search(text, at):
        at = begins.end()
        if ends is not None and ends.start() < at:
            ends = _KEY_ENDS.search(text, at)
        if ends is None or ends.start() > at + _LONGEST_KEY:
            cut_off = _KEY_TEXT.match(text, at)
            at = cut_off.end() if cut_off else at
            if cut_off:
                yield begins.start(), at
        elif _CHUNK.search(text, at, ends.start()):
            at = ends.end()
            yield begins.start(), at
