"""Which file each block of an answer is, where the model did not say it of all."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from engines.generation.answers import Answer, Block
from engines.generation.paths import is_test_file
from engines.generation.tasks import Task

_ASIDE = frozenset(
    {"sh", "bash", "shell", "console", "zsh", "text", "txt", "output", "log", "plaintext",
     "pycon", "powershell", "cmd"}
)  # fmt: skip
_SUFFIXES = {
    "python": ".py", "py": ".py", "python3": ".py", "javascript": ".js", "js": ".js",
    "typescript": ".ts", "ts": ".ts", "tsx": ".tsx", "jsx": ".jsx", "java": ".java", "go": ".go",
    "rust": ".rs", "rs": ".rs", "ruby": ".rb", "c": ".c", "cpp": ".cpp", "csharp": ".cs",
    "php": ".php", "sql": ".sql", "html": ".html", "css": ".css", "bash": ".sh", "sh": ".sh",
    "yaml": ".yaml", "toml": ".toml", "json": ".json", "markdown": ".md",
}  # fmt: skip
_DEFINED = re.compile(
    r"^(?:export\s+)?(?:default\s+)?(?:public\s+)?(?:async\s+)?"
    r"(?:def|class|function|func|fn|interface|struct|enum|pub fn)\s+(\w+)",
    re.MULTILINE,
)
_TESTS = re.compile(r"^\s*(?:async )?def test_\w*|^\s*class Test\w+", re.MULTILINE)


def suffix_of(language: str) -> str:
    """How files of a language end: `.py`; of an unknown one `.txt`."""
    return _SUFFIXES.get(language.lower(), ".txt")


def named(answer: Answer, task: Task) -> Iterator[tuple[str, Block]]:
    """Each block that is a file, with its path as written.

    Where any has a path, blocks without one are talk, edits excepted: those are of the file before
    or of the one the wish is about. Where none has, the longest of the language is the file, and
    the longest other one with tests its test file.
    """
    has_labels = any(one.path for one in answer.blocks)
    last = task.path
    for block in answer.blocks:
        if block.path:
            last = block.path
            yield block.path, block
        elif (block.edits or not block.text) and last:
            yield last, block
    if not has_labels:
        yield from _guessed(answer, task)


def _guessed(answer: Answer, task: Task) -> Iterator[tuple[str, Block]]:
    suffix = suffix_of(task.language)
    blocks = [
        one
        for one in answer.blocks
        if one.text and one.language not in _ASIDE - {task.language}
        and suffix_of(one.language or task.language) == suffix
    ]  # fmt: skip
    tests = [one for one in blocks if suffix == ".py" and _TESTS.search(one.text)]
    code = [one for one in blocks if one not in tests]
    if not code and task.path and is_test_file(task.path):
        code, tests = tests, []
    path = task.path
    if code:
        longest = max(code, key=lambda one: len(one.text))
        path = path or f"{_name(longest.text)}{suffix}"
        yield path, longest
    if tests and (task.with_tests or not code):
        stem = PurePosixPath(path or "generated").stem
        yield f"tests/test_{stem}.py", max(tests, key=lambda one: len(one.text))


def _name(text: str) -> str:
    """A file's name from what it defines first."""
    found = _DEFINED.search(text)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", found[1]).lower() if found else ""
    return words.strip("_") or "generated"
