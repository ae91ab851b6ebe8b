"""Ruff on one text at a time: it reads standard input, in an empty folder, without settings files.

It executes nothing of what it reads. It has an address-space limit and little time.
"""

import json
import resource
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from engines.generation.checks.ruff_settings import RuffSettings

_LIMIT_S = 10.0
_MEMORY_BYTES = 2 << 30
_DONE = 0
_COMPLAINED = 1
_LARGEST_CHARS = 1 << 20


class RuffFailed(Exception):
    """It did not read this text or these settings; the message is its own."""


@dataclass(frozen=True)
class Complaint:
    """One rule that a text breaks."""

    code: str
    message: str
    line: int


@dataclass(frozen=True)
class Ruff:
    """The program and what one repository wants of it."""

    program: Path
    settings: RuffSettings

    def formatted(
        self, text: str, path: str, lines: tuple[int, int] | None = None, *, keeps_quotes: bool
    ) -> str:
        """The text laid out, or the given lines of it (1-based, inclusive).

        Raises:
            RuffFailed: It does not parse, or ruff broke down.
        """
        wanted = ["format"]
        if lines:
            wanted.append(f"--range={lines[0]}-{lines[1] + 1}")
        if keeps_quotes:
            wanted += ["--config", 'format.quote-style = "preserve"']
        return self._run(wanted, text, path)

    def fixed(self, text: str, path: str, rules: Sequence[str]) -> str:
        """The text with what `rules` complain of corrected, where ruff calls that safe.

        Raises:
            RuffFailed: as `formatted`.
        """
        wanted = ["check", "--fix-only", "--config", f"lint.select = {json.dumps(list(rules))}"]
        return self._run(wanted, text, path)

    def complaints(self, text: str, path: str) -> list[Complaint]:
        """The rules of the repository that a text breaks, in the order of its lines.

        Raises:
            RuffFailed: as `formatted`.
        """
        said = self._run(["check", "--output-format", "json"], text, path)
        try:
            found = cast(list[dict[str, Any]], json.loads(said))
            return [
                Complaint(one["code"] or "syntax", one["message"], one["location"]["row"])
                for one in found
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise RuffFailed(f"its report cannot be read: {error}") from error

    def _run(self, wanted: Sequence[str], text: str, path: str) -> str:
        if len(text) > _LARGEST_CHARS:
            raise RuffFailed(f"the file has {len(text):,} characters")
        settings = [part for one in self.settings.inline for part in ("--config", one)]
        command, *options = wanted
        argv = [str(self.program), command, "--isolated", "--no-cache", *settings, *options]
        with TemporaryDirectory(prefix="gryph-ruff-") as folder:
            code, out, said = _ran([*argv, f"--stdin-filename={path}", "-"], text, folder)
        if code != _DONE and (code != _COMPLAINED or command == "format"):
            raise RuffFailed(said.strip().split("\n")[-1].strip()[:300] or f"it ended with {code}")
        return out


def _ran(argv: Sequence[str], text: str, folder: str) -> tuple[int, str, str]:
    """Exit code, output and errors of one run."""
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "RAYON_NUM_THREADS": "1"},
    ) as process:
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        try:
            out, errors = process.communicate(text.encode("utf-8", "surrogatepass"), _LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise RuffFailed(f"it took longer than {_LIMIT_S:.0f} s") from None
    return process.returncode, out.decode("utf-8", "replace"), errors.decode("utf-8", "replace")
