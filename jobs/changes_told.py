"""A behaviour diff in words: what a person reads in a thread, and on lines of a pull request."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from engines.testing.behaviour.types import BehaviourDiff, Difference, NotCompared, TestChange
from jobs.desk import Done
from jobs.messages import (
    Actions,
    Block,
    Collapsible,
    Fields,
    Heading,
    LineRemark,
    Reply,
    Table,
    Text,
    Verdict,
)
from jobs.requests import TestChanges
from jobs.wording import code, count, notes_of, opinion_buttons
from storage.ids import JobId

MOST_OPEN = 12
"""Functions shown at once; the others are folded."""
_PLAIN = ("does not end", "ends the process", "an object of type ", "an iterator of ")
"""How an outcome begins that is no code."""
_RAISES = "raises "


@dataclass(frozen=True)
class _Function:
    """What behaves differently in one function."""

    path: str
    name: str
    differences: tuple[Difference, ...]

    @property
    def line(self) -> int:
        return self.differences[0].line

    @property
    def calls(self) -> str:
        return "\n".join(f"- {_call(each)}" for each in self.differences)


def told(request: TestChanges, diff: BehaviourDiff, job: JobId) -> Done:
    """The result of a comparison."""
    functions = tuple(_functions(diff.differences))
    summary = _summary(functions, diff)
    blocks: list[Block] = [
        Heading(text=_title_of(request)),
        *_nothing_blocks(diff, summary),
        *_function_blocks(functions),
        *_test_blocks(diff.tests),
        Fields(pairs=_facts(request, diff)),
        *_left_out(diff.not_compared),
        *notes_of(request.notes),
        Actions(actions=opinion_buttons(job)),
    ]
    remarks = tuple(
        LineRemark(path=each.path, line=each.line, text=f"{_title(each)}\n{each.calls}")
        for each in functions
    )
    reply = Reply(summary=summary, blocks=tuple(blocks), remarks=remarks, verdict=_verdict(diff))
    return Done(summary, reply)


def nothing_told(request: TestChanges, job: JobId) -> Done:
    """The result where no code differs that could be compared."""
    within = f" in {code(request.path)}" if request.path else ""
    summary = f"No Python code{within} differs"
    text = f"{summary} from {_base(request)}, tests left aside: nothing was run."
    blocks = (
        Heading(text=_title_of(request)),
        Text(markdown=text),
        *notes_of(request.notes),
        Actions(actions=opinion_buttons(job)),
    )
    return Done(summary, Reply(summary=summary, blocks=blocks, verdict=Verdict.PASSES))


def _functions(differences: Iterable[Difference]) -> Iterator[_Function]:
    for (path, name), group in groupby(differences, lambda each: (each.path, each.function)):
        yield _Function(path, name, tuple(group))


def _summary(functions: Sequence[_Function], diff: BehaviourDiff) -> str:
    fail = sum(not each.passes for each in diff.tests)
    passing = len(diff.tests) - fail
    said = [
        f"{count(len(functions), 'function')} {_s(len(functions), 'behave')} differently"
        if functions
        else "",
        f"{count(fail, 'test')} {_s(fail, 'fail')} now" if fail else "",
        f"{count(passing, 'test')} {_s(passing, 'pass', 'passes')} now" if passing else "",
    ]
    found = ", ".join(each for each in said if each) or _nothing(diff)
    return f"{found}; {_exercised(diff)}"


def _s(number: int, verb: str, third: str = "") -> str:
    return (third or f"{verb}s") if number == 1 else verb


def _nothing(diff: BehaviourDiff) -> str:
    return "Nothing behaves differently" if _was_seen(diff) else "Nothing could be compared"


def _was_seen(diff: BehaviourDiff) -> bool:
    """Whether a difference would have been noticed anywhere."""
    return diff.exercised_lines > 0 or (diff.changed_lines == 0 and not diff.not_compared)


def _exercised(diff: BehaviourDiff) -> str:
    if diff.changed_lines == 0:
        return "no line that runs was added or altered"
    return f"{100 * diff.exercised:.0f} % of the changed lines were run"


def _verdict(diff: BehaviourDiff) -> Verdict:
    if any(not each.passes for each in diff.tests):
        return Verdict.FAILS
    return Verdict.DIFFERS if diff.changed or not _was_seen(diff) else Verdict.PASSES


def _title_of(request: TestChanges) -> str:
    number, path = request.source.number, request.path
    what = (
        f"What changed since {request.base_name}" if number is None else f"What #{number} changes"
    )
    return f"{what}: {path}" if path not in (None, ".") else what


def _base(request: TestChanges) -> str:
    name = code(request.base_name) if request.base_name else "its base"
    return f"{name} ({code(request.base.sha[:12])})" if request.base.sha else name


def _nothing_blocks(diff: BehaviourDiff, summary: str) -> list[Block]:
    return [] if diff.changed else [Text(markdown=f"{summary}.")]


def _function_blocks(functions: Sequence[_Function]) -> Iterator[Block]:
    for each in functions[:MOST_OPEN]:
        yield _block(each)
    folded = tuple(_block(each) for each in functions[MOST_OPEN:])
    if folded:
        yield Collapsible(title=f"{count(len(folded), 'more function')}", blocks=folded)


def _block(function: _Function) -> Text:
    where = f"{code(function.path)}, line {function.line}"
    return Text(markdown=f"{_title(function)} · {where}\n{function.calls}")


def _title(function: _Function) -> str:
    return code(function.name) if function.name else "The module itself"


def _call(difference: Difference) -> str:
    return (
        f"{_statements(difference.call)}: {_outcome(difference.base)} → {_outcome(difference.head)}"
    )


def _statements(call: str) -> str:
    """On one line, as Python allows it for all that is not nested."""
    lines = [line for line in call.splitlines() if line.strip()]
    nested = any(line[0].isspace() or line.endswith(":") for line in lines)
    return code("\n".join(lines) if nested else "; ".join(lines))


def _outcome(text: str) -> str:
    if text.startswith(_RAISES):
        return f"{_RAISES}{code(text.removeprefix(_RAISES))}"
    return text if text.startswith(_PLAIN) else code(text)


def _test_blocks(tests: Sequence[TestChange]) -> Iterator[Block]:
    for passes, before, now in ((False, "passed", "fail"), (True, "failed", "pass")):
        changed = [each for each in tests if each.passes is passes]
        if changed:
            third = "passes" if passes else "fails"
            title = f"{count(len(changed), 'test')} {_s(len(changed), now, third)}"
            lines = (f"- {code(each.test)}: {code(each.message)}" for each in changed)
            told_of = "\n".join(lines)
            yield Text(markdown=f"**{title}** that {before} before\n{told_of}")


def _facts(request: TestChanges, diff: BehaviourDiff) -> tuple[tuple[str, str], ...]:
    ran = f"{diff.calls:,} calls in {diff.cpu_s:.1f} CPU s"
    if not diff.complete:
        ran += ", stopped early"
    return (
        ("Compared with", _base(request)),
        ("Changed lines run", f"{diff.exercised_lines:,} of {diff.changed_lines:,}"),
        ("Ran", ran),
        ("Isolation", str(diff.rung)),
    )


def _left_out(left_out: Sequence[NotCompared]) -> list[Block]:
    if not left_out:
        return []
    rows = tuple((code(each.path), each.reason) for each in left_out)
    table = Table(header=("What", "Why"), rows=rows)
    return [Collapsible(title=f"Not compared: {len(rows):,}", blocks=(table,))]
