"""Measure the grammar: `python -m tests.benchmarks.grammar [--seed N] [--cases N]`.

Suggestions are checked on slips of verbs and option names, time on messages as people write them.
What triggers is the campaign `tests.acceptance.grammar`.
"""

import argparse
import json
import platform
import time
from random import Random
from statistics import quantiles

from bot.commands import COMMANDS
from bot.grammar import GrammarError, find_lines, parse
from tests.bot.grammar_messages import slip

TYPED = ("test src/a.py style=unittest", "test src/a.py --budget 20s seed=7", "config unset=style")
LONG = (
    "Thanks for looking into this! The fix is fine with me, *but* see `a.py`:\n\n- one\n- two\n\n"
)
MESSAGES = (
    "/gryph test src/parser.py::Parser.parse style=unittest",
    "@gryph status J7K2M9Q",
    LONG * 12 + "/gryph test src/parser.py#L10-40\n\n> quoted\n\n```python\nx = 1\n```\n",
    LONG * 3 + "hey @gryph test src/a.py",
)


def main() -> None:
    """Print the figures as JSON."""
    arguments = _arguments()
    random = Random(arguments.seed)  # noqa: S311 (reproducible, not secret)
    typed = {f"{edits} slips": suggestions(random, edits, arguments.cases) for edits in (1, 2)}
    figures = {
        "machine": f"{platform.machine()}, {platform.processor() or platform.system()}",
        "python": platform.python_version(),
        "seed": arguments.seed,
        "right_suggestions": typed,
        "parse_cpu_us": timing(arguments.cases),
        "longest_text_cpu_ms": longest(),
    }
    print(json.dumps(figures, indent=2))


def suggestions(random: Random, edits: int, cases: int) -> dict[str, float]:
    """The share of slips, in verbs and in option names, whose nearest command is the right one."""
    verbs = [line for command in COMMANDS.values() for line in command.examples]
    names = {option.name for command in COMMANDS.values() for option in command.options}
    return {
        "verbs": _share(random, edits, cases, [(line, line.split()[0]) for line in verbs]),
        "options": _share(
            random,
            edits,
            cases,
            [(line, name) for line in (*TYPED, *verbs) for name in names if f"{name}=" in line],
        ),
    }


def _share(random: Random, edits: int, cases: int, typed: list[tuple[str, str]]) -> float:
    right = tried = 0
    while tried < cases:
        line, word = random.choice(typed)
        slipped = word
        for _ in range(edits):
            slipped = slip(slipped, random) if len(slipped) > 1 else slipped
        if slipped == word:
            continue
        tried += 1
        right += _nearest(line.replace(word, slipped, 1)) == line
    return round(right / tried, 4)


def _nearest(line: str) -> str | None:
    try:
        parse(line, COMMANDS)
    except GrammarError as error:
        _, _, rest = str(error).partition("Nearest correct command:\n```text\n/gryph ")
        return rest.partition("\n")[0] or None
    return None


def timing(cases: int) -> dict[str, float]:
    """CPU microseconds to find and parse the commands of a message, parser warm."""
    taken: list[float] = []
    for number in range(cases):
        start = time.process_time_ns()
        for found in find_lines(MESSAGES[number % len(MESSAGES)], verbs=COMMANDS).found:
            parse(found.line, COMMANDS)
        taken.append((time.process_time_ns() - start) / 1000)
    cuts = quantiles(taken[len(MESSAGES) :], n=100)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


def longest() -> dict[str, float]:
    """CPU milliseconds for 200,000 characters made to be slow."""
    hostile = {
        "brackets": "/gryph test a.py\n" + "[" * 200_000,
        "mentions": "@gryph x " * 25_000,
        "commands": "/gryph test a.py <!-- x -->\n" * 8_000,
        "tags": "<a " * 70_000 + "\n@gryph test a.py",
        "list": "- /gryph test a.py\n" * 11_000,
        "prose": "word " * 40_000,
    }
    taken: dict[str, float] = {}
    for name, text in hostile.items():
        start = time.process_time_ns()
        find_lines(text, verbs=COMMANDS)
        taken[name] = round((time.process_time_ns() - start) / 1e6, 1)
    return taken


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cases", type=int, default=20_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
