"""Links that show where they lead, and nothing that is fetched without being asked for.

For text outside of code. A link stays one only where it is plain: web addresses of ASCII hosts,
under words that name no other address. Everything else shows what it is made of.
"""

import re
import unicodedata

from bot.text import ZERO_WIDTH

_HOST = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d{1,5})?"
_LINK = re.compile(
    rf"(?<![\\\]])\[([^\[\]\\<>`\n]{{1,300}})\]\((https?://{_HOST}(?:[/?#][^\s()<>`\\|\"']*)?)\)"
)
_PICTURE = re.compile(r"!+(?=\[)")
_TARGET = re.compile(r"\](?=[(:\[])")
"""Between a link's text and where it leads, or between a name and what it stands for."""
_LABELLED = re.compile(r"<(?=[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*(?:[|>]|$))")
"""An address in angle brackets: Slack lets one have a label."""
_ADDRESS = re.compile(r"(https?:(?=//)|www(?=\.))([/.]+)([^\s/?#<>()\"'|]*)", re.IGNORECASE)
_SIGNS = re.compile(r"//+|(?<=www)\.", re.IGNORECASE)
"""What an address is known by."""
_NAMED = re.compile(
    r"//([^\s/?#]+)|(?<![\w.-])((?:[\w-]+\.)+[^\W\d_]{2,24})(?![\w(])", re.IGNORECASE
)
"""An address within words: by its slashes, or a host alone."""
_FILE = re.compile(
    r".*\.(?:py|pyi|toml|txt|json|ya?ml|cfg|ini|js|ts|css|html?|lock|csv|xml)", re.IGNORECASE
)
"""No host to who reads about code."""


def shows_truth(words: str, address: str) -> bool:
    """Whether the words of a link name no host but the one that the address leads to."""
    plain = unicodedata.normalize("NFKC", words).replace(ZERO_WIDTH, "")
    host = _host(address.partition("//")[2])
    return "&" not in plain and all(
        _host(slashed or alone) == host or _FILE.fullmatch(alone) is not None
        for slashed, alone in _NAMED.findall(plain)
    )


def is_web(address: str) -> bool:
    """Whether the address is one of the web that looks like no other."""
    return re.fullmatch(rf"https?://{_HOST}(?:[/?#][^\s|]*)?", address) is not None


def open_links(text: str) -> str:
    """The text with only such links as show where they lead, and no pictures."""
    text = _PICTURE.sub("", text)
    made: list[str] = []
    at = 0
    for found in _LINK.finditer(text):
        if shows_truth(found[1], found[2]):
            made += (_opened(text[at : found.start()]), found[0])
            at = found.end()
    return "".join(made) + _opened(text[at:])


def _opened(text: str) -> str:
    text = _LABELLED.sub("<" + ZERO_WIDTH, _TARGET.sub(r"]\\", text))
    return unlike_others(text)


def unlike_others(text: str) -> str:
    """The text in which no address becomes a link that could be taken for another."""
    return _ADDRESS.sub(_unlike_another, text)


def _unlike_another(found: re.Match[str]) -> str:
    is_plain = found[3].isascii() and "@" not in found[3] and "%" not in found[3]
    return found[0] if is_plain else f"{found[1]}{ZERO_WIDTH}{found[2]}{found[3]}"


def unaddressed(text: str) -> str:
    """Words that a link of ours is put under, naming no address."""
    return _SIGNS.sub(" ", text)


def _host(authority: str) -> str:
    authority = re.split(r"[/?#]", authority.lower(), maxsplit=1)[0]
    host = authority.rpartition("@")[2].partition(":")[0]
    return host.strip(".,;!*_~'\")").removeprefix("www.")
