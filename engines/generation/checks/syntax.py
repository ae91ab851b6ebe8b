"""Whether written files parse: Python and settings by the standard library, others by grammar."""

import importlib
import json
import tomllib
import warnings
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from engines.generation.checks.verdicts import Verdict, failed, passed, skipped
from engines.generation.drafts import Draft, is_python
from engines.generation.python_text import takes_long

_GRAMMARS = {
    ".js": "javascript", ".jsx": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx",
    ".java": "java", ".go": "go", ".rs": "rust",
}  # fmt: skip
_LINE_CHARS = 160
_TOLD = 5


def check_syntax(draft: Draft) -> Verdict:
    """Parse every written file whose language is known."""
    problems: list[str] = []
    parsed: list[str] = []
    unread: list[str] = []
    for path, text in sorted(draft.files.items()):
        reader = _reader(path)
        if reader is None:
            unread.append(path)
        elif problem := reader(text):
            if draft.before(path) and reader(draft.before(path) or ""):
                unread.append(path)  # the grammar does not know all of the language
            else:
                problems.append(f"{path} {problem}")
        else:
            parsed.append(path)
    if problems:
        return failed("parses", problems[0].split("\n")[0], "\n".join(problems[:_TOLD]))
    if not parsed:
        return skipped("parses", f"no parser here reads {', '.join(unread)}")
    left = f"; not read: {', '.join(unread)}" if unread else ""
    return passed("parses", f"{', '.join(parsed)}{left}")


def _reader(path: str) -> Callable[[str], str] | None:
    """What says where a text is broken; None for a language that is not known here."""
    suffix = PurePosixPath(path).suffix
    if is_python(path):
        return _python_problem
    if suffix in _SETTINGS:
        return _SETTINGS[suffix]
    return _grammar_problem(_GRAMMARS[suffix]) if suffix in _GRAMMARS else None


def _python_problem(text: str) -> str:
    if takes_long(text):
        return "cannot be parsed: a string has thousands of fields"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "written", "exec", dont_inherit=True)
    except SyntaxError as error:
        return _placed(text, error.lineno or 1, error.msg)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return f"cannot be parsed: {error or 'too deeply nested'}"
    return ""


def _json_problem(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _placed(text, error.lineno, error.msg)
    except (ValueError, RecursionError) as error:
        return f"cannot be parsed: {error}"
    return ""


def _toml_problem(text: str) -> str:
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return f"cannot be parsed: {error}"
    return ""


_SETTINGS: dict[str, Callable[[str], str]] = {".json": _json_problem, ".toml": _toml_problem}


def _grammar_problem(language: str) -> Callable[[str], str] | None:
    """By tree-sitter, which not every installation has."""
    try:
        grammars = importlib.import_module("engines.generation.checks.grammars")
    except ImportError:
        return None
    first_error: Callable[[str, str], tuple[int, str] | None] = grammars.first_error

    def problem(text: str) -> str:
        found = first_error(text, language)
        return _placed(text, *found) if found else ""

    return problem


def _placed(text: str, line: int, message: str) -> str:
    shown = "\n".join(_around(text, line))
    return f"line {line}: {message}\n{shown}"


def _around(text: str, line: int) -> Iterator[str]:
    lines = text.split("\n")
    for number in range(max(1, line - 2), min(len(lines), line + 1) + 1):
        sign = ">" if number == line else " "
        yield f"{sign} {number:4} {lines[number - 1][:_LINE_CHARS]}"
