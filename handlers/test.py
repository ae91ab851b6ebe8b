"""`test`: write tests for a file, function or class, run them, and show what they cover."""

from typing import Literal

from handlers import (
    Call,
    Command,
    Context,
    Effect,
    Option,
    Outcome,
    Permission,
    Takes,
    Tier,
    UserError,
)
from handlers.targets import path_of, source_of
from jobs.requests import Source, TestCode
from storage import wishes

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
    return TestCode(
        source=source,
        path=path,
        symbol=target.symbol,
        lines=target.lines,
        style=await _style(context, call),
        cpu_s=_budget_s(call.options.get("budget")),
        seed=_seed(call.options.get("seed")),
    )


def _relative(path: str, source: Source) -> str:
    """A console user may paste the absolute path of a file in the folder they speak from."""
    root = source.repository.removeprefix("local:").strip("/")
    inside = source.repository.startswith("local:") and path.startswith(f"{root}/")
    return path.removeprefix(f"{root}/") if inside else path


async def _style(context: Context, call: Call) -> Literal["pytest", "unittest"]:
    chosen = call.options.get("style")
    if chosen is None:
        scope = f"person:{context.person}"
        chosen = await context.database.read(lambda s: wishes.get(s, scope, "style"))
    return "unittest" if chosen == "unittest" else "pytest"


def _budget_s(text: str | None) -> float:
    if text is None:
        return 8.0
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


def _seed(text: str | None) -> int:
    if text is None:
        return 1
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
