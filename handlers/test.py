"""`test`: write tests for a file, function or class, run them, and show what they cover."""

from fnmatch import fnmatchcase
from typing import Literal

from handlers import (
    Call,
    Command,
    Context,
    Effect,
    Option,
    Outcome,
    Permission,
    RepositoryWishes,
    Takes,
    Tier,
    UserError,
)
from handlers.targets import path_of, source_of
from jobs.requests import Source, TestCode
from storage import wishes

DEFAULT_BUDGET_S = 8.0
DEFAULT_SEED = 1
LONGEST_BUDGET_S = 120.0
LONGEST_SEED = 9
"""Digits."""


async def run(context: Context, call: Call) -> Outcome:
    """Ask for the job."""
    target = call.targets[0]
    source = source_of(context, target)
    path = _relative(path_of(call, target), source)
    if not path.endswith(".py"):
        raise UserError(f"`{path}` is not a Python file; `test` knows Python (`.py`) only so far.")
    wished = await context.wished(source.repository)
    _not_ignored(path, wished)
    budget, seed = call.options.get("budget"), call.options.get("seed")
    return TestCode(
        source=source,
        path=path,
        symbol=target.symbol,
        lines=target.lines,
        style=await _style(context, call, wished),
        cpu_s=(wished.budget_s or DEFAULT_BUDGET_S) if budget is None else _budget_s(budget),
        seed=_default_seed(wished) if seed is None else _seed(seed),
        notes=wished.complaints,
    )


def _not_ignored(path: str, wished: RepositoryWishes) -> None:
    pattern = next((each for each in wished.ignore if fnmatchcase(path, each)), None)
    if pattern is not None:
        raise UserError(
            f"`{path}` is among the files that this repository's `.gryph.toml` has me leave alone "
            "(`paths.ignore`)."
        )


def _default_seed(wished: RepositoryWishes) -> int:
    return DEFAULT_SEED if wished.seed is None else wished.seed


def _relative(path: str, source: Source) -> str:
    """A console user may paste the absolute path of a file in the folder they speak from."""
    root = source.repository.removeprefix("local:").strip("/")
    inside = source.repository.startswith("local:") and path.startswith(f"{root}/")
    return path.removeprefix(f"{root}/") if inside else path


async def _style(
    context: Context, call: Call, wished: RepositoryWishes
) -> Literal["pytest", "unittest"]:
    """As the message says, else the person, else the repository."""
    chosen = call.options.get("style")
    if chosen is None:
        scope = f"person:{context.person}"
        own = await context.database.read(lambda s: wishes.get(s, scope, "style"))
        chosen = own or wished.style
    return "unittest" if chosen == "unittest" else "pytest"


def _budget_s(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= LONGEST_BUDGET_S:
        raise UserError(
            f"`budget={text}`: give CPU seconds from 1 to {LONGEST_BUDGET_S:.0f}, "
            "for example `budget=20s`."
        )
    return seconds


def _seed(text: str) -> int:
    if not text.isdecimal() or len(text) > LONGEST_SEED:
        raise UserError(f"`seed={text}`: give a whole number, for example `seed=7`.")
    return int(text)


COMMAND = Command(
    verb="test",
    summary="Write tests for a Python file, class or function, run them, and show the coverage",
    takes=Takes.TARGET,
    permission=Permission(Tier.WRITE, Effect.RUN_CODE, author_may=True),
    examples=(
        "test src/parser.py",
        "test src/parser.py::Parser.parse",
        "test src/parser.py#L10-40 style=unittest",
    ),
    run=run,
    options=(
        Option("style", "How the tests are written.", choices=("pytest", "unittest")),
        Option("budget", "CPU seconds to search, 1 to 120.", default="8s"),
        Option("seed", "The same seed gives the same tests.", default="1"),
    ),
    details=(
        "The code is read, then run in a sandbox without network on typed and mined inputs. What "
        "comes back has passed in fresh processes; calls that crash are listed as possible bugs, "
        "not hidden in a test. **Apply** puts the file into the repository: as a pull request on "
        "GitHub, as a file on your own machine."
    ),
)
