"""What is asked of a checkout, what comes of it, and how it can fail."""

from dataclasses import dataclass
from pathlib import Path


class CheckoutRefused(Exception):
    """The code cannot be had as asked; the message is Markdown for the person."""


class CheckoutFailed(Exception):
    """The repository's host did not answer, or not in time; the same may succeed later."""


class CheckoutStopped(Exception):
    """The caller asked for an end."""


@dataclass(frozen=True)
class CheckoutSource:
    """Which code.

    `repository` is "owner/name" with the full `sha` of a commit; `ref` and `number`, of a pull
    request, say where that commit was seen, for hosts that do not hand out bare commits. Or it is
    "local:" and an absolute folder, taken as it is when there is no `sha`.
    """

    repository: str
    sha: str | None = None
    ref: str | None = None
    number: int | None = None


@dataclass(frozen=True)
class CheckoutPolicy:
    """From where, as whom and how much."""

    git_url: str
    """Base of clone addresses, `<git_url>/<owner>/<name>.git`: https, http or file."""
    token: str | None = None
    max_bytes: int = 512 * 2**20
    """Of the files, and of what is fetched to get them."""
    max_files: int = 50_000
    timeout_s: float = 300.0
    """For everything together."""


@dataclass(frozen=True)
class Checked:
    """A finished checkout."""

    root: Path
    sha: str | None
    """The commit; of a local folder the one its changes stand on, None where there is none."""


def too_large(repository: str, policy: CheckoutPolicy) -> CheckoutRefused:
    """The refusal of code beyond the policy's bounds."""
    return CheckoutRefused(
        f"`{repository}` is too large: at most {policy.max_bytes / 2**20:,.0f} MiB "
        f"and {policy.max_files:,} files are checked out."
    )
