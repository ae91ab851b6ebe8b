import re
from collections.abc import Mapping
from typing import Any

import pytest

from bot.commands import COMMANDS
from bot.discord.buttons import button_of, line_of
from bot.discord.slash import TooManyOptions, command_payload, payload_digest
from bot.discord.slash import line_of as slash_line
from bot.grammar import parse
from handlers import Option, Takes
from jobs.messages import Action, Suggestion
from storage.ids import JobId
from tests.bot.discord.registry import REGISTRY, command

JOB = JobId("J7K2M9Q")


def pressed(verb: str, **values: object) -> dict[str, Any]:
    """The data of a slash interaction."""
    options = [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]
    return {"name": "gryph", "options": [{"name": verb, "type": 1, "options": options}]}


def assert_within_limits(option: Mapping[str, Any]) -> None:
    assert re.fullmatch(r"[-_a-z0-9]{1,32}", option["name"])
    assert 1 <= len(option["description"]) <= 100
    children = option.get("options", [])
    assert len(children) <= 25
    required = [child.get("required", False) for child in children]
    assert required == sorted(required, reverse=True), "Discord wants the required ones first"
    for child in children:
        assert_within_limits(child)


@pytest.mark.parametrize("commands", [COMMANDS, REGISTRY])
def test_registry_fits_into_one_slash_command(commands: Mapping[str, Any]) -> None:
    payload = command_payload(commands)
    assert_within_limits(payload)
    assert [each["name"] for each in payload["options"]] == list(commands)


def test_digest_changes_with_the_registry_alone() -> None:
    payload = command_payload(REGISTRY)
    assert payload_digest(payload) == payload_digest(command_payload(dict(REGISTRY)))
    fewer = {verb: REGISTRY[verb] for verb in ("test", "help")}
    assert payload_digest(payload) != payload_digest(command_payload(fewer))


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (pressed("test", target="src/a.py"), "test src/a.py"),
        (
            pressed("test", target="src/my file.py", style="unittest", dry_run=True),
            'test "src/my file.py" style=unittest --dry-run',
        ),
        (pressed("test", target="a.py", dry_run=False, arguments="seed=7"), "test a.py seed=7"),
        (pressed("test", target='say "hi".py'), "test 'say \"hi\".py'"),
        (pressed("feedback", job=JOB, words="up  the names"), f"feedback {JOB} up the names"),
        (pressed("status"), "status"),
        (pressed("status", job=JOB), f"status {JOB}"),
        (pressed("help", words="test\nme"), "help test me"),
        (pressed("gone", target="a.py"), "gone"),
        ({"name": "gryph"}, "help"),
    ],
)
def test_options_make_the_line_a_person_would_type(data: Mapping[str, Any], line: str) -> None:
    assert slash_line(data, REGISTRY) == line


def test_line_made_of_options_is_understood_by_the_grammar() -> None:
    data = pressed("test", target="src/my file.py", style="unittest", dry_run=True)
    call = parse(slash_line(data, REGISTRY), REGISTRY)
    assert call.targets[0].path == "src/my file.py"
    assert call.options == {"style": "unittest"}
    assert call.flags == {"dry-run"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (tuple(Option(f"o{number}", "x") for number in range(25)), "27 options of test"),
        ((Option("target", "x"),), "have one name"),
        ((Option("Loud", "x"),), "No names for Discord"),
        ((Option("o", "x", choices=tuple(map(str, range(26)))),), "26 choices of o"),
    ],
)
def test_registry_that_does_not_fit_is_refused(options: tuple[Option, ...], said: str) -> None:
    with pytest.raises(TooManyOptions, match=said):
        command_payload({"test": command("test", Takes.TARGET, *options)})


@pytest.mark.parametrize(
    "action",
    [
        Action(verb="cancel", label="Cancel", job=JOB, destructive=True),
        Action(verb="feedback", label="👍", job=JOB, words="up it: works"),
        Suggestion(line="test src/a.py::f#L3-9 style=unittest", label="Run it"),
    ],
)
def test_button_remembers_its_line(action: Action | Suggestion) -> None:
    button = button_of(action)
    assert button is not None
    assert line_of(button.custom_id) == action.line


@pytest.mark.parametrize("custom_id", ["", "x:cancel:J7K2M9Q", "g:", "g:cancel", "g:run:", "g::x"])
def test_strange_button_is_none_of_ours(custom_id: str) -> None:
    assert line_of(custom_id) is None
