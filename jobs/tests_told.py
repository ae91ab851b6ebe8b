"""Generated tests in words: what a person reads of one file's tests, or of a whole folder's."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines.testing.types import Coverage, Finding, TestingResult
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
from jobs.wording import code, count, notes_of, opinion_buttons
from storage.ids import ArtifactId, JobId

PREVIEW_LINES = 30
_LANGUAGES = {
    "js": "javascript",
    "jsx": "jsx",
    "ts": "typescript",
    "tsx": "tsx",
    "java": "java",
}


@dataclass(frozen=True)
class Written:
    """The tests of one file, and where they are kept."""

    path: str
    result: TestingResult
    artifact: ArtifactId

    @property
    def name(self) -> str:
        """The file's, without its folders."""
        return self.result.test_path.rpartition("/")[2]

    @property
    def file(self) -> File:
        """To download."""
        size_bytes = len(self.result.source.encode())
        return File(artifact=self.artifact, name=self.name, size_bytes=size_bytes)


@dataclass(frozen=True)
class NotWritten:
    """A file that got no tests, and why, as Markdown."""

    path: str
    reason: str


def one_told(request: TestCode, written: Written, job: JobId) -> Reply:
    """The reply about one file."""
    result = written.result
    summary = (
        f"{count(result.tests, 'test')} for {written.path}: {result.passed} passed, "
        f"line coverage {result.after.line_percent:.0f}%, "
        f"branch coverage {result.after.branch_percent:.0f}%"
    )
    blocks: list[Block] = [
        Heading(text=f"Tests for {written.path}"),
        Fields(pairs=_facts(result)),
        *_findings([(written.path, found) for found in result.findings], in_many=False),
        *_source(result),
        written.file,
        *_proposed([written]),
        *_survivors(result),
        *_unreached(result),
        *notes_of((*request.notes, *result.notes, *_silence([written]))),
        Actions(actions=_buttons(job)),
    ]
    return Reply(summary=summary, blocks=tuple(blocks))


def folder_told(
    request: TestCode, written: Sequence[Written], left_out: Sequence[NotWritten], job: JobId
) -> Reply:
    """The reply about a folder."""
    found = [(each.path, one) for each in written for one in each.result.findings]
    blocks: list[Block] = [
        Heading(text=f"Tests for {request.path}"),
        Fields(pairs=_folder_facts(written, left_out)),
        _modules(written),
        *_findings(found, in_many=True),
        *(each.file for each in written),
        *_proposed(written),
        *_not_written(left_out),
        *notes_of((*request.notes, *_notes(written), *_silence(written))),
        Actions(actions=_buttons(job)),
    ]
    return Reply(summary=folder_summary(request.path, written), blocks=tuple(blocks))


def folder_summary(path: str, written: Sequence[Written]) -> str:
    """In one line."""
    tests = sum(each.result.tests for each in written)
    return f"{count(tests, 'test')} for {count(len(written), 'file')} of {path}"


def _facts(result: TestingResult) -> tuple[tuple[str, str], ...]:
    searched = f"{result.candidates:,} calls in {result.search_cpu_s:.1f} CPU s"
    if not result.complete:
        searched += ", stopped early"
    runner = "" if result.runner == "pytest" else f" ({result.runner})"
    return (
        ("Tests", f"{result.tests}, {result.passed} passed{runner}"),
        ("Line coverage", _change(result, "line_percent")),
        ("Branch coverage", _change(result, "branch_percent")),
        *((("Mutants noticed", _noticed(result)),) if result.mutants else ()),
        ("Searched", searched),
        ("Isolation", str(result.rung)),
        ("File", f"`{result.test_path}`" + (", extended" if result.extends else "")),
    )


def _noticed(result: TestingResult) -> str:
    share = 100 * result.killed / result.mutants
    return f"{result.killed} of {result.mutants} ({share:.0f}%)"


def _folder_facts(
    written: Sequence[Written], left_out: Sequence[NotWritten]
) -> tuple[tuple[str, str], ...]:
    results = [each.result for each in written]
    calls, cpu_s = sum(each.candidates for each in results), sum(each.cpu_s for each in results)
    tests, passed = sum(each.tests for each in results), sum(each.passed for each in results)
    return (
        ("Files", f"{len(written)} of {len(written) + len(left_out)} with tests"),
        ("Tests", f"{tests:,}, {passed:,} passed"),
        ("Ran", f"{calls:,} calls, {cpu_s:.1f} CPU s in all"),
        ("Isolation", str(results[0].rung)),
    )


def _notes(written: Sequence[Written]) -> list[str]:
    return [f"{code(each.path)}: {note}" for each in written for note in each.result.notes]


