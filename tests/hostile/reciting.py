"""A job that reads hostile text wherever a job may, and says all of it in every kind of block."""

import ast
import tomllib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jobs.desk import Desk, Done, NewArtifact
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
    Picture,
    Reply,
    Suggestion,
    Table,
    Text,
)
from jobs.requests import JobRequest
from storage.ids import ArtifactId
from tests.hostile.corpus import Attack, Place, written

SOURCE, TESTS, PROJECT = "src/a.py", "tests/test_a.py", "pyproject.toml"
ODD = "odd"
"""The folder of oddly named files."""
KINDS: Mapping[str, Callable[[str], Block]] = {
    "heading": lambda text: Heading(text=text),
    "text": lambda text: Text(markdown=text),
    "end of a text": lambda text: Text(markdown=f"It says: {text}"),
    "code": lambda text: Code(text=text, language="python"),
    "language": lambda text: Code(text="x", language=text),
    "cells": lambda text: Table(header=("a", text), rows=((text, "b"), ("`c`", f"`{text}`"))),
    "fields": lambda text: Fields(pairs=((text, "b"), ("a", text))),
    "diff": lambda text: Diff(path=text, text=f"-a\n+{text}"),
    "collapsible": lambda text: Collapsible(title=text, blocks=(Text(markdown=text),)),
    "long collapsible": lambda text: Collapsible(
        title=text, blocks=(Code(text="x = 1\n" * 90), Text(markdown=text))
    ),
    "suggestion": lambda text: Actions(actions=(Suggestion(line=f"test {text}", label=text),)),
}
_PICTURE = b"\x89PNG\r\n\x1a\n"


def all_kinds(text: str, artifact: ArtifactId) -> Reply:
    """A reply that says the text in every kind of block there is."""
    blocks = (*(make(text) for make in KINDS.values()), *_files(text, artifact))
    return Reply(summary=text, blocks=blocks)


def _files(text: str, artifact: ArtifactId) -> tuple[Block, ...]:
    return (
        File(artifact=artifact, name=text, size_bytes=8),
        Picture(artifact=artifact, alt=text),
    )


def files_with(attack: Attack, number: int) -> dict[str, bytes]:
    """A repository's files in which the attack stands everywhere it can."""
    said = repr(attack.text)
    described = "".join(_in_toml(character) for character in attack.text)
    cases = (
        f"import pytest\n\n\n@pytest.mark.parametrize('x', [1], ids=[{said}])\ndef test_a(x): ..."
    )
    return {
        SOURCE: f"{said}\n\n\ndef f():\n    raise ValueError({said})\n".encode(),
        TESTS: f"{cases}\n".encode(),
        PROJECT: f'[project]\nname = "x"\ndescription = "{described}"\n'.encode(),
        f"{ODD}/{number}/{written(Place.FILE, attack)}": b"x = 1\n",
    }


def _in_toml(character: str) -> str:
    plain = character.isprintable() and character not in '"\\'
    return character if plain else f"\\U{ord(character):08x}"


@dataclass
class Reciter:
    """See `jobs.desk.Work`."""

    attack: Attack
    number: int = 0
    elsewhere: Mapping[Place, str] = field(default_factory=dict[Place, str])
    """What a job does not read today, but one may: it is told."""
    seen: set[Place] = field(default_factory=set[Place])
    """Where the attack was really read."""

    def __call__(self, request: JobRequest, desk: Desk) -> Done:
        """Read it and say it."""
        read = {**_read(desk.checkout(request.source, SOURCE), self.number), **_talk(request)}
        self.seen |= read.keys()
        found = {**self.elsewhere, **read}
        makers = list(KINDS.values())
        desk.watch.report(found[Place.EXCEPTION])
        blocks = [
            makers[(at + self.number) % len(makers)](text) for at, text in enumerate(found.values())
        ]
        name = found[Place.FILE]
        path = f"tests/{name}" if self.number % 2 else f"tests/test_{self.number}.py"
        content = self.attack.text.encode(errors="replace")
        kept = desk.keep(NewArtifact(name, "text/x-python", content, apply_to=path))
        alt = desk.keep(NewArtifact(f"{name}.png", "image/png", _PICTURE))
        again = Action(verb="retry", label=found[Place.TEST], job=desk.job, words="")
        return Done(
            found[Place.DOCSTRING],
            Reply(
                summary=found[Place.TEST],
                blocks=(
                    *blocks,
                    File(artifact=kept, name=name, size_bytes=len(content)),
                    Picture(artifact=alt, alt=found[Place.TITLE]),
                    Actions(actions=(again,)),
                ),
            ),
        )


def _read(root: Path, number: int) -> dict[Place, str]:
    """What stands in the checked out files."""
    tree = ast.parse((root / SOURCE).read_text())
    (message,) = (each.value for each in ast.walk(tree.body[1]) if isinstance(each, ast.Constant))
    (names,) = (
        each.elts[0].value
        for each in ast.walk(ast.parse((root / TESTS).read_text()))
        if isinstance(each, ast.List)
        and isinstance(each.elts[0], ast.Constant)
        and isinstance(each.elts[0].value, str)
    )
    (odd,) = (each.name for each in (root / ODD / str(number)).iterdir())
    return {
        Place.FILE: odd,
        Place.TOML: str(tomllib.loads((root / PROJECT).read_text())["project"]["description"]),
        Place.DOCSTRING: ast.get_docstring(tree, clean=False) or "",
        Place.EXCEPTION: str(message),
        Place.TEST: str(names),
        Place.TRACEBACK: _raised(str(message)),
        Place.DIFF: "".join(f"+{line}\n" for line in str(message).split("\n")),
    }


def _raised(message: str) -> str:
    try:
        raise ValueError(message)
    except ValueError:
        return traceback.format_exc()


def _talk(request: JobRequest) -> dict[Place, str]:
    if request.talk is None:
        return {}
    return {Place.TITLE: request.talk.title, Place.BODY: request.talk.body}
