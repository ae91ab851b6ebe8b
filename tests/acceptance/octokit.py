"""GitHub's published example webhooks, fetched once and checked, into a cache outside the repo."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = "@octokit/webhooks-examples"
VERSION = "7.6.1"
INTEGRITY = "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ=="
COUNT = 329
FETCH_S = 60
_INDEX = "package/api.github.com/index.json"


class NoExamples(Exception):
    """They cannot be had here; the message says why."""


@dataclass(frozen=True)
class Example:
    """One webhook."""

    event: str
    payload: dict[str, Any]


def examples(cache: Path | None = None) -> list[Example]:
    """All of them, in the package's order.

    Raises:
        NoExamples: npm is not there, or does not get the package.
        ValueError: What was got is not what was pinned.
    """
    folder = cache or Path.home() / ".cache" / "gryphgen-tests"
    archive = folder / f"octokit-webhooks-examples-{VERSION}.tgz"
    if not archive.exists():
        _fetch(folder)
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise ValueError(f"{archive} is not the {PACKAGE} {VERSION} that was pinned")
    return list(_read(archive))


def _fetch(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NoExamples("npm is not installed")
    own = folder / str(os.getpid())  # test processes may fetch side by side
    own.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(own)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=FETCH_S, cwd=own)
        for archive in own.glob("*.tgz"):
            archive.replace(folder / archive.name)
    except subprocess.CalledProcessError as error:
        raise NoExamples(f"npm pack: {error.stderr.decode()[-300:]}") from error
    except subprocess.TimeoutExpired as error:
        raise NoExamples(f"npm pack took more than {FETCH_S} s") from error
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _read(archive: Path) -> Iterator[Example]:
    with tarfile.open(archive) as held:
        member = held.extractfile(_INDEX)
        assert member is not None
        for event in json.load(member):
            for payload in event["examples"]:
                yield Example(event["name"], payload)
