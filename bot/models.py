"""`gryph model`: which models there are, what each is for, and whose code may go to remote ones."""

import argparse
import asyncio
import getpass
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from sqlmodel import Session

from bot.administration import Misused, changed, entry_of, require_tables, scope_of, with_database
from bot.console.plain import clean
from bot.model_reach import chosen, offered
from bot.model_states import budget_gb, facts_here, look
from bot.model_words import added, listed, rows_of, tested
from bot.settings import GatewaySettings
from storage import models, vault
from storage.audit import Entry
from storage.clock import utc_now
from storage.model_addresses import ANTHROPIC, BadModel, checked_hub_id, checked_url
from storage.model_sizes import largest_fitting, needs
from storage.models import LOADED, ModelKind, Precision, Purpose, RegisteredModel
from storage.vault import KeyRing

OK, FAILED, MISUSED = 0, 1, 2
TEST_TIMEOUT_S = 900.0
CONTEXT_TOKENS = {ModelKind.ANTHROPIC: 200_000, ModelKind.OPENAI: 8_192}
"""Of models whose endpoint does not tell; few read less."""
MOST_CONCURRENCY = 512
"""Each request under way takes a thread and a connection of the worker."""
_PURPOSES = tuple(purpose.value for purpose in Purpose if purpose is not Purpose.ALL)

Act = Callable[[argparse.Namespace, GatewaySettings], int]


