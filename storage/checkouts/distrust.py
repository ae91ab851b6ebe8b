"""What git is told before it touches anything foreign: no prompts, hooks, filters or helpers.

Settings are those of git-config(1); variables those of git(1).
"""

import base64
import os
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.askPass": "",
    "core.sshCommand": "false",
    "core.gitProxy": "",
    "core.alternateRefsCommand": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.symlinks": "true",
    "core.bigFileThreshold": "32m",
    "core.packedGitWindowSize": "32m",
    "core.packedGitLimit": "256m",
    "init.templateDir": "",
    "safe.directory": "*",
    "credential.helper": "",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "fetch.unpackLimit": "1",
    "fetch.recurseSubmodules": "false",
    "fetch.uriProtocols": "",
    "transfer.bundleURI": "false",
    "submodule.recurse": "false",
    "pack.threads": "1",
    "index.threads": "1",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
UNTOUCHED = "* -text -ident !eol !filter !working-tree-encoding\n"
"""Attributes above those of the repository: files are written as they were committed, so that
none grows on the way and no filter is looked for."""


@dataclass(frozen=True)
class Access:
    """Which protocols git may speak, and the token it shows to one address."""

    protocol: str
    address: str
    token: str | None


def environment_of(settings: Path, access: Access | None) -> dict[str, str]:
    """Everything git learns from its surroundings; `settings` is a file written here.

    The settings are told twice: as variables, because these win over what a repository says of
    itself, and as a file, because git keeps the variables from its own counterpart when it
    fetches from a folder.
    """
    settings.write_text("".join(_in_file(key, value) for key, value in _SETTINGS.items()))
    told = dict(_SETTINGS)
    if access and access.token:
        told[f"http.{access.address}.extraHeader"] = _authorization(access.token)
    variables = {
        "PATH": os.defpath,
        "HOME": str(settings.parent),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ALLOW_PROTOCOL": access.protocol if access else "",
        **_as_variables(told),
    }
    for scheme, proxy in urllib.request.getproxies().items():
        variables[f"{scheme}_proxy"] = proxy
    authorities = ssl.get_default_verify_paths().cafile
    if authorities:
        variables["GIT_SSL_CAINFO"] = authorities
    return variables


def _in_file(key: str, value: str) -> str:
    section, _, name = key.partition(".")
    return f"[{section}]\n\t{name} = {value}\n"


def _as_variables(settings: Mapping[str, str]) -> dict[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def _authorization(token: str) -> str:
    """The token as a header; set as a variable it is on no command line and in no file."""
    credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return f"Authorization: Basic {credentials}"
