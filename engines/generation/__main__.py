"""`python -m engines.generation "WISH"`: the engine without the bot.

The model is a folder with weights, the address of an OpenAI-compatible server, or a JSON file with
a list of answers. Nothing of the checkout is changed; `--out` writes the files elsewhere.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from engines.generation.engine import generate
from engines.generation.ground import Ground, find_tools
from engines.generation.originals import NotText, Originals
from engines.generation.paths import UnsafePath, safe_path
from engines.generation.targets import whole
from engines.generation.tasks import CannotGenerate, Excerpt, Kind, Limits, Result, Task
from engines.generation.types import Backend, ModelUnavailable, RequestRefused
from engines.sandbox.sandbox import find_sandbox
from engines.sandbox.types import NoIsolation


class Progress:
    """A watch that writes to standard error."""

    def report(self, text: str, done: float | None = None) -> None:
        """One line per report."""
        del done
        print(text, file=sys.stderr)

    def draft(self, text: str) -> None:
        """Shown at the end, whole."""

    def phase(self, name: str) -> None:
        """Measure nothing."""

    def stop_requested(self) -> bool:
        """Never; Ctrl-C ends the program."""
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 for a verified result, 2 for an unverified one, 1 for none."""
    given = _parser().parse_args(arguments)
    try:
        backend = open_model(given.model, given.model_name, given.key_file)
        try:
            result = generate(_task(given), backend, _ground(), _limits(given), Progress())
        finally:
            backend.close()
    except (CannotGenerate, ModelUnavailable, RequestRefused) as problem:
        print(problem, file=sys.stderr)
        return 1
    _write(result, given)
    return 0 if result.verified else 2


def open_model(model: str, name: str, key_file: Path | None) -> Backend:
    """The backend that an argument names; each is imported only where it is wanted.

    Raises:
        CannotGenerate: It names nothing.
        ModelUnavailable: It cannot be had.
    """
    if model.startswith(("http://", "https://")):
        from engines.generation.remote.backend import RemoteModel  # noqa: PLC0415 - httpx
        from engines.generation.remote.endpoint import BadEndpoint, Endpoint  # noqa: PLC0415

        key = key_file.read_text().strip() if key_file else ""
        try:
            return RemoteModel(Endpoint(name or "remote", model, name, key=key))
        except BadEndpoint as problem:
            raise CannotGenerate(f"{problem}") from problem
    path = Path(model)
    if path.suffix == ".json" and path.is_file():
        from engines.generation.scripted import ScriptedModel  # noqa: PLC0415 - only for trials

        return ScriptedModel([str(one) for one in json.loads(path.read_text())])
    if path.is_dir():
        from engines.generation.batching.local import LocalModel  # noqa: PLC0415 - torch
        from engines.generation.batching.settings import LocalSettings  # noqa: PLC0415

        return LocalModel(LocalSettings(name or path.name, str(path)))
    raise CannotGenerate(
        f"`{model}` is no folder, no address that begins with http:// or https://, and no JSON "
        "file of answers."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engines.generation", description=__doc__)
    parser.add_argument("wish", nargs="?", default="", help="what to write, fix or change")
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout; default: here")
    parser.add_argument("--path", help="the file it is about, relative to --root")
    parser.add_argument("--symbol", help="the function or class in it: Stack.push")
    parser.add_argument("--lang", default="python")
    parser.add_argument("--tests", action="store_true", help="have tests written, too")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--fix", type=Path, metavar="FILE", help="what fails; - for stdin")
    kind.add_argument("--refactor", action="store_true", help="keep what it does")
    parser.add_argument("--run", action="append", default=[], metavar="TEST", help="a test to run")
    parser.add_argument("--context", action="append", default=[], metavar="FILE", help="to show")
    parser.add_argument("--model", required=True, metavar="FOLDER|URL|JSON")
    parser.add_argument("--model-name", default="", help="as the server calls it")
    parser.add_argument("--key-file", type=Path, help="a file with the server's key")
    defaults = Limits()
    parser.add_argument("--max-tokens", type=int, default=defaults.max_tokens)
    parser.add_argument("--repairs", type=int, default=defaults.repairs)
    parser.add_argument("--candidates", type=int, default=defaults.candidates)
    parser.add_argument("--cpu-seconds", type=float, default=defaults.cpu_s, help="for checks")
    parser.add_argument("--deadline", type=float, default=defaults.deadline_s, metavar="SECONDS")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the files here")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here")
    return parser


def _task(given: argparse.Namespace) -> Task:
    kind = Kind.REFACTOR if given.refactor else Kind.FIX if given.fix else Kind.WRITE
    failing = None
    if given.fix:
        failing = sys.stdin.read() if str(given.fix) == "-" else given.fix.read_text()
    root = given.root.resolve()
    return Task(
        kind,
        given.wish or f"{kind} it",
        root,
        given.lang,
        given.path,
        given.symbol,
        tuple(_excerpt(root, one) for one in given.context),
        failing=failing,
        tests=tuple(given.run),
        with_tests=given.tests,
    )


def _excerpt(root: Path, path: str) -> Excerpt:
    try:
        text = Originals(root).text(safe_path(root, path))
    except (UnsafePath, NotText) as problem:
        raise CannotGenerate(f"{problem}.") from problem
    if text is None:
        raise CannotGenerate(f"There is no file `{path}`.")
    return whole(path, text)


def _ground() -> Ground:
    try:
        return Ground(find_sandbox(), find_tools())
    except NoIsolation as problem:
        return Ground(None, find_tools(), no_sandbox_because=str(problem))


def _limits(given: argparse.Namespace) -> Limits:
    return Limits(
        max_tokens=given.max_tokens,
        repairs=given.repairs,
        candidates=given.candidates,
        cpu_s=given.cpu_seconds,
        deadline_s=given.deadline,
    )


def _write(result: Result, given: argparse.Namespace) -> None:
    if given.out:
        for one in result.files:
            target = given.out / one.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(one.content, encoding="utf-8", newline="")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(dataclasses.asdict(result), indent=2) + "\n")
    if not given.out and not given.json:
        print("".join(one.diff for one in result.files))
    for check in result.checks:
        print(f"{check.outcome:8}{check.name}{f': {check.detail}' if check.detail else ''}")
    print("verified" if result.verified else f"unverified: {result.unverified_because}")
    for note in (*result.notes, *(f"not shown to the model: {one}" for one in result.left_out)):
        print(f"note: {note}")
    print(f"{result.model}, {result.rounds} repairs, {result.seconds:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
