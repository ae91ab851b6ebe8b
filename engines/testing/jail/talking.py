"""How a program or application is talked to inside the sandbox, and what it answers.

A scenario is a list of steps; a step is `{"args": [...]}` for a program, or `{"method", "path",
"params", "json"}` for a web application, whose path may hold `{name}` for what the answer before
calls so. Answers are plain data.
"""

import argparse
import contextlib
import importlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engines.testing.jail.kinds import is_a
from engines.testing.jail.overriding import override
from engines.testing.jail.raising import Sites

Fact = dict[str, Any]
Talk = Callable[[Fact, Fact], Fact]

_TEXT_LIMIT_CHARS = 4_000
FOLDER = "{folder}"
"""Stands in arguments for a folder with a file `sample.txt` in it."""


class _WantsInput(BaseException):
    """The program reads what nobody can type where tests run."""


class _NoInput(io.TextIOBase):
    @override
    def read(self, _size: int | None = -1, /) -> str:
        raise _WantsInput

    @override
    def readline(self, _size: int = -1, /) -> str:
        raise _WantsInput


_PROBE = ("program", "argument")


class _Stopped(BaseException):
    """Carries an argument parser out of the program that was about to use it."""

    def __init__(self, parser: argparse.ArgumentParser, given: object) -> None:
        super().__init__()
        self.parser = parser
        self.given = given


def web(subject: Any, sites: Sites) -> Talk:
    """Requests through the framework's own test client."""
    client_of: Any = importlib.import_module("starlette.testclient").TestClient

    def talk(step: Fact, before: Fact) -> Fact:
        body: Any = before.get("json")
        known: Fact = body if is_a(body, dict) else {}
        path = str(step["path"])
        for name, value in known.items():
            path = path.replace("{" + name + "}", str(value))
        if "{" in path:
            return {"kind": "unsaid"}
        try:
            answer = state["client"].request(
                step["method"], path, params=step.get("params"), json=step.get("json")
            )
        except Exception as error:  # noqa: BLE001 - a stranger's endpoint raises what it likes
            return sites.raised(error).fact()
        return _answered(answer)

    state: Fact = {"client": client_of(subject).__enter__()}
    return talk


def _answered(answer: Any) -> Fact:
    kind = str(answer.headers.get("content-type", "")).partition(";")[0]
    found: Fact = {"kind": "answer", "status": answer.status_code, "content": kind}
    text = answer.text
    if len(text) <= _TEXT_LIMIT_CHARS:
        found["text"] = text
        if kind == "application/json" and text:
            found["json"] = json.loads(text)
    return found


def click(subject: Any, sites: Sites) -> Talk:
    """Arguments through click's own runner."""
    return _through(importlib.import_module("click.testing").CliRunner(), subject, sites)


def typer(subject: Any, sites: Sites) -> Talk:
    """Arguments through typer's."""
    return _through(importlib.import_module("typer.testing").CliRunner(), subject, sites)


def _through(runner: Any, subject: Any, sites: Sites) -> Talk:

    def talk(step: Fact, _before: Fact) -> Fact:
        result = runner.invoke(subject, step["args"])
        if result.exception and not isinstance(result.exception, SystemExit):
            return sites.raised(result.exception).fact()
        return {"kind": "answer", "status": result.exit_code, "text": _short(result.output)}

    return talk


def program(subject: Any, sites: Sites) -> Talk:
    """Arguments given to a `main(argv)`."""

    def talk(step: Fact, _before: Fact) -> Fact:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            sys.stdin = _NoInput()
            try:
                value = subject(step["args"])
            except _WantsInput:
                return {"kind": "unsaid"}
            except SystemExit as leaving:
                code = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
                return {
                    "kind": "answer",
                    "status": code,
                    "exits": True,
                    "text": _short(out.getvalue()),
                }
            except BaseException as error:  # noqa: BLE001 - as above
                return sites.raised(error).fact()
        returned = value if isinstance(value, int) else None
        return {"kind": "answer", "status": returned, "text": _short(out.getvalue())}

    return talk


def _short(text: str) -> str | None:
    return text if len(text) <= _TEXT_LIMIT_CHARS else None


def parser_of(subject: Any) -> tuple[argparse.ArgumentParser | None, list[str]]:
    """The parser that a `main` makes, caught when it is about to read its arguments, and what
    has to stand before these: the name of the program, where `main` leaves that out itself.
    """
    methods = ("parse_args", "parse_known_args", "parse_intermixed_args")
    kept = {name: getattr(argparse.ArgumentParser, name) for name in methods}

    def stop(self: argparse.ArgumentParser, *given: object, **named: object) -> None:
        raise _Stopped(self, given[0] if given else named.get("args"))

    for name in methods:
        setattr(argparse.ArgumentParser, name, stop)
    try:
        subject(list(_PROBE))
    except _Stopped as stopped:
        return stopped.parser, list(_PROBE[:1]) if stopped.given == list(_PROBE[1:]) else []
    except BaseException:  # noqa: BLE001 - it never came to its arguments
        return None, []
    finally:
        for name, method in kept.items():
            setattr(argparse.ArgumentParser, name, method)
    return None, []


def sample_folder(folder: Path) -> Path:
    """A folder that arguments can name files in."""
    (folder / "sample.txt").write_text("one\ntwo\n")
    return folder
