"""The job behind `test`: check the code out, let the testing engine work, say what came of it."""

import difflib
from dataclasses import replace

from engines.testing.engine import write_tests
from engines.testing.types import CannotTest, Coverage, Style, TestingRequest, TestingResult
from jobs.desk import Altered, Declined, Desk, Done, NewArtifact
from jobs.messages import (
    Action,
    Actions,
    Block,
    Code,
    Collapsible,
    Diff,
    Fields,
    File,
    Heading,
    Reply,
    Table,
    Text,
)
from jobs.requests import TestCode
from storage.blobs import blob_id
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
                extends=True,
            ),
            sandbox,
            desk.watch,
        )
    except CannotTest as reason:
        raise Declined(str(reason)) from reason
    result, artifact = _kept(result, desk)
    text = f"{_count(result.passed, 'test')} pass, {result.after.line_percent:.0f} % of lines"
    return Done(text, _reply(request, result, desk.job, artifact))


def _kept(result: TestingResult, desk: Desk) -> tuple[TestingResult, ArtifactId]:
    """Keep the file that Apply writes; a file of its own where the existing one holds secrets."""
    try:
        return result, desk.keep(_file(result))
    except Altered:
        assert result.extends is not None
        note = f"`{result.test_path}` holds what looks like a secret, which I keep no copy of"
        result = replace(
            result,
            test_path=result.extends.standalone_path,
            source=result.extends.standalone,
            extends=None,
            notes=(*result.notes, f"The tests are in a file of their own: {note}."),
        )
        return result, desk.keep(_file(result))


def _file(result: TestingResult) -> NewArtifact:
    return NewArtifact(
        name=result.test_path.rpartition("/")[2],
        media_type="text/x-python",
        content=result.source.encode(),
        apply_to=result.test_path,
        replaces=blob_id(result.extends.before.encode()) if result.extends else None,
    )


def _reply(request: TestCode, result: TestingResult, job: JobId, artifact: ArtifactId) -> Reply:
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
        File(artifact=artifact, name=name, size_bytes=len(result.source.encode())),
        *_unreached(result),
        *_notes(request, result),
        Actions(actions=_buttons(job)),
    ]
    return Reply(summary=summary, blocks=tuple(blocks))


def _notes(request: TestCode, result: TestingResult) -> list[Block]:
    notes = (*request.notes, *result.notes)
    return [Text(markdown="\n".join(f"- {note}" for note in notes))] if notes else []


def _facts(result: TestingResult) -> tuple[tuple[str, str], ...]:
    searched = f"{result.candidates:,} calls in {result.search_cpu_s:.1f} CPU s"
    if not result.complete:
        searched += ", stopped early"
    return (
        ("Tests", f"{result.tests}, {result.passed} passed"),
        ("Line coverage", _change(result, "line_percent")),
        ("Branch coverage", _change(result, "branch_percent")),
        ("Searched", searched),
        ("Isolation", str(result.rung)),
        ("File", f"`{result.test_path}`" + (", extended" if result.extends else "")),
    )


def _change(result: TestingResult, share: str) -> str:
    def percent(coverage: Coverage) -> str:
        value: float = getattr(coverage, share)
        return f"{value:.0f}%"

    earlier = f"import alone: {percent(result.before)}"
    if result.extends:
        earlier += f", existing tests: {percent(result.extends.coverage)}"
    return f"{percent(result.after)} ({earlier})"


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
    if result.extends:
        return [Diff(path=result.test_path, text=_difference(result.extends.before, result))]
    lines = result.source.splitlines()
    if len(lines) <= PREVIEW_LINES:
        return [Code(text=result.source, language="python")]
    preview = "\n".join(lines[:PREVIEW_LINES])
    return [Code(text=f"{preview}\n# … {len(lines) - PREVIEW_LINES} more lines", language="python")]


def _difference(before: str, result: TestingResult) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), result.source.splitlines(),
        f"a/{result.test_path}", f"b/{result.test_path}", lineterm="",
    )  # fmt: skip
    return "\n".join(lines)


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
