"""What `gryph model` prints, for people and for scripts."""

from collections.abc import Sequence
from typing import Any

from bot.console.plain import columns
from bot.model_states import Seen, parameters
from storage.model_sizes import CACHED_TOKENS, GB, needs, tier
from storage.models import LOADED, Registry

_HEAD = ("NAME", "KIND", "STATE", "SIZE", "CONTEXT", "AT ONCE", "CODE GOES", "FIRST FOR")
_NONE_YET = (
    "No model yet. Add one: `gryph model add NAME --local DIR`, or --hub, --openai or --anthropic; "
    "`gryph model add --help` shows how."
)


def added(seen: Seen, budget_gb: float) -> str:
    """What was registered, and what to do next."""
    model = seen.model
    lines = [f"{model.name} is registered; code {_goes(seen)}."]
    if seen.facts is not None:
        facts = seen.facts
        lines.append(
            f"{facts.architecture}, {parameters(facts.parameters)} parameters ({tier(facts)}), up "
            f"to {facts.context_tokens:,} tokens. With a cache of {CACHED_TOKENS:,} tokens it takes"
        )
        lines += [
            f"  {facts.quantized or each.precision:<8} {each.weights / GB:6.1f} GB of weights, "
            f"{each.total_gb:6.1f} GB in all: "
            f"{'fits' if each.total_gb <= budget_gb else 'does not fit'} {budget_gb:g} GB"
            f"{', the most exact that does' if each == seen.fits else ''}"
            for each in needs(facts, model.precision)
        ]
    elif seen.state == "not fetched yet":
        lines.append(
            f"Its weights are fetched when it is first asked: `gryph model test {model.name}`."
        )
    if seen.trouble:
        lines.append(seen.trouble)
    if not model.is_on_premises:
        lines.append(
            "No code goes there until you allow it: `gryph model allow-remote SCOPE`, where SCOPE "
            "is slack:TEAM, discord:SERVER, github:OWNER, or * for all."
        )
    lines.append(f"Try it: gryph model test {model.name}")
    return "\n".join(lines)


def listed(seen: Sequence[Seen], registry: Registry) -> str:
    """Every model in a table, what is wrong with some, and whose code may go where."""
    if not seen:
        return f"{_NONE_YET}\n{_rules(registry)}"
    rows = [_HEAD, *(_row(each, registry) for each in seen)]
    widths = [max(columns(row[at]) for row in rows) for at in range(len(_HEAD))]
    table = [
        "  ".join(
            cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)
        )
        for row in rows
    ]
    troubles = [f"{each.model.name}: {each.trouble}" for each in seen if each.trouble]
    return "\n".join([*(line.rstrip() for line in table), *troubles, _rules(registry)])


def rows_of(seen: Sequence[Seen], registry: Registry) -> list[dict[str, Any]]:
    """The same for scripts."""
    return [
        {
            "name": each.model.name,
            "kind": each.model.kind.value,
            "address": each.model.address,
            "model": each.model.model,
            "state": each.state,
            "trouble": each.trouble,
            "on_premises": each.model.is_on_premises,
            "has_key": each.model.sealed_key is not None,
            "context_tokens": _context(each),
            "first_for": [purpose.value for purpose in registry.purposes_of(each.model.name)],
            "precision": each.model.precision.value,
            "memory_gb": each.model.memory_gb,
            "concurrency": _concurrency(each),
            "size": None if each.facts is None else _size(each),
        }
        for each in seen
    ]


def tested(verdict: dict[str, Any]) -> str:
    """What a test found."""
    said = [f"reads up to {verdict['context_tokens']:,} tokens"]
    if verdict["tokens_per_s"] is not None:
        said.insert(0, f"{verdict['tokens_per_s']:.1f} tokens/s")
    if verdict["first_token_s"] is not None:
        said.append(f"first token after {verdict['first_token_s']:.2f} s")
    said.append("streams" if verdict["streams"] else "does not stream")
    said.append(f"JSON by a schema: {verdict['schema']}")
    if verdict["memory_bytes"] is not None:
        said.append(f"takes {verdict['memory_bytes'] / GB:.2f} GB")
    said.append(f"opened in {verdict['opened_s']:.1f} s")
    wrote = f"{verdict['model'] or verdict['name']} wrote {verdict['tokens']} tokens:"
    return f"{verdict['name']} answers: {', '.join(said)}.\n{wrote}\n{verdict['text'].strip()}"


def _row(seen: Seen, registry: Registry) -> tuple[str, ...]:
    context = _context(seen)
    return (
        seen.model.name,
        seen.model.kind.value,
        seen.state,
        seen.size or "-",
        "-" if context is None else f"{context:,}",
        str(_concurrency(seen) or "-"),
        seen.model.goes_to,
        ", ".join(registry.purposes_of(seen.model.name)) or "-",
    )


def _context(seen: Seen) -> int | None:
    told = None if seen.facts is None else seen.facts.context_tokens
    return seen.model.context_tokens or told


def _concurrency(seen: Seen) -> int | None:
    """Of an endpoint; what a loaded model takes at once is its engine's affair."""
    return None if seen.model.kind in LOADED else seen.model.concurrency


def _size(seen: Seen) -> dict[str, Any]:
    assert seen.facts is not None
    return {
        "tier": tier(seen.facts).value,
        "parameters": seen.facts.parameters,
        "quantized": seen.facts.quantized or None,
        "fits_in": None if seen.fits is None else seen.fits.precision.value,
        "total_gb": {
            each.precision.value: round(each.total_gb, 3)
            for each in needs(seen.facts, seen.model.precision)
        },
    }


def _rules(registry: Registry) -> str:
    allowed = sorted(scope for scope, is_allowed in registry.rules.items() if is_allowed)
    forbidden = sorted(scope for scope, is_allowed in registry.rules.items() if not is_allowed)
    if not allowed:
        return "Code may go to remote models: of nobody (`gryph model allow-remote SCOPE`)."
    told = f"Code may go to remote models: of {', '.join(allowed)}"
    return f"{told}; not of {', '.join(forbidden)}." if forbidden else f"{told}."


def _goes(seen: Seen) -> str:
    goes = seen.model.goes_to
    return goes if goes.startswith("stays") else f"goes {goes}"
