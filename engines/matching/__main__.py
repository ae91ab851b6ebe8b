"""Use matching without the bot: `python -m engines.matching evaluate|recommend REPOSITORY …`, and
`learn FOLDER`, for a folder that keeps what was read of a repository.
"""

import argparse
import json
import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from engines.matching.engine import Matcher, evaluated, open_matcher
from engines.matching.lessons import teach
from engines.matching.metrics import summary
from engines.matching.mining.history import read_history
from engines.matching.protocol import as_json
from engines.matching.types import CannotMatch, Mode, Query, Ranking, Signature

_SHOWN = 10
_FILES = "--files"
_VALUED = frozenset({"--mode", "--dump", "--at", "--text", "--author", "--kept"})
_OPTIONS = frozenset({*_VALUED, _FILES, "--json", "--help", "-h"})
NOTHING_NEW = 3
"""How `learn` ends where there is nothing to do."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 where there is nothing to rank from, 3 where there is nothing to do."""
    given = sys.argv[1:] if arguments is None else arguments
    asked = _parser().parse_args(_joined(given))
    try:
        return _COMMANDS[asked.command](asked)
    except CannotMatch as reason:
        print(f"Cannot match: {reason}", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"Cannot match: {problem}", file=sys.stderr)
        return 1


def _joined(given: Sequence[str]) -> list[str]:
    """The same with what belongs to an option joined to it: a path or a text may begin with a dash.
    Whoever means one that is called as an option joins it themselves.
    """
    found: list[str] = []
    left = deque(given)
    while left:
        word = left.popleft()
        if word == _FILES:
            found.append(word)
            while left and left[0] not in _OPTIONS:
                found.append(f"{_FILES}={left.popleft()}")
        elif word in _VALUED and left:
            found.append(f"{word}={left.popleft()}")
        else:
            found.append(word)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m engines.matching", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    evaluate = commands.add_parser(
        "evaluate",
        allow_abbrev=False,
        help="ask about the last 15 % of a history, each task as it was begun",
    )
    recommend = commands.add_parser(
        "recommend",
        allow_abbrev=False,
        help="name people for one task, from the history up to a commit",
    )
    learn = commands.add_parser(
        "learn",
        allow_abbrev=False,
        help="learn what a history has to teach, and keep it with the history",
    )
    learn.add_argument("kept", type=Path, help="what was given to `recommend` as --kept")
    for command in (evaluate, recommend):
        command.add_argument("repository", type=Path, help="a git directory, bare or not")
    for command in (evaluate, recommend, learn):
        command.add_argument(
            "--mode", type=Mode, choices=list(Mode), default=Mode.AUTHOR, help="who is looked for"
        )
    evaluate.add_argument("--dump", type=Path, help="a file for one row of JSON a task")
    recommend.add_argument("--at", default="HEAD", help="the commit that the history ends with")
    recommend.add_argument(
        "--files", nargs="*", action="extend", default=[], help="paths that the task changes"
    )
    recommend.add_argument("--text", default="", help="what the task is")
    recommend.add_argument("--author", default="", help="whose task is to be reviewed: a key")
    recommend.add_argument("--kept", type=Path, help="a folder that keeps what was learned")
    recommend.add_argument("--json", action="store_true", help="everybody, as JSON")
    return parser


def _evaluate(asked: argparse.Namespace) -> int:
    with asked.dump.open("w", encoding="utf-8") if asked.dump else nullcontext() as file:
        history = read_history(asked.repository)
        rows = evaluated(history.tasks, asked.mode)
        if file is not None:
            file.writelines(
                json.dumps(as_json(row, asked.mode), ensure_ascii=False) + "\n" for row in rows
            )
    for note in history.notes:
        print(f"Note: {note}")
    if not rows:
        raise CannotMatch("the history holds no task that could be asked about")
    found = summary(rows)
    top1, top3, top5 = found.top
    print(
        f"{found.rows} tasks asked, {found.covered} of them by a candidate "
        f"({found.coverage:.0%}); {found.candidates:.0f} candidates on average"
    )
    if 2 * sum(not row.history for row in rows) > len(rows):
        print("Note: by its clocks, most of these tasks were begun before all others were merged.")
    print(f"MRR {found.mrr:.3f}, macro {found.macro_mrr:.3f}")
    print(f"top-1 {top1:.3f}, top-3 {top3:.3f}, top-5 {top5:.3f}")
    return 0


def _recommend(asked: argparse.Namespace) -> int:
    matcher = open_matcher(asked.repository, asked.at, kept=asked.kept)
    author = _signed(matcher, _decoded(asked.author)) if asked.author else None
    last_s = matcher.tasks[-1].merged_s
    files = tuple(_path(one) for one in asked.files)
    query = Query(last_s + 1, files, _decoded(asked.text), asked.mode, author)
    ranking = matcher.rank(query)
    if asked.json:
        print(json.dumps(_as_json(ranking, matcher.tip, matcher.notes), ensure_ascii=False))
    else:
        _tell(ranking, matcher.notes)
    return 0


def _signed(matcher: Matcher, author: str) -> Signature:
    """Who is meant by a key, an address or `Name <address>`."""
    known = matcher.people.signature_of(author)
    if known is not None:
        return known
    name, found, address = author.removesuffix(">").rpartition(" <")
    return Signature(name, address) if found and author.endswith(">") else Signature("", author)


def _decoded(given: str) -> str:
    """As histories are read: what is no UTF-8 is a replacement character."""
    return os.fsencode(given).decode(errors="replace")


def _path(given: str) -> str:
    path = _decoded(given)
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def _learn(asked: argparse.Namespace) -> int:
    if teach(asked.kept, asked.mode):
        print("Learned.")
        return 0
    print("All of it is learned already, or is being learned.")
    return NOTHING_NEW


_COMMANDS = {"evaluate": _evaluate, "recommend": _recommend, "learn": _learn}


def _as_json(ranking: Ranking, tip: str, notes: tuple[str, ...]) -> dict[str, object]:
    return {
        "history": tip,
        "confidence": ranking.confidence,
        "ranking": [[one.person.key, one.score] for one in ranking.candidates],
        "names": {one.person.key: one.person.name for one in ranking.candidates},
        "notes": list(notes),
    }


def _tell(ranking: Ranking, notes: tuple[str, ...]) -> None:
    for note in notes:
        print(f"Note: {note}")
    if not ranking.candidates:
        print("Nobody has done enough here to be named.")
        return
    print(f"The first is the one with a probability of {ranking.confidence:.0%}.")
    for place, one in enumerate(ranking.candidates[:_SHOWN], 1):
        print(f"{place}. {one.person.name} <{one.person.key}>  {one.score:.1%}")


if __name__ == "__main__":
    sys.exit(main())
