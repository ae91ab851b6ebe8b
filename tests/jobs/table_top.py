"""A desk over a plain folder, for jobs that run with the real sandbox."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from engines.sandbox.environments.declared import declared
from engines.sandbox.environments.types import Environment
from engines.sandbox.sandbox import Sandbox, find_sandbox
from engines.sandbox.types import NoIsolation
from engines.watch import Watch
from jobs.desk import Altered, Declined, NewArtifact
from jobs.requests import Source
from jobs.runner import RunningWatch
from storage.checkouts.history import History
from storage.ids import ArtifactId, JobId

JOB = JobId("J7K2M9Q")


@cache
def sandbox() -> Sandbox:
    try:
        return find_sandbox()
    except NoIsolation as reason:
        pytest.skip(str(reason))


@dataclass
class TableTop:
    """A desk over a plain folder."""

    root: Path
    job: JobId = JOB
    watch: Watch = field(default_factory=RunningWatch)
    kept: list[NewArtifact] = field(default_factory=list[NewArtifact])
    has_secrets: bool = False
    is_isolated: bool = True

    def checkout(self, source: Source, path: str) -> Path:
        assert (source.repository, path != "") == ("o/r", True)
        return self.root

    def history(self, source: Source) -> History:
        raise AssertionError(source)

    def environment(self, checkout: Path) -> Environment:
        return Environment(declared(checkout), (), (), "")

    def sandbox(self) -> Sandbox:
        if not self.is_isolated:
            raise Declined("This machine offers no isolation.")
        return sandbox()

    def keep(self, artifact: NewArtifact) -> ArtifactId:
        if self.has_secrets and artifact.replaces is not None:
            raise Altered(artifact.name)
        self.kept.append(artifact)
        return ArtifactId(f"artifact-{len(self.kept)}")
