"""The process inside the sandbox that talks to a program or a web application."""

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from engines.sandbox.channel import open_channel
from engines.testing.jail import describing, probes, talking
from engines.testing.jail.children import output_of, write
from engines.testing.jail.process import cpu_s, forget_ourselves, silence
from engines.testing.jail.raising import Sites

Fact = dict[str, Any]

_SILENCE_LIMIT_S = 10.0
_TALKS = {
    "web": talking.web, "click": talking.click, "typer": talking.typer,
    "argparse": talking.program,
}  # fmt: skip


def main() -> None:
    """Describe the subject once, then run scenarios as often as asked."""
    channel = open_channel()
    request: Fact = cast(Fact, channel.receive())
    forget_ourselves()
    silence()
    sys.path[:0] = request["paths"]
    probes.install(str(request["module"]), str(request["file"]))
    module = importlib.import_module(str(request["module"]))
    subject = _subject(module, request)
    sites = Sites(str(request["root"]), str(request["file"]))
    channel.send({"operations": _described(request["kind"], subject), "cpu_s": cpu_s()})
    while True:
        try:
            asked: Fact = cast(Fact, channel.receive())
        except EOFError:
            return
        together: bool = asked["together"]
        groups = [asked["scenarios"]] if together else [[one] for one in asked["scenarios"]]
        told = [one for group in groups for one in _run(group, request["kind"], subject, sites)]
        channel.send({"told": told, "cpu_s": cpu_s()})


def _subject(module: Any, request: Fact) -> Any:
    named: Any = getattr(module, str(request["name"]))
    if request["is_made"]:
        return named()
    return named


def _described(kind: str, subject: Any) -> list[Fact]:
    if kind == "web":
        return describing.web(subject)
    if kind == "argparse":
        return describing.program(*talking.parser_of(subject))
    if kind == "typer":
        subject = importlib.import_module("typer.main").get_command(subject)
    return describing.click(subject)


def _run(scenarios: list[list[Fact]], kind: str, subject: Any, sites: Sites) -> list[Fact | None]:
    """What each scenario showed, all in one child; None for what was lost with it."""

    def work(writing: int) -> None:
        own = os.getpid()
        with tempfile.TemporaryDirectory() as folder:
            talking.sample_folder(Path(folder))
            talk = _TALKS[kind](subject, sites)
            for one in scenarios:
                line = json.dumps(_told(one, talk, folder)) + "\n"
                if os.getpid() == own:
                    write(writing, line.encode())

    lines = output_of(work, _SILENCE_LIMIT_S).split(b"\n")[:-1]
    found: list[Fact | None] = [json.loads(one) for one in lines]
    return [*found, *[None] * (len(scenarios) - len(found))][: len(scenarios)]


def _told(scenario: list[Fact], talk: talking.Talk, folder: str) -> Fact:
    probes.hits.clear()
    answer: Fact = {}
    for step in scenario:
        given = dict(step)
        if "args" in step:
            given["args"] = [one.replace(talking.FOLDER, folder) for one in step["args"]]
        answer = talk(given, answer)
    if folder in str(answer.get("text", "")):
        answer.pop("text")
    return {"answer": answer, "hits": sorted(probes.hits)}
