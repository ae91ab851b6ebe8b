"""The installation's own secrets: where they are configured, and how else they may be spelled."""

import base64
import html
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pydantic import SecretStr

from storage.redaction.forms import Span
from storage.settings import StorageSettings

LEAST_LENGTH = 6
"""Shorter ones would be found in ordinary words."""
_LEAST_LINE = 32
_LARGEST_FILE = 64 * 2**10
_URLS = ("database_url", "redis_url", "package_index_url")


def own_secrets(settings: StorageSettings) -> frozenset[str]:
    """Every secret among the settings, the passwords in addresses, and what key files hold."""
    return frozenset(_secrets(settings))


def _secrets(settings: StorageSettings) -> Iterator[str]:
    for name in type(settings).model_fields:
        value: object = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, str) and name.endswith("_key"):
            yield value
        elif isinstance(value, str) and name in _URLS:
            yield from _password_in(value)
        elif isinstance(value, Path) and name.endswith("_file"):
            yield from _held(value)
    for path in sorted((settings.home / "keys").glob("*")):
        yield from _held(path)


def _password_in(url: str) -> Iterator[str]:
    password = urlsplit(url).password
    if password:
        yield password
        yield unquote(password)


def _held(path: Path) -> Iterator[str]:
    """What a key file holds, as a whole, by line, and by value where it is JSON."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            return
        text = path.read_text()
    except (OSError, UnicodeDecodeError):  # it is read, or refused, where it is used
        return
    yield text.strip()
    yield from (line for line in text.split() if len(line) >= _LEAST_LINE)
    try:
        yield from _values(json.loads(text))
    except ValueError:
        return


def _values(held: object) -> Iterator[str]:
    if isinstance(held, str) and len(held) >= _LEAST_LINE:
        yield held
    elif isinstance(held, list):
        for each in cast("list[object]", held):
            yield from _values(each)
    elif isinstance(held, dict):
        for each in cast("dict[str, object]", held).values():
            yield from _values(each)


class Spelled:
    """Secrets in all the spellings in which they may turn up."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Secrets shorter than `LEAST_LENGTH` are left out."""
        spelled = {
            spelling
            for secret in secrets
            if len(secret.strip()) >= LEAST_LENGTH
            for spelling in _spellings(secret.strip())
            if len(spelling) >= LEAST_LENGTH
        }
        self._spelled = sorted(spelled, key=len, reverse=True)

    def found(self, text: str) -> Iterator[Span]:
        """Where they stand."""
        for spelling in self._spelled:
            at = text.find(spelling)
            while at >= 0:
                yield at, at + len(spelling)
                at = text.find(spelling, at + len(spelling))


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield from (line for line in secret.split("\n") if len(line) >= _LEAST_LINE)
    yield from {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    yield json.dumps(secret)[1:-1]
    yield secret.replace("\n", "\\n")
    yield repr(secret)[1:-1]
    yield html.escape(secret)
    raw = secret.encode(errors="surrogatepass")
    yield raw.hex()
    yield raw.hex().upper()
    yield secret[::-1]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from _within(raw, encode)


def _within(raw: bytes, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    """Base64 of anything that holds it: the characters that depend on nothing around it."""
    for before in range(3):
        encoded = encode(b"\0" * before + raw).decode().rstrip("=")
        first = (before * 8 + 5) // 6
        whole = (before + len(raw)) * 8 // 6
        yield encoded[first:whole]
