"""A million made-up messages and lines: what the grammar finds, reads, answers and costs.

`python -m tests.acceptance.grammar --cases 1000000 --seed 1 --processes 2` draws messages as
people write them on each face, half of them broken character by character, and command lines in
every spelling. What must be found is known from how a message was made, or told by stock
markdown-it-py (`markdown_reader`); exits 1 on a violation, with one small example of each kind.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from random import Random
from typing import Any

from bot.commands import COMMANDS
from bot.console.inbound import addressed
from bot.grammar import Found, GrammarError, find_lines, parse, suggest
from handlers import Call, Command
from tests.acceptance.fuzzed_lines import Typist, owed
from tests.acceptance.fuzzed_messages import Message, Writer, heard, mangled
from tests.acceptance.markdown_reader import places
from tests.acceptance.repeated_text import REPEATED, curves
from tests.benchmarks.grammar import suggestions
from tests.benchmarks.machine import machine
from tests.bot.grammar_commands import COMMANDS as MORE_COMMANDS

EVERY = 10**6
CHUNK = 5_000
"""Cases drawn from one seed, so that the figures do not depend on the number of processes."""
MOST_SHRINKS = 4_000
RIGHT_SUGGESTIONS = 0.95
LONGEST_SHOWN = 2_000


@dataclass
class Figures:
    """What was counted; `examples` holds one text for each kind of violation."""

    cases: Counter[str] = field(default_factory=Counter[str])
    violations: Counter[str] = field(default_factory=Counter[str])
    examples: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, other: "Figures") -> None:
        """Take in what another process counted."""
        self.cases += other.cases
        self.violations += other.violations
        self.examples = other.examples | self.examples

    def blame(self, kind: str, example: Callable[[], str]) -> None:
        """Count a violation; the first of its kind is shown."""
        self.violations[kind] += 1
        if kind not in self.examples:
            self.examples[kind] = example()


def chunk(seed: int, number: int, cases: int) -> Figures:
    """Some cases, half messages and half lines."""
    random = Random(f"{seed}-{number}")  # noqa: S311 (reproducible, not secret)
    figures = Figures()
    writer = Writer(random)
    typists = [Typist(random, COMMANDS), Typist(random, MORE_COMMANDS)]
    for case in range(cases):
        match case % 4:
            case 0:
                _known_message(writer.message(), figures)
            case 1:
                message = writer.message()
                written = mangled(message.written, random) if case % 16 > 1 else writer.soup()
                _any_message(heard(written, message.face), figures)
            case 2:
                _known_line(
                    typists[case // 4 % 2], (COMMANDS, MORE_COMMANDS)[case // 4 % 2], figures
                )
            case _:
                _any_line(typists[0].wrong(), random, figures)
    return figures


def _known_message(message: Message, figures: Figures) -> None:
    figures.cases["messages, known by construction"] += 1
    figures.cases["commands in them"] += len(message.commands)
    if kind := _message_verdict(message):
        figures.blame(f"{kind}, known by construction", lambda: _fewer_blocks(message, kind))


def _message_verdict(message: Message) -> str | None:
    text = heard(message.written, message.face)
    try:
        found = find_lines(text, limit=EVERY, verbs=COMMANDS).found
        read = [parse(each.line, COMMANDS) for each in found]
    except GrammarError:
        return "a false trigger"
    except Exception as error:  # noqa: BLE001 (counting crashes is the point)
        return f"a crash ({type(error).__name__})"
    wanted, got = Counter(message.commands), Counter(each.line for each in found)
    if got - wanted:
        return "a false trigger"
    if wanted - got:
        return "a missed command"
    if [each.line for each in found] != message.commands or not _stand_there(text, found):
        return "a command at the wrong place"
    if len(text) % 8 == 0 and not _counts_and_compares(text, len(found)):
        return "an edit or a limit miscounted"
    return None if all(call.verb in COMMANDS for call in read) else "a wrong verb"


def _counts_and_compares(text: str, many: int) -> bool:
    """Whether what is beyond the limit is counted, and nothing of an unchanged edit is new."""
    limited = find_lines(text, limit=2, verbs=COMMANDS)
    repeated = find_lines(f"{text}\n\n/gryph quota", previous=text, verbs=COMMANDS).found
    is_counted = (len(limited.found), limited.dropped) == (min(2, many), max(0, many - 2))
    return is_counted and len(repeated) <= 1


def _stand_there(text: str, found: tuple[Found, ...]) -> bool:
    return all(text[each.offset : each.offset + 6].lower() == each.address for each in found)


def _fewer_blocks(message: Message, kind: str) -> str:
    blocks = list(message.blocks)
    for block in message.blocks:
        fewer = replace(message, blocks=tuple(each for each in blocks if each is not block))
        if fewer.blocks and _message_verdict(fewer) == kind:
            blocks = list(fewer.blocks)
    smallest = replace(message, blocks=tuple(blocks))
    text = heard(smallest.written, message.face)
    found = [each.line for each in find_lines(text, verbs=COMMANDS).found]
    return f"{message.face.name} {text!r}\n    wanted {smallest.commands}\n    found {found}"


def _any_message(text: str, figures: Figures) -> None:
    figures.cases["messages, broken"] += 1
    if kind := _text_verdict(text):
        figures.blame(kind, lambda: repr(_shrunk(text, kind, _text_verdict)))


def _text_verdict(text: str) -> str | None:
    try:
        found = find_lines(text, limit=EVERY, verbs=COMMANDS).found
        for each in found:
            _read(each.line)
        if len(text) % 8 == 0:
            suggest(text, COMMANDS)
            find_lines(addressed(text), verbs=COMMANDS)
    except Exception as error:  # noqa: BLE001 (counting crashes is the point)
        return f"a crash ({type(error).__name__})"
    if not _stand_there(text, found):
        return "a command at the wrong place"
    known = places(text, COMMANDS)
    if known is None:
        return None
    got = {each.offset for each in found}
    if got - known.may:
        return "a false trigger"
    return "a missed command" if known.must - got else None


def _read(line: str) -> Call | GrammarError:
    try:
        return parse(line, COMMANDS)
    except GrammarError as error:
        return error


def _known_line(typist: Typist, commands: Mapping[str, Command], figures: Figures) -> None:
    figures.cases["lines in every spelling"] += 1
    line = typist.line()
    try:
        read = parse(line.typed, commands)
    except GrammarError as refusal:
        said = str(refusal)
        figures.blame("a correct line refused", lambda: f"{line.typed!r}: {said!r}")
        return
    except Exception as error:  # noqa: BLE001 (counting crashes is the point)
        figures.blame(f"a crash ({type(error).__name__})", lambda: repr(line.typed))
        return
    if replace(read, line="") != line.call:
        figures.blame("a line misread", lambda: f"{line.typed!r}\n    as {read}")


def _any_line(line: str, random: Random, figures: Figures) -> None:
    figures.cases["lines, broken"] += 1
    if kind := _line_verdict(line):
        figures.blame(kind, lambda: repr(_shrunk(line, kind, _line_verdict)))
    if random.random() < 0.1:
        _plain(line, figures)


def _line_verdict(line: str) -> str | None:
    try:
        read = _read(line)
        if isinstance(read, Call):
            return None if parse(read.line, COMMANDS) == read else "a line that reads otherwise"
        if kind := owed(read, line):
            return kind
        if read.nearest is not None:
            parse(read.nearest, COMMANDS)
        if find_lines(str(read), verbs=COMMANDS).found:
            return "an answer of ours that triggers"
    except Exception as error:  # noqa: BLE001 (counting crashes is the point)
        return f"a crash ({type(error).__name__})"
    return None


def _plain(line: str, figures: Figures) -> None:
    """A broken line said in plain language."""
    figures.cases["pleas"] += 1
    text = f"@gryph could you {line}"
    if kind := _plea_verdict(text):
        figures.blame(kind, lambda: repr(_shrunk(text, kind, _plea_verdict)))


def _plea_verdict(text: str) -> str | None:
    try:
        line = suggest(text, COMMANDS)
        if line is not None:
            parse(line, COMMANDS)
    except Exception as error:  # noqa: BLE001 (counting crashes is the point)
        return f"a crash ({type(error).__name__})"
    return None


def _shrunk(text: str, kind: str, verdict: Callable[[str], str | None]) -> str:
    """A shorter text with the same fault."""
    left = MOST_SHRINKS
    size = max(1, len(text) // 2)
    while size and left > 0:
        at = 0
        while at < len(text) and left > 0:
            left -= 1
            shorter = text[:at] + text[at + size :]
            if verdict(shorter) == kind:
                text = shorter
            else:
                at += size
        size //= 2
    return text


def campaign(cases: int, seed: int, processes: int) -> Figures:
    """Every case, spread over processes."""
    sizes = [CHUNK] * (cases // CHUNK) + [cases % CHUNK] * bool(cases % CHUNK)
    figures = Figures()
    with _workers(processes) as each:
        for some in each(chunk, repeat(seed), range(len(sizes)), sizes):
            figures.add(some)
    return figures


def time_campaign(processes: int, pieces: Sequence[str] = REPEATED) -> tuple[Figures, str]:
    """Every piece, repeated up to the longest text and the longest line that is read."""
    figures = Figures()
    slowest = (0.0, "none")
    with _workers(processes) as each:
        for curve in chain.from_iterable(each(curves, pieces)):
            slowest = max(slowest, (curve.seconds[-1], curve.what))
            if curve.grows_too_fast:
                figures.blame("time that grows too fast", lambda c=curve: str(c))
    return (
        figures,
        f"slowest text or line of {len(pieces)} that repeat: {slowest[0]:.2f} s ({slowest[1]})",
    )


@contextmanager
def _workers(processes: int) -> Generator[Callable[..., Iterator[Any]]]:
    if processes == 1:
        yield map
        return
    with ProcessPoolExecutor(processes) as pool:
        yield pool.map


def main() -> int:
    """Run and print; 1 on a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    print(machine("markdown-it-py", "rapidfuzz"), f"seed {options.seed}, {options.cases:,} cases")
    started = time.monotonic()
    figures = campaign(options.cases, options.seed, options.processes)
    print(f"{time.monotonic() - started:.0f} s on {options.processes} processes")
    slow, slowest = time_campaign(options.processes)
    figures.add(slow)
    print(slowest)
    random = Random(options.seed)  # noqa: S311 (reproducible, not secret)
    for edits in (1, 2):
        right = suggestions(random, edits, 2_000)
        print(f"right suggestions, slips {edits}: {right}")
        if min(right.values()) < RIGHT_SUGGESTIONS:
            figures.blame("too few right suggestions", lambda r=right: str(r))
    _print(figures)
    return 1 if figures.violations else 0


def _print(figures: Figures) -> None:
    for kind, count in figures.cases.items():
        print(f"{count:>10,} {kind}")
    print(f"{figures.violations.total():>10,} violations")
    for kind, count in figures.violations.most_common():
        print(f"{count:>10,} {kind}\n    {figures.examples[kind][:LONGEST_SHOWN]}")


if __name__ == "__main__":
    sys.exit(main())
