"""The manifest asks for what the code uses, and names every command."""

from bot.commands import COMMANDS
from bot.slack.inbound import PATHS
from bot.slack.manifest import manifest
from tests.fakes.slack.methods import METHODS
from tests.fakes.slack.server import FILES_SCOPE

NOT_CALLED = {"channels:read", "reactions:write"}
"""Scopes of methods that the fake has and our code does not use."""


def test_every_command_is_named() -> None:
    made = manifest(COMMANDS)
    slash = made["features"]["slash_commands"][0]
    for verb in COMMANDS:
        assert verb in slash["usage_hint"]
        assert (
            f"{verb}: {COMMANDS[verb].summary}" in made["display_information"]["long_description"]
        )


def test_addresses_are_the_routes() -> None:
    made = manifest(COMMANDS, "https://gryph.example/")
    addresses = {
        made["settings"]["event_subscriptions"]["request_url"],
        made["features"]["slash_commands"][0]["url"],
        made["settings"]["interactivity"]["request_url"],
    }
    assert addresses == {f"https://gryph.example{path}" for path in PATHS}
    assert made["settings"]["socket_mode_enabled"] is False


def test_without_an_address_it_is_socket_mode() -> None:
    made = manifest(COMMANDS)
    assert made["settings"]["socket_mode_enabled"] is True
    assert "url" not in made["features"]["slash_commands"][0]


def test_scopes_cover_what_is_called() -> None:
    scopes = set(manifest(COMMANDS)["oauth_config"]["scopes"]["bot"])
    needed = {scope for _, scope in METHODS.values() if scope and scope != "reactions:read"}
    assert {*(needed - NOT_CALLED), FILES_SCOPE} <= scopes


def test_texts_are_within_slacks_limits() -> None:
    shown = manifest(COMMANDS)["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 174 <= len(shown["long_description"]) <= 4_000
