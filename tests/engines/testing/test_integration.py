"""Programs and applications are tested the way they are used."""

import pytest

from engines.source.module import parse_module
from engines.testing.integration.conversation import Told
from engines.testing.integration.detection import Kind, Subject, subject_of
from engines.testing.integration.scenarios import (
    Scenario,
    example,
    program_scenarios,
    web_scenarios,
)
from engines.testing.integration.text import conversations
from tests.engines.testing.conftest import Write

API = """\
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()
_notes: dict[int, dict[str, object]] = {}


class Note(BaseModel):
    text: str


@app.post("/notes", status_code=201)
def create_note(note: Note):
    number = len(_notes) + 1
    _notes[number] = {"id": number, "text": note.text}
    return _notes[number]


@app.get("/notes/{note_id}")
def read_note(note_id: int):
    if note_id not in _notes:
        raise HTTPException(404, "no such note")
    return _notes[note_id]


@app.get("/share/{people}")
def share(people: int):
    return {"each": 12 // people}
"""
PROGRAM = '''\
"""Adds up."""

import argparse


def main(argv=None):
    parser = argparse.ArgumentParser(prog="add")
    parser.add_argument("numbers", type=int, nargs="+")
    parser.add_argument("--file")
    parser.add_argument("--mode", choices=["sum", "mean"], default="sum")
    given = parser.parse_args(argv)
    total = sum(given.numbers)
    print(total if given.mode == "sum" else total / len(given.numbers))
    if given.file:
        with open(given.file) as handle:
            print(len(handle.read().splitlines()), "lines")
    return 0
'''
COMMANDS = '''\
import click


@click.group()
def cli():
    """Tools."""


@cli.command()
@click.argument("name")
@click.option("--shout", is_flag=True)
def greet(name, shout):
    click.echo(f"Hello {name.upper() if shout else name}")


@cli.command()
@click.argument("people", type=int)
def share(people):
    click.echo(12 // people)
'''


def test_an_application_is_asked_over_http_and_its_crashes_are_findings(write: Write) -> None:
    result = write(API, cpu_s=6.0)
    assert "    with TestClient(app) as client:\n" in result.source
    assert (
        "def test_create_note_answers_422_without_text(client):\n"
        '    response = client.post("/notes", json={})\n'
        "    assert response.status_code == 422\n"
        '    assert response.json()["detail"][0]["loc"] == ["body", "text"]\n'
    ) in result.source
    assert (
        '    created = client.post("/notes", json={"text": "text"}).json()\n'
        "    response = client.get(f\"/notes/{created['id']}\")\n"
        "    assert response.status_code == 200\n"
    ) in result.source
    assert '"detail": "no such note"' in result.source
    assert result.passed == result.tests
    assert result.after.line_percent == 100.0
    assert ('client.get("/share/0")', "ZeroDivisionError: integer division or modulo by zero") in [
        (one.call, one.error) for one in result.findings
    ]


def test_a_program_is_called_with_arguments_files_and_what_it_refuses(write: Write) -> None:
    result = write(PROGRAM, cpu_s=3.0)
    assert (
        "def test_main_exits_with_2_when_mode_is_wrong():\n"
        "    with pytest.raises(SystemExit) as stopped:\n"
        '        main(["--mode", "wrong", "1"])\n'
        "    assert stopped.value.code == 2\n"
    ) in result.source
    assert '(tmp_path / "sample.txt").write_text("one\\ntwo\\n")' in result.source
    assert 'assert capsys.readouterr().out == "1\\n2 lines\\n"' in result.source
    assert any("FileNotFoundError" in one.error for one in result.findings)
    assert result.passed == result.tests


