"""Whether people can log in on the web with what is configured."""

from urllib.parse import urlsplit

from bot.console.checks import Check, Verdict
from bot.settings import GatewaySettings, MissingSetting
from bot.web.providers import providers, redirect_uri

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


async def login(settings: GatewaySettings) -> Check:
    """Which platforms people log in with, and whether their way back is one."""
    try:
        found = providers(settings)
    except MissingSetting as error:
        return Check("login", Verdict.BROKEN, str(error), "Set it, or unset the others.")
    if not found:
        return Check("login", Verdict.OFF, "no GRYPH_<PLATFORM>_CLIENT_ID; tokens only")
    names = ", ".join(provider.label for provider in found.values())
    url = settings.public_url
    if url is None:
        remedy = "Set GRYPH_PUBLIC_URL to the address that people's browsers reach."
        return Check("login", Verdict.MISSING, f"{names}; but only on this machine", remedy)
    if not url.startswith("https://") and urlsplit(url).hostname not in _LOOPBACK:
        remedy = "Put TLS in front and set GRYPH_PUBLIC_URL to https://…"
        return Check("login", Verdict.BROKEN, f"{names}; but {url} is not https", remedy)
    back = ", ".join(redirect_uri(url, platform) for platform in found)
    return Check("login", Verdict.OK, f"{names}; they have to know {back}")
