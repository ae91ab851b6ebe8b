"""Whether there is a model that can be asked: folders are looked at, endpoints asked, no weights
loaded.
"""

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from bot.console.checks import Check, Verdict
from bot.console.plain import one_line
from bot.model_reach import chosen, offered
from bot.model_states import look
from bot.settings import GatewaySettings
from storage import models as kept
from storage import vault
from storage.database import Database
from storage.migrations.run import current, newest
from storage.model_addresses import BadModel
from storage.models import LOADED, RegisteredModel, Registry
from storage.vault import KeyRing

_NAME = "models"
_ADD = "gryph model add NAME --local DIR (or --hub, --openai, --anthropic)"


async def models(settings: GatewaySettings) -> Check:
    """Every enabled model, and whether code may leave the premises anywhere."""
    try:
        if not await asyncio.to_thread(_has_tables, settings):
            return Check(_NAME, Verdict.OFF, "not known before the database has its tables")
        registry = await asyncio.to_thread(_registry, settings)
        ring = vault.checkout_keys(settings.home, settings.checkout_key)
    except (SQLAlchemyError, ValueError, OSError) as error:
        found = f"cannot be read: {type(error).__name__}"
        return Check(_NAME, Verdict.BROKEN, found, "See the database and GRYPH_CHECKOUT_KEY.")
    enabled = [model for model in registry.models if model.is_enabled]
    if not enabled:
        found = "none is configured: nothing can be generated"
        return Check(_NAME, Verdict.MISSING, found, _ADD)
    told = await asyncio.gather(*(_state(model, settings, ring) for model in enabled))
    return _verdict(enabled, told, registry)


def _verdict(
    enabled: list[RegisteredModel], told: list[tuple[str, bool]], registry: Registry
) -> Check:
    states = zip(enabled, told, strict=True)
    found = "; ".join(f"{model.name}: {state}" for model, (state, _) in states)
    allowed = sorted(scope for scope, is_allowed in registry.rules.items() if is_allowed)
    found += f". Code may leave: {', '.join(allowed) or 'nowhere'}"
    broken = [model.name for model, (_, works) in zip(enabled, told, strict=True) if not works]
    if broken:
        return Check(_NAME, Verdict.BROKEN, one_line(found), f"gryph model test {broken[0]}")
    if not allowed and not any(model.is_on_premises for model in enabled):
        remedy = "gryph model allow-remote SCOPE, or add one on the premises"
        return Check(_NAME, Verdict.MISSING, one_line(found), remedy)
    return Check(_NAME, Verdict.OK, one_line(found))


async def _state(
    model: RegisteredModel, settings: GatewaySettings, ring: KeyRing
) -> tuple[str, bool]:
    """How it is, and whether it can be asked."""
    seen = await asyncio.to_thread(look, model, settings, ring)
    if seen.trouble:
        return seen.trouble.rstrip("."), False
    if model.kind in LOADED:
        return seen.state + (f" ({seen.size})" if seen.size else ""), True
    try:
        chosen(model, await offered(model, kept.key_of(ring, model), settings))
    except BadModel as error:
        return str(error).rstrip("."), False
    return f"answers ({'on the premises' if model.is_on_premises else 'remote'})", True


def _has_tables(settings: GatewaySettings) -> bool:
    if settings.database_url is None and not (settings.home / "gryph.db").exists():
        return False  # asking would make it
    return current(settings.sql_url) == newest()


def _registry(settings: GatewaySettings) -> Registry:
    database = Database(settings.sql_url)
    try:
        return database.read_now(kept.registry)
    finally:
        database.close()