def add_model(parser: argparse.ArgumentParser) -> None:
    """The arguments of `gryph model`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def action(name: str, act: Act, summary: str, *, named: bool = True) -> Any:
        # Without abbreviations: `--key sk-…` would be taken for the name of a file, and said.
        made = actions.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        made.set_defaults(act=act)
        if named:
            made.add_argument("name", metavar="NAME")
        return made

    _add_adding(action("add", _add, "register a model under a name"))
    listing = action("list", _list, "show every model and where code may go", named=False)
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    test = action("test", _test, "ask a model a tiny question and say what came")
    test.add_argument("--json", action="store_true", help="print one JSON object")
    test.add_argument(
        "--timeout", type=float, default=TEST_TIMEOUT_S, metavar="S", help="seconds (%(default)g)"
    )
    default = action("default", _default, "ask a model first")
    default.add_argument(
        "--for", dest="purpose", choices=_PURPOSES, help="only for this; else for everything"
    )
    action("enable", _enable, "have a model asked again")
    action("disable", _disable, "have a model not asked for now")
    _add_key(action("key", _key, "replace the key of a model's endpoint"))
    action("remove", _remove, "forget a model and its key")
    for name, act, summary in (
        (
            "allow-remote",
            _allow,
            "let code of a workspace, owner or repository go to remote models",
        ),
        ("forbid-remote", _forbid, "do not let it"),
    ):
        action(name, act, summary, named=False).add_argument(
            "scope", metavar="SCOPE", help="slack:TEAM, discord:SERVER, github:OWNER, or * for all"
        )


def _add_adding(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--local", metavar="DIR", help="a folder of weights on this machine")
    where.add_argument("--hub", metavar="ID", help="fetch it from the hub: owner/name[@revision]")
    where.add_argument("--openai", metavar="URL", help="an OpenAI-compatible endpoint, to its /v1")
    where.add_argument(
        "--anthropic", metavar="URL", nargs="?", const=ANTHROPIC, help="Anthropic's, or one like it"
    )
    parser.add_argument("--model", metavar="ID", help="as the endpoint calls it")
    _add_key(parser)
    parser.add_argument("--context", type=int, metavar="TOKENS", help="prompt and answer at most")
    parser.add_argument(
        "--concurrency",
        type=int,
        metavar="N",
        help=f"requests at the endpoint at one time, of each worker ({models.CONCURRENCY})",
    )
    parser.add_argument(
        "--precision", choices=list(Precision), default=Precision.AUTO, help="of loaded weights"
    )
    parser.add_argument("--memory", type=float, metavar="GB", help="what it may take on the card")
    parser.add_argument(
        "--on-premises", action="store_true", help="the endpoint stands in the house"
    )
    parser.add_argument("--unchecked", action="store_true", help="register it without looking")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key-file", metavar="FILE", help="holds the endpoint's key; - for standard input"
    )


def model(options: argparse.Namespace) -> int:
    """Run one action; returns the exit code."""
    act: Act = options.act
    try:
        return act(options, GatewaySettings())
    except (BadModel, Misused, ValueError) as error:
        print(f"gryph: {clean(str(error))}", file=sys.stderr)
        return MISUSED


def _add(options: argparse.Namespace, settings: GatewaySettings) -> int:
    require_tables(settings)  # before a key is asked for
    ring = _ring(settings)
    described = _described(options)
    key = _read_key(options, described.kind)
    if key is not None:
        described = replace(described, sealed_key=models.sealed(ring, described, key))
    if not options.unchecked:
        described = _checked(described, key, settings)
    if described.kind not in LOADED:
        described = _told(described)

    def work(session: Session) -> tuple[Entry, str]:
        models.add(session, described, utc_now())
        detail = {"kind": described.kind.value, "address": described.address}
        detail["goes"] = described.goes_to
        return _entry("model.add", described.name, **detail), ""

    changed(settings, work)
    seen = look(described, settings, ring)
    if options.json:
        print(json.dumps(rows_of([seen], models.Registry())[0], indent=2))
    else:
        print(clean(added(seen, budget_gb(described, settings))))
    return OK


def _described(options: argparse.Namespace) -> RegisteredModel:
    """The model as the arguments say. Raises BadModel."""
    if options.context is not None and options.context < 1:
        raise BadModel("--context is a number of tokens, at least 1.")
    if options.memory is not None and not options.memory > 0:
        raise BadModel("--memory is a number of GB, more than 0.")
    kind, address = _address(options)
    is_loaded = kind in LOADED
    if is_loaded and (options.model or options.on_premises or options.concurrency is not None):
        raise BadModel("--model, --concurrency and --on-premises are for endpoints.")
    if not is_loaded and (options.memory or options.precision != Precision.AUTO):
        raise BadModel("--memory and --precision are for models that are loaded here.")
    if kind is ModelKind.LOCAL and options.key_file:
        raise BadModel("A folder has no key.")
    return RegisteredModel(
        name=options.name,
        kind=kind,
        address=address,
        model=options.model,
        context_tokens=options.context,
        precision=Precision(options.precision),
        memory_gb=options.memory,
        concurrency=_concurrency(options),
        said_on_premises=options.on_premises,
    )


def _concurrency(options: argparse.Namespace) -> int:
    said: int | None = options.concurrency
    if said is None:
        return models.CONCURRENCY
    if not 1 <= said <= MOST_CONCURRENCY:
        raise BadModel(f"--concurrency is a number of requests, 1 to {MOST_CONCURRENCY}.")
    return said


def _address(options: argparse.Namespace) -> tuple[ModelKind, str]:
    if options.local is not None:
        return ModelKind.LOCAL, str(Path(options.local).expanduser().resolve())
    if options.hub is not None:
        return ModelKind.HUB, checked_hub_id(options.hub)
    kind = ModelKind.ANTHROPIC if options.anthropic is not None else ModelKind.OPENAI
    url = options.anthropic if options.anthropic is not None else options.openai
    return kind, checked_url(url, said_on_premises=options.on_premises)


def _checked(
    described: RegisteredModel, key: str | None, settings: GatewaySettings
) -> RegisteredModel:
    """With what a look at it tells. Raises BadModel where it cannot work."""
    if described.kind in LOADED:
        facts = facts_here(described, settings)
        budget = budget_gb(described, settings)
        if facts is not None and largest_fitting(facts, budget, described.precision) is None:
            least = needs(facts, described.precision)[-1]
            raise BadModel(
                f"It does not fit: {facts.quantized or least.precision} takes "
                f"{least.total_gb:.1f} GB, and there are {budget:g}. Take a smaller model or a "
                "smaller --precision, or set GRYPH_GPU_MEMORY_GB if the card has more."
            )
        return described
    found = chosen(described, asyncio.run(offered(described, key, settings)))
    if found is None:
        return described
    context = described.context_tokens or found.context_tokens
    return replace(described, model=found.model, context_tokens=context)


def _told(described: RegisteredModel) -> RegisteredModel:
    """An endpoint that can be asked. Raises BadModel."""
    if described.model is None:
        raise BadModel("Say which model of the endpoint is meant: --model ID.")
    context = described.context_tokens or CONTEXT_TOKENS[described.kind]
    return replace(described, context_tokens=context)


def _read_key(options: argparse.Namespace, kind: ModelKind) -> str | None:
    """From the file, or where one is needed from standard input; never from an argument."""
    if options.key_file not in (None, "-"):
        return Path(options.key_file).read_text().strip()
    if options.key_file is None and kind is not ModelKind.ANTHROPIC:
        return None
    return _asked_key()


def _asked_key() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Key: ").strip()
    return sys.stdin.read(models.LONGEST_KEY + 2).strip()


def _list(options: argparse.Namespace, settings: GatewaySettings) -> int:
    ring = _ring(settings)
    registry = with_database(settings, lambda database: database.read_now(models.registry))
    seen = [look(each, settings, ring) for each in registry.models]
    if options.json:
        found = {"models": rows_of(seen, registry), "remote": dict(registry.rules)}
        print(json.dumps(found, indent=2))
    else:
        print(clean(listed(seen, registry)))
    return OK


def _test(options: argparse.Namespace, settings: GatewaySettings) -> int:
    """In a process of its own: the command line loads no engine."""
    require_tables(settings)
    argv = [sys.executable, "-m", "jobs.models", "test", options.name]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            argv, capture_output=True, text=True, check=False, timeout=options.timeout
        )
    except subprocess.TimeoutExpired:
        print(f"gryph: no answer within {options.timeout:g} s", file=sys.stderr)
        return FAILED
    try:
        verdict = cast("dict[str, Any]", json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, IndexError):
        last = done.stderr.strip().splitlines()[-1:]
        print(f"gryph: the test gave no verdict: {clean(''.join(last))}", file=sys.stderr)
        return FAILED
    if options.json:
        print(json.dumps(verdict, indent=2))
    elif verdict["ok"]:
        print(clean(tested(verdict)))
    else:
        print(f"gryph: {clean(str(verdict['error']))}", file=sys.stderr)
    return OK if verdict["ok"] else FAILED


def _default(options: argparse.Namespace, settings: GatewaySettings) -> int:
    purpose = Purpose(options.purpose or Purpose.ALL)

    def work(session: Session) -> tuple[Entry, str]:
        models.set_default(session, options.name, purpose)
        what = "everything" if purpose is Purpose.ALL else purpose.value
        said = f"{options.name} is asked first for {what}."
        return _entry("model.default", options.name, purpose=purpose.value), said

    print(changed(settings, work))
    return OK


def _enable(options: argparse.Namespace, settings: GatewaySettings) -> int:
    return _switch(options.name, settings, is_enabled=True)


def _disable(options: argparse.Namespace, settings: GatewaySettings) -> int:
    return _switch(options.name, settings, is_enabled=False)


def _switch(name: str, settings: GatewaySettings, *, is_enabled: bool) -> int:
    def work(session: Session) -> tuple[Entry, str]:
        models.set_enabled(session, name, is_enabled=is_enabled)
        word = "enable" if is_enabled else "disable"
        return _entry(f"model.{word}", name), f"{name} is {word}d."

    print(changed(settings, work))
    return OK


def _key(options: argparse.Namespace, settings: GatewaySettings) -> int:
    ring = _ring(settings)
    registry = with_database(settings, lambda database: database.read_now(models.registry))
    found = registry.get(options.name)
    if found is None:
        raise BadModel(f"There is no model {options.name!r}; `gryph model list` shows them.")
    if found.kind is ModelKind.LOCAL:
        raise BadModel("A folder has no key.")
    key = _asked_key() if options.key_file is None else _read_key(options, found.kind)
    sealed = models.sealed(ring, found, key or "")

    def work(session: Session) -> tuple[Entry, str]:
        models.put_key(session, found.name, sealed)
        return _entry("model.key", found.name), f"{found.name} has the new key."

    print(changed(settings, work))
    return OK


def _remove(options: argparse.Namespace, settings: GatewaySettings) -> int:
    def work(session: Session) -> tuple[Entry, str]:
        models.remove(session, options.name)
        return _entry("model.remove", options.name), f"{options.name} is forgotten."

    print(changed(settings, work))
    return OK


def _allow(options: argparse.Namespace, settings: GatewaySettings) -> int:
    return _rule(options.scope, settings, is_allowed=True)


def _forbid(options: argparse.Namespace, settings: GatewaySettings) -> int:
    return _rule(options.scope, settings, is_allowed=False)


def _rule(scope: str, settings: GatewaySettings, *, is_allowed: bool) -> int:
    scope = scope_of(scope)

    def work(session: Session) -> tuple[Entry, str]:
        models.rule(session, scope, utc_now(), is_allowed=is_allowed)
        word, may = ("allow", "may") if is_allowed else ("forbid", "may not")
        whose = (
            "Code of every place without a rule of its own" if scope == "*" else f"{scope}: code"
        )
        return entry_of(f"model.{word}-remote", scope), f"{whose} {may} go to remote models."

    print(changed(settings, work))
    return OK


def _entry(action: str, name: str, **detail: str) -> Entry:
    return entry_of(action, f"model:{name}", **detail)


def _ring(settings: GatewaySettings) -> KeyRing:
    """The one that workers have too."""
    return vault.checkout_keys(settings.home, settings.checkout_key)