def _modules(written: Sequence[Written]) -> Table:
    rows = tuple(
        (
            code(each.path),
            str(each.result.tests),
            f"{each.result.after.line_percent:.0f}%",
            f"{each.result.after.branch_percent:.0f}%",
            _noticed(each.result) if each.result.mutants else "",
        )
        for each in written
    )
    return Table(header=("File", "Tests", "Lines", "Branches", "Mutants noticed"), rows=rows)


def _not_written(left_out: Sequence[NotWritten]) -> list[Block]:
    if not left_out:
        return []
    table = Table(
        header=("File", "Why"), rows=tuple((code(each.path), each.reason) for each in left_out)
    )
    return [Collapsible(title=f"Without tests: {count(len(left_out), 'file')}", blocks=(table,))]


def _change(result: TestingResult, share: str) -> str:
    def percent(coverage: Coverage) -> str:
        value: float = getattr(coverage, share)
        return f"{value:.0f}%"

    earlier = f"import alone: {percent(result.before)}"
    if result.extends:
        earlier += f", existing tests: {percent(result.extends.coverage)}"
    return f"{percent(result.after)} ({earlier})"


def _findings(found: Sequence[tuple[str, Finding]], *, in_many: bool) -> list[Block]:
    if not found:
        return []
    rows = tuple(
        (
            code(one.call),
            code(one.error),
            f"{path}:{one.line}" if in_many else str(one.line),
            one.documented or "",
        )
        for path, one in found
    )
    return [
        Text(
            markdown=f"**{count(len(rows), 'possible bug')}** — calls that crash in a way the "
            "code neither raises nor documents (no test was written for them):"
        ),
        Table(header=("Smallest input", "What happens", "Line", "Documented"), rows=rows),
    ]


def _source(result: TestingResult) -> list[Block]:
    if result.extends:
        return [Diff(path=result.test_path, text=_difference(result.extends.before, result))]
    lines = result.source.splitlines()
    language = _LANGUAGES.get(result.test_path.rpartition(".")[2].lstrip("mc"), "python")
    if len(lines) <= PREVIEW_LINES:
        return [Code(text=result.source, language=language)]
    preview = "\n".join(lines[:PREVIEW_LINES])
    sign = "#" if language == "python" else "//"
    more = f"{sign} … {len(lines) - PREVIEW_LINES} more lines"
    return [Code(text=f"{preview}\n{more}", language=language)]


def _difference(before: str, result: TestingResult) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), result.source.splitlines(),
        f"a/{result.test_path}", f"b/{result.test_path}", lineterm="",
    )  # fmt: skip
    return "\n".join(lines)


def _proposed(written: Sequence[Written]) -> Iterator[Block]:
    """What a model had a part in, and what of it was dropped and why."""
    found = [(each.path, one) for each in written if (one := each.result.proposed)]
    names = [code(name) for _, one in found for name in one.kept]
    dropped = [(path, lost) for path, one in found for lost in one.dropped]
    by = " and ".join(dict.fromkeys(code(one.by) for _, one in found if one.by))
    if names:
        were, they = ("was", "it") if len(names) == 1 else ("were", "they")
        yield Text(
            markdown=f"**{count(len(names), 'test')} {were} proposed by {by}**; {they} passed the "
            f"same checks as the others: {', '.join(names)}."
        )
    elif dropped:
        yield Text(markdown=f"{by} was asked for further tests; none of them passed the checks.")
    if dropped:
        many = len(written) > 1
        rows = tuple(
            ((code(path),) if many else ())
            + (code(lost.name) if lost.name else "(the answer)", code(lost.why))
            for path, lost in dropped
        )
        header = (*(("File",) if many else ()), "Proposed test", "Why")
        table = Table(header=header, rows=rows)
        yield Collapsible(title=f"Proposed and dropped: {len(rows)}", blocks=(table,))


def _silence(written: Sequence[Written]) -> list[str]:
    """Why a model was not asked, or did not answer."""
    found = [each.result.proposed for each in written]
    whys = dict.fromkeys(why for one in found if one for why in one.silence)
    return [f"No further tests from a model: {why}" for why in whys]


def _survivors(result: TestingResult) -> Iterator[Block]:
    if result.survivors:
        rows = tuple((str(line), code(change)) for line, change in result.survivors)
        table = Table(header=("Line", "Change"), rows=rows)
        title = f"Changes that no test notices: {len(rows)}"
        yield Collapsible(title=title, blocks=(table,))


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
    return [Collapsible(title=f"Not reached: {count(len(rows), 'place')}", blocks=(table,))]


def _buttons(job: JobId) -> tuple[Action, ...]:
    return (
        Action(verb="apply", label="Apply", job=job, primary=True),
        *opinion_buttons(job),
    )
