"""Runs candidates against changed versions of the module under test, in forked children.

A changed function's code is put into the place of the imported one's, so that everything that
refers to the function gets it. What runs on import is run again, in the module's own namespace.
"""

import __future__

import ast
import gc
import json
import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from engines.testing.jail.children import output_of, write
from engines.testing.jail.execution import Candidate, Runner
from engines.testing.jail.noticing import is_noticed
from engines.testing.jail.process import Allowance

Fact = dict[str, Any]

_LEAST_LIMIT_CPU_S, _SLOWER = 0.03, 5.0
"""A changed call may take this long, and so many times as long as the unchanged one."""
_SILENCE_LIMIT_S = 2.0
_NOTICED, _UNNOTICED, _NEXT, _BROKEN, _OVER = b"+", b"-", b"next", b"broken", b"over"


@dataclass(frozen=True)
class Mutant:
    """See `engines/testing/mutation/mutants.py`; `candidates` are numbers of watched ones."""

    unit: str
    start: int
    text: str
    candidates: tuple[int, ...]


@dataclass(frozen=True)
class _Watched:
    """A candidate with what it shows on the unchanged module, and how long that takes."""

    candidate: Candidate
    seen: Fact
    cpu_s: float


@dataclass(frozen=True)
class _Trial:
    """Code for some functions, or for the module's statement at `start`, and who looks at it."""

    code: CodeType | None
    functions: Sequence[FunctionType]
    start: int
    watched: Sequence[_Watched]


