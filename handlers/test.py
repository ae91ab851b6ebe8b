"""`test`: write tests for code, or show what a change changes in how the code behaves."""

from pathlib import PurePosixPath
from typing import Literal

from handlers import (
    Call,
    Command,
    Context,
    Effect,
    Option,
    Outcome,
    Permission,
    PullRequest,
    RepositoryWishes,
    Takes,
    Target,
    Tier,
    UserError,
)
from handlers.effort import budget_s, seed
from handlers.targets import (
    not_ignored,
    own_ref,
    path_of,
    pull_meant,
    relative_to,
    source_of,
    source_of_pull,
)
from jobs.requests import ANY_MODEL, Source, TestChanges, TestCode
from storage import wishes

DEFAULT_BUDGET_S = 8.0
DEFAULT_CHANGES_BUDGET_S = 10.0
DEFAULT_SEED = 1
LONGEST_BUDGET_S = 120.0
SUFFIXES = (".py", ".java", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
"""Of files that tests can be written for."""


async def run(context: Context, call: Call) -> Outcome:
    """Ask for the job."""
    target = call.targets[0] if call.targets else Target()
    if "base" in call.options or (target.path is None and _is_change(context, target)):
        return await _changes(context, call, target)
    return await _tests(context, call, target)


def _is_change(context: Context, target: Target) -> bool:
    """Whether a target without a path means a pull request."""
    in_pull = context.standing.pull is not None and target.ref is None
    return target.number is not None or in_pull


async def _tests(context: Context, call: Call, target: Target) -> TestCode:
    path = _path(call, target)
    source = source_of(context, target)
    path = relative_to(path, source)
    wished = await context.wished(source.repository)
    not_ignored(path, wished)
    place = context.invocation.place
    return TestCode(
        source=source,
        path=path,
        symbol=target.symbol,
        lines=target.lines,
        ignore=wished.ignore,
        style=await _style(context, call, wished),
        properties=_properties(call, path),
        cpu_s=_budget_s(call, wished, DEFAULT_BUDGET_S),
        seed=seed(call, _default_seed(wished)),
        notes=wished.complaints,
        model=_model(call, path),
        workspace=f"{place.platform}:{place.workspace}",
    )


async def _changes(context: Context, call: Call, target: Target) -> TestChanges:
    _only_whole_files(call, target)
    pull = await pull_meant(context, target)
    base = call.options.get("base") or (pull.base_ref if pull else None)
    if base is None:
        raise UserError(
            f"Compare with what? Name a branch or a commit: `/gryph {call.line} base=main`."
        )
    if pull is not None and target.number is not None:
        source = source_of_pull(pull)
    else:
        source = source_of(context, target)
    path = relative_to(_path(call, target), source) if target.path else None
    wished = await context.wished(source.repository)
    if path is not None:
        not_ignored(path, wished)
    return TestChanges(
        source=source,
        base=Source(repository=source.repository, ref=own_ref(base)),
        base_name=base,
        path=path,
        ignore=wished.ignore,
        cpu_s=_budget_s(call, wished, DEFAULT_CHANGES_BUDGET_S),
        seed=seed(call, _default_seed(wished)),
        notes=wished.complaints,
    )


def comparison(pull: PullRequest, wished: RepositoryWishes) -> TestChanges:
    """What a whole pull request changes, as its repository wishes to see it."""
    return TestChanges(
        source=source_of_pull(pull),
        base=Source(repository=pull.base_repository, ref=pull.base_ref),
        base_name=pull.base_ref,
        ignore=wished.ignore,
        cpu_s=wished.budget_s or DEFAULT_CHANGES_BUDGET_S,
        seed=_default_seed(wished),
        notes=wished.complaints,
    )


def _default_seed(wished: RepositoryWishes) -> int:
    return DEFAULT_SEED if wished.seed is None else wished.seed


def _only_whole_files(call: Call, target: Target) -> None:
    if target.symbol is not None or target.lines is not None:
        raise UserError("Whole files are compared: leave the function or lines out.")
    for name in ("style", "properties", "model"):
        if name in call.options:
            raise UserError(f"`{name}` is how tests are written, and a comparison writes none.")


def _path(call: Call, target: Target) -> str:
    path = path_of(call, target)
    suffix = PurePosixPath(path).suffix
    if suffix in SUFFIXES:
        return path
    if suffix and not (target.path or "").endswith("/"):
        raise UserError(
            f"`{path}` is in no language that `test` knows: Python (`.py`), JavaScript (`.js`, "
            "`.mjs`, `.cjs`), TypeScript (`.ts`) and Java (`.java`)."
        )
    if target.symbol is not None or target.lines is not None:
        raise UserError(f"`{path}` is no file: name the one that holds what you mean.")
    return path


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


def _properties(call: Call, path: str) -> bool | None:
    chosen = call.options.get("properties")
    if chosen is not None and PurePosixPath(path).suffix not in {"", ".py"}:
        raise UserError("`properties` are tests for Hypothesis, which is for Python.")
    return None if chosen is None else chosen == "yes"


def _model(call: Call, path: str) -> str | None:
    chosen = call.options.get("model")
    if chosen is not None and PurePosixPath(path).suffix not in {"", ".py"}:
        raise UserError("`model` is asked for tests of Python only.")
    return chosen


def _budget_s(call: Call, wished: RepositoryWishes, default_s: float) -> float:
    return budget_s(call, wished.budget_s or default_s, LONGEST_BUDGET_S)


COMMAND = Command(
    verb="test",
    summary="Write tests for code, or show what a pull request changes in how it behaves",
    takes=Takes.OPTIONAL_TARGET,
    permission=Permission(Tier.WRITE, Effect.RUN_CODE, author_may=True),
    examples=(
        "test src/parser.py",
        "test src/parser.py::Parser.parse",
        "test src/parser.py#L10-40 style=unittest",
        "test src/",
        "test #12",
        "test base=main",
    ),
    run=run,
    options=(
        Option("style", "How the tests are written.", choices=("pytest", "unittest")),
        Option(
            "properties",
            "Whether laws that hold become Hypothesis tests; if not said, where the repository "
            "uses Hypothesis.",
            choices=("yes", "no"),
        ),
        Option("base", "Compare with where the code parted from this branch or commit."),
        Option("budget", "CPU seconds in all, 1 to 120.", default="8s"),
        Option("seed", "The same seed gives the same tests.", default="1"),
        Option(
            "model",
            "The model to ask for tests of what the search did not reach, of those that "
            f"`gryph model list` shows, or `{ANY_MODEL}`; if not said, none is asked.",
        ),
    ),
    details=(
        "The code is read, then run in a sandbox without network on typed and mined inputs. What "
        "comes back has passed in fresh processes; calls that crash are listed as possible bugs, "
        "not hidden in a test. **Apply** puts the file into the repository: as a pull request on "
        "GitHub, as a file on your own machine. Of a folder the modules that nothing tests yet "
        "and that have most to test come first, a file of tests for each. Besides Python, "
        "JavaScript and TypeScript (for Jest) and Java (for JUnit 5) are known; what is missing "
        "for them on the worker's machine is told.\n\n"
        f"With `model={ANY_MODEL}` (Python) a model is shown up to three functions that the search "
        "left with lines or branches that no test runs, and asked for tests that do. Each of them "
        "has to pass as the others do, in the sandbox, several times, and to reach something new; "
        "the answer tells which are the model's, and what was dropped and why. What a model "
        "writes is not the same every time, whatever the seed.\n\n"
        "Of a pull request (`test #12`, its address, or just `test` in it) the code before and "
        "after are run on the same inputs and the tests that are there, and what came out "
        "differently is told function by function, on the lines it belongs to. `base=main` does "
        "the same for any branch, and for a folder of your own machine as it lies there."
    ),
)
