"""The job behind `test`: check the code out, let the testing engine work, say what came of it."""

from engines.testing.engine import write_tests
from engines.testing.types import CannotTest, Coverage, Style, TestingRequest, TestingResult
from jobs.desk import Declined, Desk, Done, NewArtifact
from jobs.messages import (
    Action,
    Actions,
    Block,
    Code,
    Collapsible,
    Fields,
    File,
    Heading,
    Reply,
    Table,
    Text,
)
from jobs.requests import TestCode
from storage.ids import ArtifactId, JobId

PREVIEW_LINES = 30


def run(request: TestCode, desk: Desk) -> Done:
    """Write and run tests for the requested code.

    Raises:
        Declined: The code cannot be tested as it is; the message says why.
    """
    desk.watch.report("checking out the code")
    desk.watch.phase("checkout")
    root = desk.checkout(request.source, request.path)
    sandbox = desk.sandbox()
    try:
        result = write_tests(
            TestingRequest(
                root=root,
                path=request.path,
                symbol=request.symbol,
                lines=request.lines,
                style=Style(request.style),
                cpu_s=request.cpu_s,
                seed=request.seed,
            ),
            sandbox,
            desk.watch,
        )
    except CannotTest as reason:
        raise Declined(str(reason)) from reason
    content = result.source.encode()
    name = result.test_path.rpartition("/")[2]
    artifact = desk.keep(NewArtifact(name, "text/x-python", content, apply_to=result.test_path))
    text = f"{_count(result.passed, 'test')} pass, {result.after.line_percent:.0f} % of lines"
    return Done(text, _reply(request, result, desk.job, artifact, len(content)))


def _reply(
    request: TestCode, result: TestingResult, job: JobId, artifact: ArtifactId, size_bytes: int
) -> Reply:
    name = result.test_path.rpartition("/")[2]
    summary = (
        f"{_count(result.tests, 'test')} for {request.path}: {result.passed} passed, "
        f"line coverage {result.after.line_percent:.0f}%, "
        f"branch coverage {result.after.branch_percent:.0f}%"
    )
    blocks: list[Block] = [
        Heading(text=f"Tests for {request.path}"),
        Fields(pairs=_facts(result)),
        *_findings(result),
        *_source(result),
        File(artifact=artifact, name=name, size_bytes=size_bytes),
        *_unreached(result),
        *_notes(request),
        Actions(actions=_buttons(job)),
    ]
    return Reply(summary=summary, blocks=tuple(blocks))


def _notes(request: TestCode) -> list[Block]:
    if not request.notes:
        return []
    return [Text(markdown="\n".join(f"- {note}" for note in request.notes))]


def _facts(result: TestingResult) -> tuple[tuple[str, str], ...]:
    searched = f"{result.candidates:,} calls in {result.search_cpu_s:.1f} CPU s"
    if not result.complete:
        searched += ", stopped early"
    return (
        ("Tests", f"{result.tests}, {result.passed} passed"),
        ("Line coverage", _change(result.before, result.after, "line_percent")),
        ("Branch coverage", _change(result.before, result.after, "branch_percent")),
        ("Searched", searched),
        ("Isolation", str(result.rung)),
        ("File", f"`{result.test_path}`"),
    )


def _change(before: Coverage, after: Coverage, share: str) -> str:
    first: float = getattr(before, share)
    second: float = getattr(after, share)
    return f"{second:.0f}% (import alone: {first:.0f}%)"


def _findings(result: TestingResult) -> list[Block]:
    if not result.findings:
        return []
    rows = tuple(
        (f"`{found.call}`", f"`{found.error}`", str(found.line), found.documented or "")
        for found in result.findings
    )
    return [
        Text(
            markdown=f"**{_count(len(rows), 'possible bug')}** — calls that crash in a way the "
            "code neither raises nor documents (no test was written for them):"
        ),
        Table(header=("Smallest input", "What happens", "Line", "Documented"), rows=rows),
    ]


def _source(result: TestingResult) -> list[Block]:
    lines = result.source.splitlines()
    if len(lines) <= PREVIEW_LINES:
        return [Code(text=result.source, language="python")]
    preview = "\n".join(lines[:PREVIEW_LINES])
    return [Code(text=f"{preview}\n# … {len(lines) - PREVIEW_LINES} more lines", language="python")]


def _unreached(result: TestingResult) -> list[Block]:
    if not result.unreached:
        return []
    rows = tuple(
        (
            str(gap.first_line)
            if gap.first_line == gap.last_line
            else f"{gap.first_line}-{gap.last_line}",
            gap.reason,
        )
        for gap in result.unreached
    )
    table = Table(header=("Lines", "Why"), rows=rows)
    return [Collapsible(title=f"Not reached: {_count(len(rows), 'place')}", blocks=(table,))]


def _buttons(job: JobId) -> tuple[Action, ...]:
    return (
        Action(verb="apply", label="Apply", job=job, primary=True),
        Action(verb="retry", label="Retry", job=job),
        Action(verb="feedback", label="👍", job=job, words="up"),
        Action(verb="feedback", label="👎", job=job, words="down"),
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
