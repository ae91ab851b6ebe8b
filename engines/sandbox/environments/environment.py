"""The environment for the code under test: found in the cache, or built into it."""

import hashlib
import json
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Protocol

from engines.sandbox.environments.cache import PACKAGES, Cache
from engines.sandbox.environments.declared import declared
from engines.sandbox.environments.installed import are_installed
from engines.sandbox.environments.types import BuilderAway, Built, Declared, Environment, Refusal

_FORMAT = 1


class Builder(Protocol):
    """Installs packages; see `pip_builder.py`."""

    @property
    def identity(self) -> str:
        """What its outcome depends on beside the requirements."""
        ...

    def wait(self) -> None:
        """Called again and again while another process builds the same; takes a moment.

        Raises:
            Stopped: It was asked to stop.
        """
        ...

    def build(self, wanted: Declared, folder: Path) -> Built:
        """Install what can be had of `wanted` into `folder`.

        Raises:
            BuilderAway: It cannot build now.
            Stopped: It was asked to stop.
        """
        ...


def environment_for(checkout: Path, cache: Cache, builder: Builder) -> Environment:
    """The packages that the checkout's own files ask for; never an error of theirs.

    What could not be had is in `missing`, each with what helps. Nothing is built where this
    installation has them all.

    Raises:
        Stopped: The builder was asked to stop.
    """
    wanted = declared(checkout)
    if are_installed(wanted):
        return Environment(wanted, (), wanted.refused, "")
    key = _key(wanted, builder)
    with cache.alone_with(key, builder.wait):
        found = cache.find(key)
        if found is None:
            try:
                found = _built(wanted, key, cache, builder)
            except BuilderAway as away:
                missing = tuple(Refusal(one, str(away)) for one in wanted.requirements)
                return Environment(wanted, (), (*wanted.refused, *missing), str(away))
    packages, built = found
    return Environment(wanted, (packages,), (*wanted.refused, *built.missing), built.log)


def _built(wanted: Declared, key: str, cache: Cache, builder: Builder) -> tuple[Path, Built]:
    folder = cache.fresh_folder()
    try:
        built = builder.build(wanted, folder / PACKAGES)
        return cache.keep(key, folder, built), built
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _key(wanted: Declared, builder: Builder) -> str:
    """Told apart by what is asked, not by who asks: repositories with one lock file share it."""
    parts = [
        _FORMAT,
        sys.version,
        sysconfig.get_platform(),
        builder.identity,
        sorted(wanted.requirements),
        sorted(wanted.constraints),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
