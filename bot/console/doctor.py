"""`gryph doctor`: what is configured, reachable and missing, with the remedy."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict
from typing import Any

from bot.console import checks, logins, models, reach
from bot.console.checks import Check, Verdict
from bot.console.plain import Ink, Style
from bot.settings import GatewaySettings

CHECKS: tuple[Callable[[GatewaySettings], Awaitable[Check]], ...] = (
    checks.home,
    checks.keys,
    checks.database,
    checks.broker,
    checks.gateway,
    reach.slack,
    reach.discord,
    reach.github,
    logins.login,
    models.models,
    checks.git,
    checks.disk,
    checks.sandbox,
)
"""In the order of the table; the sandbox's canary, which takes seconds, comes last."""

_STYLES = {
    Verdict.OK: Style.GREEN,
    Verdict.OFF: Style.DIM,
    Verdict.MISSING: Style.YELLOW,
    Verdict.BROKEN: Style.RED,
}


async def examine(settings: GatewaySettings) -> AsyncGenerator[Check, None]:
    """One check after the other, as each is done."""
    for check in CHECKS:
        yield await check(settings)


def row(check: Check, ink: Ink) -> str:
    """One line of the table, and the remedy under it."""
    line = f"{check.name:<9} {ink(f'{check.verdict:<8}', _STYLES[check.verdict])} {check.found}"
    return f"{line}\n{'':<18} → {check.remedy}" if check.remedy else line


def diagnosis(found: list[Check]) -> dict[str, Any]:
    """All checks for scripts."""
    return {"healthy": is_healthy(found), "checks": [asdict(check) for check in found]}


def is_healthy(found: list[Check]) -> bool:
    """Whether nothing that is configured is broken."""
    return all(check.verdict is not Verdict.BROKEN for check in found)
