"""The `gryph` command.

Exit codes of `ask`: 0 succeeded, 1 a job failed or was cancelled, 2 the command was refused (a
mistake in it, no permission, a rate limit) or the command line makes no sense, 3 no gateway,
4 no answer in time, 130 interrupted.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from bot import models, upkeep
from bot.auth import DEFAULT_TTL_S, ApiKeys, KeysUnreadable, Role, token_id
from bot.console.ask import Answered, Question, TookTooLong, artifacts, as_json, ask, report, save
from bot.console.client import GatewayClient, NoGateway, Refused, bearer, gateway_url
from bot.console.live import LiveThread
from bot.console.plain import clean
from bot.console.render import Screen
from bot.console.settings import ClientSettings
from bot.settings import GatewaySettings, MissingSetting

OK, FAILED, MISUSED, NO_GATEWAY, TOO_LATE, INTERRUPTED = 0, 1, 2, 3, 4, 130
DEFAULT_TIMEOUT_S = 1800.0
_NARROW = 20
_SPAN_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (KeysUnreadable, MissingSetting, ValidationError, OSError) as error:
        print(f"gryph: {clean(str(error))}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gryph", description="GRYPHGEN Agentic.")
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)
    add = partial(_add, verbs)

    up = add("up", _up, "run the whole stack on this machine until Ctrl-C")
    up.add_argument("--workers", type=int, default=1, choices=range(1, 65), metavar="N")
    add("gateway", _gateway, "run the gateway alone")
    worker = add("worker", _worker, "run a worker alone")
    worker.add_argument(
        "--check", action="store_true", help="ask the one at GRYPH_WORKER_LISTEN how it is"
    )
    add("migrate", _migrate, "bring the database's tables up to date")

    asks = add("ask", _ask, 'post one command and follow its thread: gryph ask "help"')
    asks.add_argument("text", help='the command, like "test src/a.py"')
    _add_asking(asks)
    asks.add_argument("--json", action="store_true", help="print one JSON object at the end")
    asks.add_argument("--save", type=Path, metavar="DIR", help="download the files into DIR")
    chat = add("chat", _chat, "ask again and again in one conversation")
    _add_asking(chat)

    doctor = add("doctor", _doctor, "say what is configured, reachable and missing")
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    lint = add("lint", _lint, "say what is wrong with a repository's .gryph.toml")
    lint.add_argument("path", nargs="?", type=Path, default=Path(), help="the file or its folder")
    _add_token(add("token", _token, "mint a token for an API client, or revoke one"))
    _add_role(add("role", _role, "say what a person may do, in one workspace or everywhere"))
    models.add_model(add("model", models.model, "say which models there are and what each is for"))
    manifest = add("manifest", _manifest, "print a platform's app manifest")
    manifest.add_argument("platform", choices=["slack"])
    upkeep.add_backup(add("backup", upkeep.backup, "keep everything in one file, and try it"))
    upkeep.add_restore(add("restore", upkeep.restore_here, "fill an empty home from a backup"))
    upkeep.add_keys(add("keys", upkeep.keys, "seal the secrets at rest with a new key"))
    log = add("audit", _audit, "check the audit log")
    log.add_argument("action", choices=["verify"])
    log.add_argument(
        "--anchors", type=Path, metavar="FILE", help="also compare with a copy kept elsewhere"
    )
    return parser


def _add(
    verbs: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary)
    parser.set_defaults(run=run)
    return parser


def _add_asking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repo",
        metavar="DIR|OWNER/NAME",
        help="the repository meant when the command names none; a folder wins over a name",
    )
    parser.add_argument("--conversation", metavar="ID", help="go on with this conversation")
    parser.add_argument(
        "--timeout",
        type=float,
        default=DEFAULT_TIMEOUT_S,
        metavar="S",
        help="seconds to wait for the answer (%(default)g)",
    )


def _add_token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=["mint", "revoke"], default="mint")
    parser.add_argument("token", nargs="?", metavar="ID", help="revoke: the token or its id")
    parser.add_argument("--name", help="mint: who will hold it")
    parser.add_argument("--role", choices=list(Role), default=Role.READER)
    parser.add_argument(
        "--ttl", type=_span_s, default=DEFAULT_TTL_S, help="how long it is valid: 30m, 8h, 90d"
    )
    parser.add_argument(
        "--rotate", action="store_true", help="first make a new key; older tokens stay valid"
    )
    parser.add_argument(
        "--retire",
        action="store_true",
        help="remove every older key, and with it all tokens it signed",
    )


def _add_role(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["grant", "revoke", "list"])
    parser.add_argument(
        "person", nargs="?", help="a number from `gryph role list`, or an account: github:583231"
    )
    parser.add_argument("role", nargs="?", choices=list(Role))
    parser.add_argument(
        "--workspace",
        metavar="W",
        help="slack:TEAM, discord:SERVER, github:OWNER, github:OWNER/NAME, console:local, or *",
    )


def _span_s(text: str) -> int:
    """A span like "90d" in seconds."""
    found = re.fullmatch(r"(\d{1,9})([smhd]?)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"not a span of time: {text!r} (30m, 8h, 90d)")
    return int(found[1]) * _SPAN_S[found[2]]


# What runs the parts is imported only when it is asked for: `gryph ask` answers at once, and the
# command line never loads a worker's engines.


def _up(options: argparse.Namespace) -> int:
    supervisor = import_module("bot.supervisor")
    import_module("storage.logs").set_up_logging()
    try:
        asyncio.run(supervisor.up(GatewaySettings(), workers=options.workers))
    except supervisor.AlreadyRunning as error:
        print(f"gryph: {error}", file=sys.stderr)
        return FAILED
    return OK


def _gateway(options: argparse.Namespace) -> int:
    del options
    import_module("storage.logs").set_up_logging()
    asyncio.run(import_module("bot.app").serve(GatewaySettings()))
    return OK


def _worker(options: argparse.Namespace) -> int:
    if options.check:
        return int(import_module("bot.console.probe").check())
    sys.stdout.flush()
    argv = [sys.executable, "-m", "jobs.worker"]
    return os.execv(sys.executable, argv)  # noqa: S606 - the worker takes this process' place


def _migrate(options: argparse.Namespace) -> int:
    del options
    settings = GatewaySettings()
    import_module("storage.files").private_folder(settings.home)
    import_module("storage.migrations.run").upgrade(settings.sql_url)
    print("The database is up to date.")
    return OK


def _manifest(options: argparse.Namespace) -> int:
    manifest = import_module(f"bot.{options.platform}.manifest").manifest
    made = manifest(import_module("bot.commands").COMMANDS, GatewaySettings().public_url)
    print(json.dumps(made, indent=2))
    return OK


def _lint(options: argparse.Namespace) -> int:
    document = import_module("bot.wishes.document")
    path = options.path / document.NAME if options.path.is_dir() else options.path
    with path.open("rb") as file:
        complaints = document.read(file.read(document.LARGEST_BYTES + 1)).complaints
    for complaint in complaints:
        print(clean(complaint))
    if not complaints:
        print(f"{clean(str(path))}: nothing is wrong with it.")
    return FAILED if complaints else OK


def _token(options: argparse.Namespace) -> int:
    administration = import_module("bot.administration")
    settings = GatewaySettings()
    keys = ApiKeys(settings.home)
    try:
        if options.action == "revoke":
            print(administration.refuse_token(settings, _needed(options.token, "ID")))
            return OK
        name = _needed(options.name, "--name")
        if options.rotate:
            print(f"Key {keys.rotate()} signs from now on.", file=sys.stderr)
        if options.retire:
            print(f"Keys removed: {keys.retire()}.", file=sys.stderr)
            administration.forget_tokens(settings)
        token = keys.mint(name, Role(options.role), ttl_s=options.ttl)
        print(f"Its id, for `gryph token revoke`: {token_id(token)}", file=sys.stderr)
        print(token)
    except (ValueError, administration.Misused) as error:
        print(f"gryph: {error}", file=sys.stderr)
        return MISUSED
    return OK


def _role(options: argparse.Namespace) -> int:
    administration = import_module("bot.administration")
    settings = GatewaySettings()
    try:
        if options.action == "list":
            print(clean(administration.roles(settings, options.person)))
            return OK
        person = _needed(options.person, "PERSON")
        workspace = _needed(options.workspace, "--workspace")
        if options.action == "grant":
            role = Role(_needed(options.role, "ROLE"))
            print(clean(administration.grant(settings, person, role, workspace)))
        else:
            print(clean(administration.revoke(settings, person, workspace)))
    except (ValueError, administration.Misused) as error:
        print(f"gryph: {clean(str(error))}", file=sys.stderr)
        return MISUSED
    return OK


def _needed(given: str | None, what: str) -> str:
    if given is None:
        raise ValueError(f"{what} is missing; `--help` shows the form.")
    return given


def _audit(options: argparse.Namespace) -> int:
    found = import_module("bot.auditing").examine(GatewaySettings(), options.anchors)
    verdict = found.verdict
    for trouble in found.troubles:
        print(f"BROKEN: {clean(trouble)}.")
    if found.troubles:
        return FAILED
    anchored = f"{found.anchors} anchors agree"
    print(f"{verdict.rows} lines, unbroken; {anchored}. Head: {verdict.head}")
    return OK


def _doctor(options: argparse.Namespace) -> int:
    return asyncio.run(_examine(as_json_object=options.json))


async def _examine(*, as_json_object: bool) -> int:
    doctor = import_module("bot.console.doctor")
    ink = _screen(lambda artifact: artifact).ink
    found: list[Any] = []
    async for check in doctor.examine(GatewaySettings()):
        found.append(check)
        if not as_json_object:
            print(doctor.row(check, ink), flush=True)
    if as_json_object:
        print(json.dumps(doctor.diagnosis(found), indent=2))
    return OK if doctor.is_healthy(found) else FAILED


def _ask(options: argparse.Namespace) -> int:
    try:
        return asyncio.run(_ask_once(options, options.text, options.conversation))[0]
    except (NoGateway, Refused) as error:
        return _complain(error)
    except KeyboardInterrupt:
        print('\nStopped listening; the job goes on. `gryph ask "status"`', file=sys.stderr)
        return INTERRUPTED


def _chat(options: argparse.Namespace) -> int:
    with suppress(ImportError):
        import_module("readline")  # editing and history for input()
    conversation = options.conversation
    options.json, options.save = False, None
    print('Type a command ("help" tells which), Ctrl-D to leave.')
    while True:
        try:
            text = input("gryph> ").strip()
            if text:
                _, conversation = asyncio.run(_ask_once(options, text, conversation))
        except EOFError:
            print()
            return OK
        except Refused as error:
            _complain(error)
        except NoGateway as error:
            return _complain(error)
        except KeyboardInterrupt:
            print('\nStopped listening; a job goes on. "status" shows it, Ctrl-D leaves.')


def _complain(error: NoGateway | Refused) -> int:
    print(f"gryph: {clean(str(error))}", file=sys.stderr)
    return NO_GATEWAY if isinstance(error, NoGateway) else MISUSED


async def _ask_once(
    options: argparse.Namespace, text: str, conversation: str | None
) -> tuple[int, str | None]:
    """Ask and show; the exit code, and the conversation it was said in."""
    settings = ClientSettings()
    local = settings.gateway_url is None
    async with httpx.AsyncClient(trust_env=not local) as http:
        client = GatewayClient(http, partial(gateway_url, settings), partial(bearer, settings))
        live = None if options.json else _live(client)
        question = Question(text, options.timeout, conversation, _repository(options.repo))
        try:
            answered = await ask(client, question, live)
            code = answered.heard.exit_code
        except TookTooLong as late:
            answered, code = late.answered, TOO_LATE
            print(f"gryph: {late}", file=sys.stderr)
        await _hand_over(client, answered, options)
    return code, answered.receipt.conversation


async def _hand_over(
    client: GatewayClient, answered: Answered, options: argparse.Namespace
) -> None:
    """Write the outcome and the files where the person wants them."""
    if options.json:
        print(as_json(report(client, answered)))
    if options.save is not None and artifacts(answered.heard):
        for path in await save(client, answered.heard, options.save):
            print(f"saved {path}", file=sys.stderr)


def _repository(given: str | None) -> str | None:
    """A folder as an absolute path; anything else as it was typed."""
    if given is None:
        return None
    folder = Path(given).expanduser()
    is_path = given.startswith(("/", ".", "~"))
    return str(folder.resolve()) if is_path or folder.is_dir() else given


def _live(client: GatewayClient) -> LiveThread:
    return LiveThread(sys.stdout, _screen(client.artifact_url), in_place=sys.stdout.isatty())


def _screen(link: Callable[[Any], str]) -> Screen:
    size = shutil.get_terminal_size()
    width = max(size.columns, _NARROW)
    return Screen(link, width, size.lines, coloured=sys.stdout.isatty())


if __name__ == "__main__":
    sys.exit(main())
