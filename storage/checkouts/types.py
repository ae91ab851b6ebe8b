"""What is asked of a checkout, what comes of it, and how it can fail."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

MIB = 2**20
_QUOTED = 80


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
    "local:" and an absolute folder, taken as it is when there is neither `sha` nor `ref`; there a
    `ref` is anything that its git knows, and means where the folder's own commit parted from it.
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
    max_bytes: int = 512 * MIB
    """Of the files, and once more of what is fetched to get them."""
    max_files: int = 50_000
    """As many folders again."""
    max_file_bytes: int = 128 * MIB
    max_memory_bytes: int = 1024 * MIB
    """Of each process of git."""
    max_cpu_s: float = 120.0
    """Of each process of git."""
    timeout_s: float = 300.0
    """For everything together."""


@dataclass(frozen=True)
class LeftOut:
    """What a repository refers to and a checkout does not hold."""

    submodules: tuple[str, ...] = ()
    """Their paths; empty folders are there in their place."""
    large_files: tuple[str, ...] = ()
    """Paths of files that say where their content is kept (Git LFS); this is all they hold."""
    links: tuple[str, ...] = ()
    """Paths of symbolic links that lead out."""

    def why(self, path: str) -> str | None:
        """Why the checkout lacks what is meant by a path, as Markdown; None if it does not."""
        above = {path, *(str(parent) for parent in PurePosixPath(path).parents)}
        name = shown(path)
        for module in self.submodules:
            if module in above:
                return (
                    f"`{name}` lies in the submodule `{shown(module)}`. That is another "
                    "repository, and submodules are not fetched: name the other one."
                )
        if path in self.large_files:
            return (
                f"`{name}` is an LFS pointer: its content is kept elsewhere, and large files are "
                "not fetched."
            )
        if above & set(self.links):
            return f"`{name}` leads out of the repository by a symbolic link, and is left out."
        return None


@dataclass(frozen=True)
class Checked:
    """A finished checkout."""

    root: Path
    sha: str | None
    """The commit; of a local folder the one its changes stand on, None where there is none."""
    left_out: LeftOut = field(default_factory=LeftOut)


def shown(text: str, most: int = _QUOTED) -> str:
    """Foreign words within a sentence of ours: one line, short, nothing invisible, no code end."""
    clean = "".join(each if each.isprintable() else "�" for each in text).replace("`", "'")
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def too_large(repository: str, policy: CheckoutPolicy) -> CheckoutRefused:
    """The refusal of more bytes than the policy allows."""
    return CheckoutRefused(
        f"`{shown(repository)}` is too large: at most {policy.max_bytes / MIB:,.0f} MiB are "
        "checked out here. Name a smaller repository, or have the operator of this installation "
        "raise `GRYPH_CHECKOUT_MAX_BYTES`."
    )


def too_many_files(repository: str, policy: CheckoutPolicy) -> CheckoutRefused:
    """The refusal of more files or folders than the policy allows."""
    return CheckoutRefused(
        f"`{shown(repository)}` is too large: at most {policy.max_files:,} files are checked out "
        "here. Name a smaller repository, or have the operator of this installation raise "
        "`GRYPH_CHECKOUT_MAX_FILES`."
    )


def too_large_file(repository: str, path: str, policy: CheckoutPolicy) -> CheckoutRefused:
    """The refusal of one file."""
    return CheckoutRefused(
        f"`{shown(path)}` in `{shown(repository)}` is too large: at most "
        f"{policy.max_file_bytes / MIB:,.0f} MiB a file are checked out here. Keep it elsewhere, "
        "or have the operator of this installation raise `GRYPH_CHECKOUT_MAX_FILE_BYTES`."
    )


def too_costly(repository: str, policy: CheckoutPolicy) -> CheckoutRefused:
    """The refusal of what git cannot read within its memory and processor time."""
    return CheckoutRefused(
        f"`{shown(repository)}` cannot be read here: git may use "
        f"{policy.max_memory_bytes / MIB:,.0f} MiB of memory and {policy.max_cpu_s:.0f} seconds "
        "of processor time, and that was not enough. If the repository is an honest one, have the "
        "operator of this installation raise `GRYPH_CHECKOUT_MAX_MEMORY_BYTES`."
    )
