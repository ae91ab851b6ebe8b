"""Settings of a worker."""

from pydantic import Field

from storage.settings import StorageSettings


class WorkerSettings(StorageSettings):
    """What one worker process does and how much at once."""

    queues: str = Field(default="cpu", description="The queue this worker serves: cpu or gpu.")
    concurrency: int = Field(default=2, ge=1, le=64, description="Jobs it runs at the same time.")
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
