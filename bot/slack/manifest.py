"""The Slack app as Slack's app settings take it, made from the registry of commands.

https://docs.slack.dev/reference/app-manifest
"""

from collections.abc import Mapping
from typing import Any

from handlers import Command

NAME = "gryph"
_USAGE_MOST = 1_000
_ABOUT_MOST = 4_000
_SCOPES = (
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "im:history",
    "mpim:history",
    "reactions:read",
    "users:read",
)
_EVENTS = ("app_mention", "message.im", "reaction_added", "reaction_removed")


def manifest(commands: Mapping[str, Command], public_url: str | None = None) -> dict[str, Any]:
    """The app manifest; without a public address the app speaks through Socket Mode."""
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": NAME,
            "description": "A development assistant that runs on your own machine",
            "long_description": _about(commands),
            "background_color": "#2c3e50",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": NAME, "always_online": True},
            "slash_commands": [_slash(commands, public_url)],
        },
        "oauth_config": {"scopes": {"bot": list(_SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(_EVENTS), **_at(public_url, "events")},
            "interactivity": {"is_enabled": True, **_at(public_url, "interactions")},
            "org_deploy_enabled": False,
            "socket_mode_enabled": public_url is None,
            "token_rotation_enabled": False,
        },
    }


def _slash(commands: Mapping[str, Command], public_url: str | None) -> dict[str, Any]:
    usage = " | ".join(commands)
    slash: dict[str, Any] = {
        "command": f"/{NAME}",
        "description": "Ask the development assistant",
        "usage_hint": usage if len(usage) <= _USAGE_MOST else "help",
        "should_escape": True,
    }
    if public_url is not None:
        slash["url"] = _address(public_url, "commands")
    return slash


def _about(commands: Mapping[str, Command]) -> str:
    head = (
        "Mention @gryph or use /gryph; one line is one job, answered in the thread. Untrusted "
        "code runs in a sandbox on your own machine, and no code leaves it unless you configure "
        "a remote model.\n\n"
    )
    lines = [f"{verb}: {command.summary}" for verb, command in commands.items()]
    return (head + "\n".join(lines))[:_ABOUT_MOST]


def _at(public_url: str | None, path: str) -> dict[str, str]:
    return {} if public_url is None else {"request_url": _address(public_url, path)}


def _address(public_url: str, path: str) -> str:
    return f"{public_url.rstrip('/')}/slack/{path}"