class Mutation:
    """One imported module, its watched candidates, and the means to change it.

    `renewed` gives a runner for the module's namespace as it is after it ran again.
    """

    def __init__(
        self, module: ModuleType, file: str, runner: Runner, renewed: Callable[[], Runner]
    ) -> None:
        self._module = module
        self._file = file
        self._runner = runner
        self._renewed = renewed
        self._watched: dict[int, _Watched] = {}
        self._functions: dict[tuple[str, int], list[FunctionType]] = {}
        self._statements: dict[int, CodeType] = {}
        self._repeatable: dict[int, bool] = {}

    def watch(self, candidates: Sequence[Candidate], allowance: Allowance) -> list[int]:
        """Note what they show, too; the numbers of those that show the same in another order."""
        seen = self._baseline(candidates, allowance.left_s / 2)
        first = {one.candidate.number: one for one in seen}
        shown = [one.candidate for one in seen]
        steady: list[int] = []
        for again in self._baseline(shown[::-1], allowance.left_s):
            number = again.candidate.number
            one = first.get(number)
            if one and one.seen["kind"] != "hang" and not is_noticed(one.seen, again.seen):
                self._watched[number] = one
                steady.append(number)
        return sorted(steady)

    def _baseline(self, candidates: Iterable[Candidate], left_s: float) -> list[_Watched]:
        def work(writing: int) -> None:
            for one in candidates:
                if time.process_time() > left_s:
                    return
                started_s = time.thread_time()
                seen = self._run(one)
                line = json.dumps([seen, time.thread_time() - started_s])
                write(writing, line.encode() + b"\n")

        return list(_understood(candidates, _lines(work)))

    def killers(
        self, mutants: Sequence[Mutant], enough: int, allowance: Allowance
    ) -> list[list[int] | None]:
        """For each mutant, up to `enough` candidates that notice it; None where it is not made,
        or where the allowance is used up.

        They are tried one after the other in one child until one hangs or dies, changed functions
        and what runs on import apart.
        """
        trials = [self._trial(one, allowance) for one in mutants]
        found: list[list[int] | None] = [None] * len(mutants)
        waiting = [place for place, one in enumerate(trials) if one]
        waiting.sort(key=lambda place: not mutants[place].unit)
        while waiting and allowance.left_s > 0:
            kind = bool(mutants[waiting[0]].unit)
            alike = takewhile(lambda place: bool(mutants[place].unit) == kind, waiting)  # noqa: B023 - used at once
            part = [one for place in alike if (one := trials[place])]
            tried = self._tried(part, enough, allowance.left_s)
            for place, numbers in zip(waiting, tried, strict=False):
                found[place] = numbers
            waiting = waiting[len(tried) :]
        return found

    def _trial(self, mutant: Mutant, allowance: Allowance) -> _Trial | None:
        watched = [self._watched[one] for one in mutant.candidates if one in self._watched]
        try:
            whole = self._compiled(mutant.text)
        except (SyntaxError, ValueError):
            return None
        if mutant.unit:
            functions = self._functions_at(mutant.unit, mutant.start)
            code = _code_named(whole, mutant.unit.split("."))
            fits = code and all(one.__code__.co_freevars == code.co_freevars for one in functions)
            return _Trial(code, functions, 0, watched) if functions and fits else None
        self._check_repeatable(watched, allowance)
        watched = [one for one in watched if self._repeatable[one.candidate.number]]
        is_known = mutant.start in self._statements
        return _Trial(whole, (), mutant.start, watched) if watched and is_known else None

    def _check_repeatable(self, watched: Sequence[_Watched], allowance: Allowance) -> None:
        """Which of them show the same after the unchanged module was run again."""
        if not self._statements:
            for one in ast.parse(Path(self._file).read_bytes()).body:
                self._statements[one.lineno] = self._compiled(ast.Module([one], []))
        new = [one for one in watched if one.candidate.number not in self._repeatable]
        if new:
            tried = self._tried([_Trial(None, (), 0, new)], len(new), allowance.left_s)
            for one in new:
                is_known = bool(tried) and one.candidate.number not in tried[0]
                self._repeatable[one.candidate.number] = is_known

    def _compiled(self, text: str | ast.Module) -> CodeType:
        is_postponed = vars(self._module).get("annotations") is __future__.annotations
        flags = __future__.annotations.compiler_flag if is_postponed else 0
        return compile(text, self._file, "exec", flags=flags, dont_inherit=True)

    def _functions_at(self, unit: str, start: int) -> list[FunctionType]:
        """The functions made from the file's code of that name and line, decorated or not."""
        if not self._functions:
            gc.unfreeze()
            for one in gc.get_objects():
                if type(one) is FunctionType and one.__code__.co_filename == self._file:
                    key = (one.__code__.co_qualname, one.__code__.co_firstlineno)
                    self._functions.setdefault(key, []).append(one)
            gc.freeze()
        return self._functions.get((unit, start), [])

    def _tried(self, trials: Sequence[_Trial], enough: int, left_s: float) -> list[list[int]]:
        """For each trial who noticed; fewer than trials where a child ended, and none of those
        for which no CPU time was left.
        """

        def work(writing: int) -> None:
            for trial in trials:
                if time.process_time() > left_s:
                    write(writing, _OVER + b"\n")
                    return
                with self._changed(trial, writing):
                    self._look(trial.watched, enough, writing)
                write(writing, _NEXT + b"\n")

        found: list[list[int]] = [[]]
        told = 0
        for line in _lines(work):
            numbers = [one.candidate.number for one in trials[len(found) - 1].watched]
            if line == _OVER:
                return found[:-1]
            if line == _NEXT:
                found.append([])
                told = 0
            elif line == _BROKEN:
                found[-1] = numbers[:enough]
            else:
                found[-1] += numbers[told : told + 1] if line == _NOTICED else []
                told += 1
            if len(found) > len(trials):
                return found[:-1]
        rest = trials[len(found) - 1].watched[told : told + 1]
        found[-1] += [one.candidate.number for one in rest]  # it hung or killed the child
        return found

    def _run(self, candidate: Candidate) -> Fact:
        own = os.getpid()
        seen = self._runner.run(candidate)
        if os.getpid() != own:
            os._exit(0)  # the call forked, and this is not the process that was asked
        return seen

    def _look(self, watched: Sequence[_Watched], enough: int, writing: int) -> None:
        noticed = 0
        for one in watched:
            self._runner.limit_cpu_s = max(_LEAST_LIMIT_CPU_S, _SLOWER * one.cpu_s)
            now = self._run(one.candidate)
            is_killer = is_noticed(one.seen, now)
            noticed += is_killer
            write(writing, (_NOTICED if is_killer else _UNNOTICED) + b"\n")
            if noticed == enough or now["kind"] == "hang":
                return

    @contextmanager
    def _changed(self, trial: _Trial, writing: int) -> Generator[None]:
        before = [one.__code__ for one in trial.functions]
        try:
            if trial.functions and trial.code:
                for one in trial.functions:
                    one.__code__ = trial.code
            else:
                self._run_again(trial)
            yield
        except BaseException:  # noqa: BLE001 - a stranger's import raises what it likes
            write(writing, _BROKEN + b"\n")
        finally:
            for one, code in zip(trial.functions, before, strict=True):
                one.__code__ = code

    def _run_again(self, trial: _Trial) -> None:
        """Execute the module's statements once more, one of them changed."""
        for line, statement in self._statements.items():
            code = trial.code if line == trial.start and trial.code else statement
            exec(code, vars(self._module))  # noqa: S102 - in the jail
        self._runner = self._renewed()


def _lines(work: Callable[[int], None]) -> list[bytes]:
    """What the work writes in a child with a folder of its own."""

    def inside(writing: int) -> None:
        gc.disable()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            work(writing)
            os.chdir("/")

    return output_of(inside, _SILENCE_LIMIT_S).split(b"\n")[:-1]


def _understood(candidates: Iterable[Candidate], lines: Sequence[bytes]) -> Iterator[_Watched]:
    """What was seen, as far as the lines are ours: the code under test can write there as well."""
    for candidate, line in zip(candidates, lines, strict=False):
        try:
            seen, cpu_s = json.loads(line)
            yield _Watched(candidate, {**seen, "kind": str(seen["kind"])}, float(cpu_s))
        except (ValueError, TypeError, LookupError, RecursionError):
            return


def _code_named(whole: CodeType, names: Sequence[str]) -> CodeType | None:
    """The code of a function inside that of the text around it."""
    found: CodeType | None = whole
    for name in names:
        inner = [one for one in found.co_consts if isinstance(one, CodeType)] if found else []
        found = next((one for one in inner if one.co_name == name), None)
    return found
