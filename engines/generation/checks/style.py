"""Formats what was written, and no more; then the rules of the repository."""

import difflib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from engines.generation.checks.ruff import Complaint, Ruff, RuffFailed
from engines.generation.checks.verdicts import Verdict, failed, passed, skipped
from engines.generation.drafts import Draft

_HUNKS = 12
"""Changes of one file that are formatted one by one."""
_COMPARED_LINES = 5_000
_TOLD = 10
_FIXED_IN_NEW_FILES = ("F401", "F541", "F811", "UP")
"""Corrected without asking: no answer is worth a round for an unused import."""
_PACKAGE = "__init__.py"


def formatted(draft: Draft, ruff: Ruff | None) -> tuple[Draft, Verdict]:
    """The draft as the repository lays out its code.

    New files are formatted, and files that were. Of a file that was laid out by hand, only the
    lines that were changed, and its quotes are kept.
    """
    files = dict(draft.python())
    if not files:
        return draft, Verdict(())
    if ruff is None:
        return draft, skipped("format", "ruff is not installed")
    fresh: dict[str, str] = {}
    problems: list[str] = []
    for path, text in files.items():
        try:
            fresh[path] = _laid_out(ruff, path, draft.before(path), text)
        except RuffFailed as problem:
            problems.append(f"{path}: {problem}")
    if problems:
        return draft.with_files(fresh), skipped("format", f"ruff did not read {problems[0]}")
    changed = [path for path, text in fresh.items() if text != files[path]]
    told = f"laid out anew: {', '.join(changed)}" if changed else "nothing to change"
    return draft.with_files(fresh), passed("format", told)


def _laid_out(ruff: Ruff, path: str, before: str | None, text: str) -> str:
    if before is None:
        rules = [one for one in _FIXED_IN_NEW_FILES if one != "UP" or "UP" in ruff.settings.selects]
        if path.endswith(_PACKAGE):
            rules = [one for one in rules if one != "F401"]  # its imports are its content
        if ruff.settings.sorts_imports:
            rules.append("I")
        text = ruff.fixed(text, path, rules)
        return ruff.formatted(text, path, keeps_quotes=False)
    if _is_formatted(ruff, path, before):
        if ruff.settings.sorts_imports:
            text = ruff.fixed(text, path, ["I"])
        return ruff.formatted(text, path, keeps_quotes=False)
    is_long = max(before.count("\n"), text.count("\n")) > _COMPARED_LINES
    changes = [] if is_long else list(_changes(before, text))
    for lines in reversed(changes if len(changes) <= _HUNKS else []):
        text = ruff.formatted(text, path, lines, keeps_quotes=True)
    return text


def _is_formatted(ruff: Ruff, path: str, text: str) -> bool:
    try:
        return ruff.formatted(text, path, keeps_quotes=False) == text
    except RuffFailed:
        return False


def _changes(before: str, after: str) -> Iterator[tuple[int, int]]:
    """The lines of `after`, 1-based and inclusive, that `before` does not have."""
    matcher = difflib.SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False)
    for tag, _, _, start, end in matcher.get_opcodes():
        if tag in {"replace", "insert"}:
            yield start + 1, end


def check_style(draft: Draft, ruff: Ruff | None) -> Verdict:
    """Only complaints that the change brings in count."""
    if not any(draft.python()):
        return Verdict(())
    if ruff is None:
        return skipped("lint", "ruff is not installed")
    rules = "the repository's rules" if ruff.settings.is_own else "rules for real errors"
    try:
        told = list(_complained(ruff, draft))
    except RuffFailed as problem:
        if not ruff.settings.is_own:
            return skipped("lint", f"ruff did not run: {problem}")
        verdict = check_style(draft, Ruff(ruff.program, ruff.settings.plain()))
        aside = f"; the repository's rules could not be used: {problem}"
        checks = tuple(replace(one, detail=one.detail + aside) for one in verdict.checks)
        return replace(verdict, checks=checks)
    if not told:
        return passed("lint", f"ruff, {rules}")
    more = f"\nand {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    first = told[0].split("\n")[0]
    return failed("lint", f"ruff, {rules}: {first}", "\n".join(told[:_TOLD]) + more)


def _complained(ruff: Ruff, draft: Draft) -> Iterator[str]:
    for path, text in draft.python():
        yield from (_said(path, text, one) for one in _introduced(ruff, draft, path, text))


def _introduced(ruff: Ruff, draft: Draft, path: str, text: str) -> Iterator[Complaint]:
    found = ruff.complaints(text, path)
    before = draft.before(path) if found else None
    known = Counter(_kind(one) for one in (ruff.complaints(before, path) if before else ()))
    for one in found:
        if known[_kind(one)]:
            known[_kind(one)] -= 1
        else:
            yield one


def _kind(complaint: Complaint) -> tuple[str, str]:
    return complaint.code, complaint.message


def _said(path: str, text: str, complaint: Complaint) -> str:
    line = text.split("\n")[complaint.line - 1].strip()[:160] if complaint.line else ""
    return f"{path} line {complaint.line}: {complaint.code} {complaint.message}\n    {line}"
