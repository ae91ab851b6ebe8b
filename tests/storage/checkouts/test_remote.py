import base64
import os
import socket
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from storage.checkouts import (
    Checked,
    CheckoutFailed,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    CheckoutStopped,
    checkout,
)
from tests.fakes.git_host import GitHost, commit, git
from tests.storage.checkouts.trees import files_of, take

REPOSITORY = "owner/name"
TOKEN = "ghs_1234_a.b.c"
MIB = 2**20


@pytest.fixture
def url(host: GitHost) -> Generator[str]:
    with host.served() as address:
        yield address


def command_lines() -> Iterator[bytes]:
    """Of every process of this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue


@pytest.mark.parametrize("by", ["file", "http"])
def test_exactly_the_asked_commit_is_checked_out(
    by: str, host: GitHost, url: str, tmp_path: Path
) -> None:
    first = host.push(REPOSITORY, {"src/a.py": "one", "b.py": "b"})
    host.push(REPOSITORY, {"src/a.py": "two", "b.py": None})
    policy = CheckoutPolicy(host.file_url if by == "file" else url)
    checked = take(CheckoutSource(REPOSITORY, first.upper()), policy, tmp_path)
    assert checked == Checked(tmp_path / "job" / "code", first)
    assert files_of(checked.root) == {"src/a.py": "one", "b.py": "b"}


def test_without_a_commit_the_default_branch_is_taken(
    host: GitHost, url: str, tmp_path: Path
) -> None:
    host.push(REPOSITORY, {"a.py": "one"})
    newest = host.push(REPOSITORY, {"a.py": "two"})
    checked = take(CheckoutSource(REPOSITORY), CheckoutPolicy(url), tmp_path)
    assert (checked.sha, files_of(checked.root)) == (newest, {"a.py": "two"})


@pytest.mark.parametrize("ref", ["v1", "refs/tags/v1"])
def test_a_tag_is_taken_by_its_name(ref: str, host: GitHost, url: str, tmp_path: Path) -> None:
    first = host.push(REPOSITORY, {"a.py": "one"})
    git(host.bare(REPOSITORY), "tag", "v1", first)
    host.push(REPOSITORY, {"a.py": "two"})
    checked = take(CheckoutSource(REPOSITORY, ref=ref), CheckoutPolicy(url), tmp_path)
    assert checked.sha == first


@pytest.mark.parametrize("ref", ["nowhere", "3f9d2c4", "--upload-pack=id", "a b"])
def test_a_ref_that_is_not_there_is_refused(
    ref: str, host: GitHost, url: str, tmp_path: Path
) -> None:
    host.push(REPOSITORY, {"a.py": "one"})
    with pytest.raises(CheckoutRefused, match="branch or tag"):
        take(CheckoutSource(REPOSITORY, ref=ref), CheckoutPolicy(url), tmp_path)


def test_nothing_of_git_is_left(host: GitHost, url: str, tmp_path: Path) -> None:
    sha = host.push(REPOSITORY, {"a.py": "a"})
    take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url), tmp_path)
    assert [str(path.relative_to(tmp_path / "job")) for path in (tmp_path / "job").rglob("*")] == [
        "code",
        "code/a.py",
    ]


def test_the_history_is_not_fetched(host: GitHost, url: str, tmp_path: Path) -> None:
    host.push(REPOSITORY, {"old.bin": os.urandom(2 * MIB)})
    sha = host.push(REPOSITORY, {"old.bin": None, "a.py": "a"})
    policy = CheckoutPolicy(url, max_bytes=MIB)
    assert files_of(take(CheckoutSource(REPOSITORY, sha), policy, tmp_path).root) == {"a.py": "a"}


def test_the_token_opens_a_private_repository(host: GitHost, url: str, tmp_path: Path) -> None:
    sha = host.push(REPOSITORY, {"a.py": "a"})
    host.token = TOKEN
    checked = take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url, TOKEN), tmp_path)
    assert files_of(checked.root) == {"a.py": "a"}
    assert not any(TOKEN in address for address in host.requests)


def test_the_token_is_on_no_command_line_and_in_no_file(
    host: GitHost, url: str, tmp_path: Path
) -> None:
    sha = host.push(REPOSITORY, {"a.py": "a"})
    host.is_silent = True
    secrets = (TOKEN.encode(), base64.b64encode(f"x-access-token:{TOKEN}".encode()))
    shown: list[bytes] = []

    def look() -> bool:
        if not host.requests:
            return False
        written = (tmp_path / "job").rglob("*")
        shown.extend(path.read_bytes() for path in written if path.is_file())
        shown.extend(command_lines())
        return True

    with pytest.raises(CheckoutStopped):
        checkout(
            CheckoutSource(REPOSITORY, sha),
            tmp_path / "job" / "code",
            CheckoutPolicy(url, TOKEN),
            stop=look,
        )
    assert any(url.encode() in text for text in shown)
    assert not any(secret in text for secret in secrets for text in shown)


@pytest.mark.parametrize("token", [None, "wrong"])
def test_without_access_the_person_learns_that_there_is_none(
    token: str | None, host: GitHost, url: str, tmp_path: Path
) -> None:
    sha = host.push(REPOSITORY, {"a.py": "a"})
    host.token = TOKEN
    with pytest.raises(CheckoutRefused, match=r"`owner/name` was not found, or .* may not read"):
        take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url, token), tmp_path)


@pytest.mark.parametrize("by", ["file", "http"])
def test_a_repository_that_is_not_there_is_refused(
    by: str, host: GitHost, url: str, tmp_path: Path
) -> None:
    policy = CheckoutPolicy(host.file_url if by == "file" else url)
    with pytest.raises(CheckoutRefused, match="was not found"):
        take(CheckoutSource(REPOSITORY, "a" * 40), policy, tmp_path)


@pytest.mark.parametrize(
    "where",
    [
        CheckoutSource("", ref="main"),
        CheckoutSource("", ref="refs/heads/main"),
        CheckoutSource("", ref="gone"),
        CheckoutSource("", ref="--upload-pack=x"),
        CheckoutSource(""),
    ],
    ids=str,
)
def test_a_host_that_hands_out_refs_only_still_yields_the_commit(
    where: CheckoutSource, host: GitHost, url: str, tmp_path: Path
) -> None:
    host.hands_out_bare_commits = False
    old = host.push(REPOSITORY, {"a.py": "old"})
    new = host.push(REPOSITORY, {"a.py": "new"})
    for sha, content in ((old, "old"), (new, "new")):
        asked = CheckoutSource(REPOSITORY, sha, where.ref)
        checked = take(asked, CheckoutPolicy(url), tmp_path / content)
        assert files_of(checked.root) == {"a.py": content}


@pytest.mark.parametrize("number", [7, None])
def test_a_pull_requests_commit_is_found_among_the_pull_requests(
    number: int | None, host: GitHost, url: str, tmp_path: Path
) -> None:
    host.hands_out_bare_commits = False
    host.push(REPOSITORY, {"a.py": "main"})
    head = host.push(REPOSITORY, {"a.py": "fork"}, ref="refs/pull/7/head")
    asked = CheckoutSource(REPOSITORY, head, number=number)
    assert files_of(take(asked, CheckoutPolicy(url), tmp_path).root) == {"a.py": "fork"}


@pytest.mark.parametrize("hands_out", ["commits", "refs"])
def test_a_commit_that_was_rewritten_away_is_refused(
    hands_out: str, host: GitHost, url: str, tmp_path: Path
) -> None:
    host.hands_out_bare_commits = hands_out == "commits"
    host.push(REPOSITORY, {"a.py": "a"})
    gone = commit(host.tree(REPOSITORY), {"a.py": "never pushed"})
    with pytest.raises(CheckoutRefused, match=rf"`{gone[:12]}` is not in `owner/name`"):
        take(CheckoutSource(REPOSITORY, gone, "main", 7), CheckoutPolicy(url), tmp_path)


def test_a_tag_is_not_taken_for_a_commit(host: GitHost, url: str, tmp_path: Path) -> None:
    host.push(REPOSITORY, {"a.py": "a"})
    git(host.tree(REPOSITORY), "tag", "--annotate", "--message=x", "v1")
    tag = git(host.tree(REPOSITORY), "rev-parse", "v1")
    git(host.tree(REPOSITORY), "push", "--quiet", str(host.bare(REPOSITORY)), "v1")
    with pytest.raises(CheckoutRefused, match="not a commit"):
        take(CheckoutSource(REPOSITORY, tag), CheckoutPolicy(url), tmp_path)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_ailing_host_is_worth_another_try(
    status: int, host: GitHost, url: str, tmp_path: Path
) -> None:
    host.answers_with = status
    with pytest.raises(CheckoutFailed, match=str(status)):
        take(CheckoutSource(REPOSITORY, "a" * 40), CheckoutPolicy(url), tmp_path)


def test_a_host_that_is_not_there_is_worth_another_try(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://user:secret@127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(CheckoutFailed, match="could not be fetched") as failure:
            take(CheckoutSource(REPOSITORY, "a" * 40), CheckoutPolicy(url), tmp_path)
    assert "secret" not in str(failure.value)


def test_a_silent_host_is_given_up_in_time(host: GitHost, url: str, tmp_path: Path) -> None:
    host.is_silent = True
    with pytest.raises(CheckoutFailed, match="took longer than"):
        take(CheckoutSource(REPOSITORY, "a" * 40), CheckoutPolicy(url, timeout_s=0.3), tmp_path)


def test_a_cancelled_fetch_ends_and_leaves_no_process(
    host: GitHost, url: str, tmp_path: Path
) -> None:
    host.is_silent = True
    with pytest.raises(CheckoutStopped):
        checkout(
            CheckoutSource(REPOSITORY, "a" * 40),
            tmp_path / "code",
            CheckoutPolicy(url),
            stop=lambda: bool(host.requests),
        )
    deadline = time.monotonic() + 10
    while any(url.encode() in line for line in command_lines()):
        assert time.monotonic() < deadline, "a process still speaks to the host"
        time.sleep(0.02)


def test_more_bytes_than_allowed_are_refused(host: GitHost, url: str, tmp_path: Path) -> None:
    sha = host.push(REPOSITORY, {"large.bin": os.urandom(2 * MIB)})
    with pytest.raises(CheckoutRefused, match=r"too large: at most 1 MiB"):
        take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url, max_bytes=MIB), tmp_path)


def test_a_history_that_has_to_be_fetched_whole_is_bounded_too(
    host: GitHost, url: str, tmp_path: Path
) -> None:
    host.hands_out_bare_commits = False
    old = host.push(REPOSITORY, {"a.py": "a"})
    host.push(REPOSITORY, {"large.bin": os.urandom(2 * MIB)})
    with pytest.raises(CheckoutRefused, match="too large"):
        take(CheckoutSource(REPOSITORY, old), CheckoutPolicy(url, max_bytes=MIB), tmp_path)


def test_a_file_that_is_small_only_while_packed_is_never_written(
    host: GitHost, url: str, tmp_path: Path
) -> None:
    sha = host.push(REPOSITORY, {"zeros": b"\0" * (8 * MIB)})
    with pytest.raises(CheckoutRefused, match="too large"):
        take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url, max_bytes=MIB), tmp_path)
    assert files_of(tmp_path / "job" / "code") == {}


def test_more_files_than_allowed_are_refused(host: GitHost, url: str, tmp_path: Path) -> None:
    sha = host.push(REPOSITORY, {f"{n}.py": "" for n in range(11)})
    with pytest.raises(CheckoutRefused, match="10 files"):
        take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url, max_files=10), tmp_path)


def test_a_tree_that_repeats_itself_a_billion_times_is_refused(
    host: GitHost, url: str, tmp_path: Path
) -> None:
    host.push(REPOSITORY, {"a": "a"})
    work = host.tree(REPOSITORY)
    entry = "100644 blob " + git(work, "rev-parse", "HEAD:a")
    for level in range(9):
        listing = tmp_path / f"level{level}"
        listing.write_text("".join(f"{entry}\t{n}\n" for n in range(10)))
        tree = git(work, "-c", f"alias.make=!git mktree < {listing}", "make")
        entry = f"040000 tree {tree}"
    sha = git(work, "commit-tree", "-m", "x", entry.split()[-1])
    git(work, "reset", "--quiet", "--soft", sha)
    host.push_tree(REPOSITORY)
    with pytest.raises(CheckoutRefused, match="too large"):
        take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url), tmp_path)


def test_links_that_lead_out_are_dropped(host: GitHost, url: str, tmp_path: Path) -> None:
    work = host.tree(REPOSITORY)
    commit(work, {"src/a.py": "a"})
    for name, target in {
        "inside": "src/a.py",
        "dangling": "src/none",
        "absolute": "/etc/passwd",
        "outside": "../secret",
        "over": "src/../../secret",
        "folder": "src",
        "through": "folder/../../secret",
        "circle": "circle",
        "chained": "outside",
        "src/up": "../src/a.py",
        "by_name": "../code/src/a.py",
    }.items():
        (work / name).symlink_to(target)
    sha = host.push(REPOSITORY, {})
    kept = files_of(take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url), tmp_path).root)
    outward = {"absolute", "outside", "over", "through", "chained"}
    assert not outward & {name for name in kept if not kept[name].endswith("none")}
    assert {"inside", "dangling", "folder", "src/up"} <= set(kept)
    root = (tmp_path / "job" / "code").resolve()
    assert all(path.resolve().is_relative_to(root) for path in root.rglob("*"))


def test_foreign_settings_run_nothing(
    host: GitHost, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    hook = tmp_path / "hooks" / "post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\necho hook > {ran}\n")
    hook.chmod(0o755)
    settings = tmp_path / ".gitconfig"
    settings.write_text(
        f"[core]\nhooksPath = {hook.parent}\n"
        f'[filter "lfs"]\nsmudge = "echo filter > {ran}; cat"\n'
        f'[credential]\nhelper = "!echo helper > {ran}"\n'
    )
    sha = host.push(REPOSITORY, {".gitattributes": "*.bin filter=lfs\n", "a.bin": "pointer"})
    host.token = TOKEN
    for name, value in (("HOME", str(tmp_path)), ("GIT_CONFIG_GLOBAL", str(settings))):
        monkeypatch.setenv(name, value)
    checked = take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url, TOKEN), tmp_path)
    assert files_of(checked.root)["a.bin"] == "pointer"
    with pytest.raises(CheckoutRefused):
        take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url), tmp_path / "again")
    assert not ran.exists()


def test_submodules_are_not_followed(host: GitHost, url: str, tmp_path: Path) -> None:
    inner = host.push("owner/inner", {"secret": "inner"})
    work = host.tree(REPOSITORY)
    commit(work, {"a.py": "a", ".gitmodules": '[submodule "m"]\npath = m\nurl = ../inner.git\n'})
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{inner},m")
    git(work, "commit", "--quiet", "--message=submodule")
    host.push_tree(REPOSITORY)
    sha = git(work, "rev-parse", "HEAD")
    checked = take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url), tmp_path)
    assert set(files_of(checked.root)) == {"a.py", ".gitmodules"}
    assert not any("inner" in address for address in host.requests)


@pytest.mark.parametrize(
    "name", ["name", "owner/", "/name", "a/b/c", "owner/..", "../x", "-o/x", "o/x y", "o/x\n", ""]
)
def test_a_name_that_is_no_repository_is_refused(name: str, url: str, tmp_path: Path) -> None:
    with pytest.raises(CheckoutRefused, match="no repository"):
        take(CheckoutSource(name, "a" * 40), CheckoutPolicy(url), tmp_path)


@pytest.mark.parametrize("sha", ["", "main", "abc123", "g" * 40, "a" * 41])
def test_only_a_full_sha_names_a_commit(sha: str, url: str, tmp_path: Path) -> None:
    with pytest.raises(CheckoutRefused, match="full sha"):
        take(CheckoutSource(REPOSITORY, sha), CheckoutPolicy(url), tmp_path)


@pytest.mark.parametrize("address", ["ssh://host", "ext::sh -c true", "/srv/git", "git@host:x"])
def test_other_protocols_are_a_mistake_of_the_settings(address: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="https, http or file"):
        take(CheckoutSource(REPOSITORY, "a" * 40), CheckoutPolicy(address), tmp_path)


def test_a_folder_that_holds_something_is_not_written_to(url: str, tmp_path: Path) -> None:
    (tmp_path / "job" / "code" / "mine").mkdir(parents=True)
    with pytest.raises(ValueError, match="not empty"):
        take(CheckoutSource(REPOSITORY, "a" * 40), CheckoutPolicy(url), tmp_path)
