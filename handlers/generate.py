"""`generate`: have a model write, fix or change code, and check what it wrote."""

from dataclasses import dataclass
from typing import Literal

from handlers import (
    Call,
    Command,
    Context,
    Effect,
    Option,
    Outcome,
    Permission,
    Platform,
    Takes,
    Target,
    Tier,
    UserError,
)
from handlers.jobs_in_reach import job_meant
from handlers.targets import not_ignored, path_of, source_of
from jobs.requests import FIX_WHAT, GenerateCode, request_adapter
from storage.clock import utc_now
from storage.ids import JobId, as_job_id
from storage.states import JobState
from storage.threads import latest_in_thread

_EXAMPLE = '`/gryph generate "a function that parses ISO 8601 durations" in=src/durations.py`'
_CHATS = (Platform.SLACK, Platform.DISCORD)


@dataclass(frozen=True)
class _Asked:
    """What the words of the line say."""

    task: Literal["write", "fix", "refactor"]
    wish: str
    target: Target


async def run(context: Context, call: Call) -> Outcome:
    """Ask for the job."""
    asked = _asked(context, call)
    follows = await _followed(context, call)
    earlier = await _request_of(context, follows)
    source = earlier.source if earlier and _names_no_code(asked) else None
    source = source or source_of(context, asked.target)
    wished = await context.wished(source.repository)
    path = path_of(call, asked.target) if asked.target.path else None
    if path is not None:
        not_ignored(path, wished)
    snippets = context.snippets()
    if asked.task == "fix" and not (asked.wish or snippets or path or _may_be_meant(context)):
        raise UserError(FIX_WHAT)
    place = context.invocation.place
    return GenerateCode(
        source=source,
        task=asked.task,
        wish=asked.wish,
        workspace=f"{place.platform}:{place.workspace}",
        language=call.options.get("lang"),
        path=path,
        symbol=asked.target.symbol,
        lines=asked.target.lines,
        snippets=snippets,
        tests="tests" in call.flags,
        model=call.options.get("model"),
        follows=follows,
        ignore=wished.ignore,
        notes=wished.complaints,
    )


def _asked(context: Context, call: Call) -> _Asked:
    words = call.words
    place = call.options.get("in")
    target = context.read_target(place) if place else Target()
    if words[:1] == ("fix",):
        return _Asked("fix", _wish(words[1:]), target)
    if words[:1] == ("refactor",):
        return _refactoring(context, call, target)
    if "goal" in call.options:
        raise UserError("`goal` belongs to a refactoring: `generate refactor src/a.py goal=…`.")
    wish = _wish(words)
    if not wish:
        raise UserError(f"Generate what? For example {_EXAMPLE}.")
    return _Asked("write", wish, target)


def _refactoring(context: Context, call: Call, target: Target) -> _Asked:
    rest = call.words[1:]
    if target.path is None and rest:
        target, rest = context.read_target(rest[0]), rest[1:]
    goal = " ".join((call.options.get("goal", ""), _wish(rest))).strip()
    if target.path is None:
        raise UserError('Refactor which file? `generate refactor src/a.py goal="no globals"`.')
    if not goal:
        raise UserError(f'To what end? Add it: `/gryph {call.line} goal="smaller functions"`.')
    return _Asked("refactor", goal, target)


def _wish(words: tuple[str, ...]) -> str:
    return " ".join(words).strip()


def _names_no_code(asked: _Asked) -> bool:
    return asked.target == Target()


def _may_be_meant(context: Context) -> bool:
    """Whether what is to be fixed may stand above the command, or come with it."""
    said = context.invocation
    is_in_a_thread = said.place.platform in _CHATS and said.place.thread is not None
    return bool(said.topic or is_in_a_thread or said.reply_to or said.attached)


async def _followed(context: Context, call: Call) -> JobId | None:
    """The job whose result is to be changed: the one named, or the last of this thread.

    On GitHub a thread is a whole issue, so that there one has to be named.
    """
    named = call.options.get("after")
    if named is not None:
        return await _named(context, named)
    place = context.invocation.place
    if "fresh" in call.flags or place.platform is Platform.GITHUB:
        return None
    kept = place.model_dump(mode="json")
    return await context.database.read(lambda s: latest_in_thread(s, COMMAND.verb, kept, utc_now()))


async def _named(context: Context, named: str) -> JobId:
    job = as_job_id(named)
    if job is None:
        raise UserError(f"`after={named}`: give the id of a job, which looks like `J7K2M9Q`.")
    row = await job_meant(context, job)
    if row.verb != COMMAND.verb or row.state != JobState.SUCCEEDED:
        raise UserError(f"`{job}` generated nothing that could be changed.")
    return job


async def _request_of(context: Context, job: JobId | None) -> GenerateCode | None:
    """What the followed job was asked; its code is what a follow-up without a place is about."""
    if job is None:
        return None
    request = request_adapter.validate_python((await job_meant(context, job)).request)
    assert isinstance(request, GenerateCode)
    return request


COMMAND = Command(
    verb="generate",
    summary="Write, fix or refactor code with a model, and check what it wrote",
    takes=Takes.WORDS,
    permission=Permission(Tier.WRITE, Effect.RUN_CODE, author_may=True),
    examples=(
        'generate "a function that parses ISO 8601 durations" in=src/durations.py --tests',
        "generate fix in=tests/test_parser.py::test_empty",
        'generate refactor src/report.py goal="no module-level state"',
        'generate "make it async" after=J7K2M9Q',
    ),
    run=run,
    options=(
        Option("in", "The file, function or lines it is about, or where a new file goes."),
        Option("lang", "The language, where the file does not say it.", default="python"),
        Option("goal", "What a refactoring is for."),
        Option("model", "The model to ask, of those that `gryph model list` shows."),
        Option("after", "Change the result of this job; in a thread, of the last one there."),
        Option("tests", "Also write tests.", is_flag=True),
        Option("fresh", "Do not go on with what was generated in this thread.", is_flag=True),
    ),
    details=(
        "What is needed of the repository is looked up and given to the model, and what it writes "
        "is parsed, formatted, linted, type-checked and, in a sandbox without network, run against "
        "the tests; what fails goes back to it, at most twice. The answer tells which of that "
        "passed; what was not shown to work is called *unverified*. **Apply** puts the files into "
        "the repository.\n\n"
        "`generate fix` takes a traceback or a failing test, pasted as a block of code under the "
        "command, attached to it, or named. `generate refactor` also runs the tests that are there "
        "before and after. In a thread the next `generate` goes on with the last result.\n\n"
        "Given in a thread, or as a reply, it reads what people wrote there before, with their "
        "blocks of code and text files, and nothing else: `generate fix` under a traceback is "
        "enough.\n\n"
        "Which models there are is the operator's choice (`gryph model`). Without one the answer "
        "says so and shows the closest code that is there."
    ),
)
