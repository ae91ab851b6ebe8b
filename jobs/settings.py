"""Settings of a worker."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from storage.settings import StorageSettings

SLOTS = {"cpu": 2, "gpu": 64}
"""Jobs that a worker of the queue runs at the same time, where nothing else is said."""


class WorkerSettings(StorageSettings):
    """What one worker process does and how much at once."""

    queues: Literal["cpu", "gpu"] = Field(
        default="cpu",
        description="The queue this worker serves: `cpu`, or `gpu` for what a model writes. Of the "
        "latter one worker a device: its jobs share the model and its batches.",
    )
    concurrency: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Jobs it runs at the same time; when not set, 2, and 64 of those that mostly "
        "wait for a model.",
    )
    worker_listen: str | None = Field(
        default=None,
        description="Address, host:port, where a worker serves `/metrics`, `/healthz` and "
        "`/readyz`; off when not set. `gryph up` gives each of its workers one.",
    )
    github_git_url: str = Field(
        default="https://github.com",
        description="Base of clone addresses: `<base>/<owner>/<name>.git`.",
    )
    checkout_max_bytes: int = Field(
        default=512 << 20,
        gt=0,
        description="Largest checkout a job may take, in bytes: of the files, and once more of "
        "what is fetched to get them.",
    )
    checkout_max_files: int = Field(
        default=50_000, gt=0, description="The most files a checkout may hold."
    )
    checkout_max_file_bytes: int = Field(
        default=128 << 20, gt=0, description="Largest single file of a checkout, in bytes."
    )
    checkout_max_memory_bytes: int = Field(
        default=1 << 30,
        ge=256 << 20,
        description="The most memory each process of git may take for a checkout, in bytes.",
    )
    history_max_bytes: int = Field(
        default=1 << 30,
        gt=0,
        description="The most that is fetched and kept of one repository's history, in bytes; of a "
        "larger one only the latest commits.",
    )
    histories_max_bytes: int = Field(
        default=8 << 30,
        gt=0,
        description="The most that the kept histories of all repositories may take, with what was "
        "learned from them, in bytes. Those not used for longest are removed.",
    )
    install_packages: bool = Field(
        default=True,
        description="Whether the packages that a repository declares are installed for the tests "
        "of its code: wheels only, apart from the code, in a step of its own with a network and "
        "without credentials. Of a fork only after its commit was approved.",
    )
    package_index_url: str | None = Field(
        default=None,
        description="The index they come from; when not set, what the machine's pip.conf says.",
    )
    package_folder: Path | None = Field(
        default=None,
        description="A folder of wheels; without `GRYPH_PACKAGE_INDEX_URL` their only source.",
    )
    packages_max_bytes: int = Field(
        default=4 << 30,
        gt=0,
        description="The most that the kept packages of all repositories may take, in bytes. "
        "Those not used for longest are removed, but none that was used within the last hour.",
    )

    @property
    def slots(self) -> int:
        """Jobs at the same time."""
        return self.concurrency or SLOTS[self.queues]
