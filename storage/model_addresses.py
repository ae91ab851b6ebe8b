"""Addresses of models: what may be registered, and whether what is sent there stays here."""

import ipaddress
import re
from urllib.parse import urlsplit

from pydantic import HttpUrl, TypeAdapter, ValidationError

ANTHROPIC = "https://api.anthropic.com/v1"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?(?:@[\w./-]{1,64})?")
_PUBLIC_SERVICES = ("api.anthropic.com", "api.openai.com")
"""Of these no operator can mean that they stand in the house."""
_PREMISES = tuple(
    map(
        ipaddress.ip_network,
        (
            "127.0.0.0/8", "::1/128",  # this machine
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",  # RFC 1918, RFC 4193
            "169.254.0.0/16", "fe80::/10",  # this link
        ),
    )
)  # fmt: skip
_URL = TypeAdapter(HttpUrl)


class BadModel(Exception):
    """A model cannot be had as it was described; the message says why, and what to do."""


def checked_url(url: str, *, said_on_premises: bool) -> str:
    """The address of an endpoint without a slash at its end; "/v1" is its path where it has none.

    Raises:
        BadModel: It is none, holds a password, or would send code over a public network in clear.
    """
    try:
        if not re.fullmatch(r"[!-~]+", url):  # parsers differ over what they leave out
            raise ValueError("it holds blanks, controls or letters that no address has")
        _URL.validate_python(url)
        parts = urlsplit(url)
    except (ValidationError, ValueError) as error:
        raise BadModel(
            f"Not an address: {url!r}. It is like http://127.0.0.1:8000/v1 or https://host/v1."
        ) from error
    if parts.username is not None or parts.password is not None:
        raise BadModel("The address holds a user or password: give the key with --key-file.")
    if parts.query or parts.fragment:
        raise BadModel("The address ends in a query or fragment: leave out what follows the path.")
    if said_on_premises and _host(url) in _PUBLIC_SERVICES:
        raise BadModel(f"{_host(url)} is not on the premises: leave out --on-premises.")
    if parts.scheme != "https" and not (said_on_premises or is_on_premises(url)):
        raise BadModel(
            f"{_host(url)} is not on the premises as far as its address shows, and http:// would "
            "send code there in clear: write https://, or add --on-premises if it stands in the "
            "house."
        )
    return url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"


def checked_hub_id(hub_id: str) -> str:
    """An id on the hub, "owner/name", with "@revision" behind it or not. Raises BadModel."""
    if not _HUB_ID.fullmatch(hub_id) or ".." in hub_id or "--" in hub_id:
        raise BadModel(
            f"Not an id on the hub: {hub_id!r}. It is like owner/name, or owner/name@v1."
        )
    return hub_id


def is_on_premises(url: str) -> bool:
    """Whether the address itself shows that what is sent there stays in the house.

    It is "localhost" or a number of this machine or of a private network. A name shows nothing:
    where it leads is for others to say, and to change.
    """
    host = _host(url)
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in network for network in _PREMISES)


def host_of(url: str) -> str:
    """Whom one talks to there, with the port where it is named."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()
