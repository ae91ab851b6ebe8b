"""Generated code in words: what a person reads, with the evidence beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from engines.generation.paths import is_test_file
from engines.generation.tasks import Attempt, Check, CheckOutcome, Result, WrittenFile
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
from jobs.requests import GenerateCode
from jobs.wording import code, count, notes_of, opinion_buttons
from storage.ids import ArtifactId, JobId

PREVIEW_LINES = 60
LONGEST_EXPLANATION = 1_500
"""Characters of what the model says beside the code."""
LONGEST_TOLD = 1_200
"""Characters of what a failed check said."""
_LANGUAGES = {
    "py": "python",
    "js": "javascript",
    "mjs": "javascript",
    "ts": "typescript",
    "tsx": "tsx",
    "jsx": "jsx",
    "java": "java",
    "go": "go",
    "rs": "rust",
    "md": "markdown",
}
_DONE = {"write": "Code", "fix": "A fix", "refactor": "A refactoring"}


@dataclass(frozen=True)
class KeptFile:
    """A written file, and where it is kept."""

    written: WrittenFile
    artifact: ArtifactId
    may_be_applied: bool = True

    @property
    def block(self) -> File:
        """To download."""
        return File(
            artifact=self.artifact,
            name=PurePosixPath(self.written.path).name,
            size_bytes=len(self.written.content.encode()),
        )


def summary_of(request: GenerateCode, result: Result) -> str:
    """In one line; what stands before the colon becomes the title of a pull request."""
    paths = [each.path for each in result.files]
    what = paths[0] if len(paths) == 1 else f"{len(paths)} files"
    return f"{_DONE[request.task]} for {what}: {_standing(result)}"


def _standing(result: Result) -> str:
    if result.verified:
        tests = max((each.tests_passed for each in result.attempts), default=0)
        return f"verified, {count(tests, 'test')} passed"
    return "unverified"


def code_told(request: GenerateCode, result: Result, kept: Sequence[KeptFile], job: JobId) -> Reply:
    """The reply."""
    blocks: list[Block] = [
        Heading(text=summary_of(request, result).partition(":")[0]),
        *_verdict(result),
        *(block for each in _code_first(kept) for block in _shown(each)),
        *_explanation(result),
        Table(
            header=("Check", "Outcome", "What it said"),
            rows=tuple((each.name, str(each.outcome), _detail(each)) for each in result.checks),
        ),
        Fields(pairs=tuple(_facts(result))),
        *_attempts(result.attempts),
        *_basis(result),
        *notes_of((*request.notes, *result.notes)),
        Text(markdown=f'To change it: `/gryph generate "…" after={job}`'),
        Actions(actions=_buttons(result, kept, job)),
    ]
    return Reply(summary=summary_of(request, result), blocks=tuple(blocks))


def _verdict(result: Result) -> list[Block]:
    if result.verified:
        return []
    return [Text(markdown=f"*Unverified*: {result.unverified_because}")]


def _code_first(kept: Sequence[KeptFile]) -> list[KeptFile]:
    """Tests behind what they test."""
    return sorted(kept, key=lambda each: is_test_file(each.written.path))


def _shown(kept: KeptFile) -> Iterator[Block]:
    file = kept.written
    if file.before is not None:
        yield Diff(path=file.path, text=file.diff)
    else:
        yield Text(markdown=f"{code(file.path)}, new:")
        yield Code(text=_preview(file.content), language=_language(file.path))
    yield kept.block


def _preview(content: str) -> str:
    lines = content.splitlines()
    if len(lines) <= PREVIEW_LINES:
        return content
    shown = "\n".join(lines[:PREVIEW_LINES])
    return f"{shown}\n… {len(lines) - PREVIEW_LINES} more lines in the file"


def _language(path: str) -> str:
    return _LANGUAGES.get(PurePosixPath(path).suffix.lstrip("."), "")


def _explanation(result: Result) -> list[Block]:
    """The model's words, as a quote: nobody checked them."""
    text = result.explanation.strip()
    if not text:
        return []
    if len(text) > LONGEST_EXPLANATION:
        text = f"{text[:LONGEST_EXPLANATION].rstrip()} …"
    quoted = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    return [Text(markdown=f"The model says:\n{quoted}")]


def _detail(check: Check) -> str:
    line = " ".join(check.detail.split())
    return code(line, most=160) if check.outcome is CheckOutcome.FAILED and line else line


def _facts(result: Result) -> Iterator[tuple[str, str]]:
    yield "Model", code(result.model) if result.model else "unknown"
    yield "Took", f"{result.seconds:.1f} s, {result.usage.written_tokens:,} tokens written"
    if result.usage.first_token_s is not None:
        yield "First words after", f"{result.usage.first_token_s:.1f} s"
    if result.rounds:
        yield "Repairs", str(result.rounds)


def _attempts(attempts: Sequence[Attempt]) -> list[Block]:
    """What failed on the way, and the last word of it."""
    failed = [each for each in attempts if each.failed]
    if not failed:
        return []
    blocks: list[Block] = []
    for each in failed:
        name = f"Repair {each.round}" if each.round else "First answer"
        blocks.append(Text(markdown=f"{name}: {each.failed} failed"))
        blocks.append(Code(text=each.told[-LONGEST_TOLD:]))
    title = f"What failed on the way: {count(len(failed), 'attempt')}"
    return [Collapsible(title=title, blocks=tuple(blocks))]


def _basis(result: Result) -> list[Block]:
    if not result.based_on and not result.left_out:
        return []
    lines = [
        f"- {code(f'{each.path}:{each.first_line}-{each.last_line}')}"
        + (f" of {each.origin}" if each.origin else "")
        for each in result.based_on
    ]
    if result.left_out:
        lines.append(
            f"- not shown to the model, which cannot read so much: {', '.join(result.left_out)}"
        )
    title = f"Based on {count(len(result.based_on), 'place')} of the code"
    return [Collapsible(title=title, blocks=(Text(markdown="\n".join(lines)),))]


def _buttons(result: Result, kept: Sequence[KeptFile], job: JobId) -> tuple[Action, ...]:
    apply = Action(verb="apply", label="Apply", job=job, primary=result.verified)
    may_be_applied = any(each.may_be_applied for each in kept)
    return (*((apply,) if may_be_applied else ()), *opinion_buttons(job))