def test_commands_of_click_are_invoked_although_no_function_can_be_called(write: Write) -> None:
    result = write(COMMANDS, cpu_s=3.0)
    assert (
        "def test_greet_prints_with_shout():\n"
        '    result = CliRunner().invoke(cli, ["greet", "--shout", "name"])\n'
        "    assert result.exit_code == 0\n"
        '    assert result.output == "Hello NAME\\n"\n'
    ) in result.source
    assert "from click.testing import CliRunner\n" in result.source
    assert result.after.line_percent == 100.0
    assert [one.call for one in result.findings] == ['CliRunner().invoke(cli, ["share", "0"])']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from fastapi import FastAPI\napi = FastAPI()\n", "api"),
        ("import fastapi\ndef make(debug=False):\n    return fastapi.FastAPI()\n", "make()"),
        ("import fastapi\ndef make(debug):\n    return fastapi.FastAPI()\n", None),
        ("import typer\napp: typer.Typer = typer.Typer()\n", "app"),
        ("import click\n@click.command()\ndef a(): ...\n@click.group()\ndef b(): ...\n", "b"),
        ("import argparse\ndef main(argv=None): ...\n", "main"),
        ("import argparse\ndef main(): ...\n", None),
        ("def main(argv): ...\n", None),
    ],
)
def test_what_a_module_is_shows_in_its_text(text: str, expected: str | None) -> None:
    found = subject_of(parse_module(text, "mod.py"))
    assert (found.expression if found else None) == expected


def test_values_fit_the_schema() -> None:
    schema: dict[str, object] = {
        "type": "object", "required": ["age"],
        "properties": {
            "age": {"type": "integer", "minimum": 18, "maximum": 20},
            "name": {"type": "string", "minLength": 5},
            "kind": {"enum": ["a", "b"]},
            "born": {"type": "string", "format": "date"},
        },
    }  # fmt: skip
    assert example(schema, 0) == {"age": 18}
    full = {"age": 18, "name": "bxxxx", "kind": "b", "born": "2024-02-29"}
    assert example(schema, 1, is_full=True) == full


def test_what_is_created_is_asked_for_afterwards() -> None:
    operations: list[dict[str, object]] = [
        {"method": "POST", "path": "/a", "name": "make", "parameters": [], "body": None},
        {"method": "GET", "path": "/a/{a_id}", "name": "read", "parameters": [], "body": None},
        {"method": "GET", "path": "/b/{a_id}", "name": "other", "parameters": [], "body": None},
    ]
    chains = [one for one in web_scenarios(operations) if len(one.steps) > 1]
    assert {one.words for one in chains} == {"after_make"}
    assert [one.steps[-1]["path"] for one in chains] == ["/a/{a_id}", "/a/{id}"]


def test_every_option_choice_and_refusal_of_a_command_is_said() -> None:
    number = {"name": "n", "option": None, "type": "integer", "required": True}
    mode = {"name": "mode", "option": "--mode", "choices": ["x", "y"]}
    said = program_scenarios([{"way": ["go"], "parameters": [number, mode]}])
    arguments = [one.steps[0]["args"] for one in said]
    for wanted in (["go", "1"], ["go", "--mode", "y", "1"], ["go"], ["go", "wrong"], ["--help"]):
        assert wanted in arguments


def test_a_program_that_leaves_out_its_own_name_is_given_one_and_nothing_goes_unchecked(
    write: Write,
) -> None:
    result = write(
        "import argparse\nimport sys\n\n\ndef main(argv=None):\n"
        "    argv = argv or sys.argv\n    parser = argparse.ArgumentParser()\n"
        "    parser.add_argument('--level', type=int, default=1)\n"
        "    given = parser.parse_args(argv[1:])\n    if given.level > 1:\n"
        "        print('loud')\n",
        cpu_s=3.0,
    )
    assert 'main(["program", "--level", "2"])\n    assert capsys.readouterr()' in result.source
    assert 'main(["program", "--level", "1"])' not in result.source


def test_unittest_classes_hold_them_too() -> None:
    subject = Subject(Kind.ARGPARSE, "main", "main")
    told = Told(
        Scenario("", "", ({"args": ["{folder}/sample.txt"]},)),
        {"kind": "answer", "status": 0, "text": "2\n"},
        frozenset(),
    )
    (test,) = conversations(subject, [told])
    assert "\n".join(test.lines(is_unittest=True)) == (
        "def test_main_prints(self):\n"
        "    tmp_path = Path(self.enterContext(tempfile.TemporaryDirectory()))\n"
        '    (tmp_path / "sample.txt").write_text("one\\ntwo\\n")\n'
        "    with contextlib.redirect_stdout(StringIO()) as printed:\n"
        '        status = main([str(tmp_path / "sample.txt")])\n'
        "    self.assertEqual(status, 0)\n"
        '    self.assertEqual(printed.getvalue(), "2\\n")'
    )
