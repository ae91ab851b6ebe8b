"""Histories: whole where they may be, kept from job to job, and nobody's but the holder's."""

import os
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from storage.checkouts import (
    CheckoutFailed,
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    CheckoutStopped,
)
from storage.checkouts import history as histories
from storage.checkouts.history import History, HistoryPlace, held_history
from storage.checkouts.shelf import Shelf
from tests.fakes.git_host import GitHost, commit, git
from tests.storage.checkouts.trees import never

REPOSITORY = "owner/name"
MIB = 2**20


@pytest.fixture
def url(host: GitHost) -> Generator[str]:
    with host.served() as address:
        yield address


@pytest.fixture
def place(tmp_path: Path) -> HistoryPlace:
    return HistoryPlace(Shelf(tmp_path / "histories", 1 << 30), never)


def read(source: CheckoutSource, place: HistoryPlace, policy: CheckoutPolicy) -> History:
    with held_history(source, place, policy) as found:
        return found


def commits(found: History) -> list[str]:
    """Newest first."""
    return git(found.git_folder, "rev-list", found.tip).split()


def noise(seed: int, size_bytes: int = 300_000) -> bytes:
    """What git cannot press together."""
    return seed.to_bytes(4, "big") + os.urandom(size_bytes)


@pytest.mark.parametrize("hands_out", [True, False], ids=["any commit", "refs only"])
def test_a_history_is_whole_and_only_what_is_new_is_fetched_later(
    host: GitHost, url: str, place: HistoryPlace, *, hands_out: bool
) -> None:
    host.hands_out_bare_commits = hands_out
    shas = [host.push(REPOSITORY, {"a.py": f"{at}"}) for at in range(3)]
    found = read(CheckoutSource(REPOSITORY, shas[-1]), place, CheckoutPolicy(url))
    assert (commits(found), found.depth, found.prefix) == (shas[::-1], None, "")
    assert found.owner == REPOSITORY.partition("/")[0]
    shas.append(host.push(REPOSITORY, {"a.py": "3"}))
    again = read(CheckoutSource(REPOSITORY, shas[-1]), place, CheckoutPolicy(url))
    assert (commits(again), again.git_folder) == (shas[::-1], found.git_folder)


def test_a_commit_that_is_there_needs_no_host(host: GitHost, url: str, place: HistoryPlace) -> None:
    sha = host.push(REPOSITORY, {"a.py": "1"})
    read(CheckoutSource(REPOSITORY, sha), place, CheckoutPolicy(url))
    host.requests.clear()
    assert read(CheckoutSource(REPOSITORY, sha), place, CheckoutPolicy(url)).tip == sha
    assert host.requests == []


def test_without_a_commit_the_default_branch_counts_and_a_pull_requests_number_does_not(
    host: GitHost, url: str, place: HistoryPlace
) -> None:
    host.push(REPOSITORY, {"a.py": "1"})
    host.push(REPOSITORY, {"a.py": "theirs"}, ref="refs/pull/7/head")
    git(host.tree(REPOSITORY), "reset", "--quiet", "--hard", "HEAD~1")
    newest = host.push(REPOSITORY, {"a.py": "ours"})
    assert read(CheckoutSource(REPOSITORY, number=7), place, CheckoutPolicy(url)).tip == newest


def test_a_history_that_was_rewritten_is_the_new_one(
    host: GitHost, url: str, place: HistoryPlace
) -> None:
    first = host.push(REPOSITORY, {"a.py": "1"})
    read(CheckoutSource(REPOSITORY, host.push(REPOSITORY, {"a.py": "2"})), place, _at(url))
    git(host.tree(REPOSITORY), "reset", "--quiet", "--hard", first)
    other = host.push(REPOSITORY, {"b.py": "other"})
    found = read(CheckoutSource(REPOSITORY, other), place, _at(url))
    assert commits(found) == [other, first]


def test_what_was_learned_stays_beside_the_history(
    host: GitHost, url: str, place: HistoryPlace
) -> None:
    sha = host.push(REPOSITORY, {"a.py": "1"})
    for expected in ([], ["table"]):
        with held_history(CheckoutSource(REPOSITORY, sha), place, _at(url)) as found:
            assert [path.name for path in found.learned.iterdir()] == expected
            (found.learned / "table").write_text("learned")


def test_of_a_history_that_is_too_large_only_the_latest_is_there_until_more_may_be_kept(
    host: GitHost, url: str, place: HistoryPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "DEPTHS", (None, 3, 1))
    shas = [host.push(REPOSITORY, {"big": noise(at)}) for at in range(8)]
    small = replace(_at(url), max_bytes=2 * MIB - 400_000)
    found = read(CheckoutSource(REPOSITORY, shas[-1]), place, small)
    assert (commits(found), found.depth) == (shas[:-4:-1], 3)
    shas.append(host.push(REPOSITORY, {"big": "small"}))
    again = read(CheckoutSource(REPOSITORY, shas[-1]), place, small)
    assert (commits(again), again.depth) == (shas[:-5:-1], 3)
    whole = read(CheckoutSource(REPOSITORY, shas[-1]), place, _at(url))  # more may be kept now
    assert (commits(whole), whole.depth) == (shas[::-1], None)


def test_a_history_that_is_too_large_however_short_is_refused(
    host: GitHost, url: str, place: HistoryPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "DEPTHS", (None, 1))
    sha = host.push(REPOSITORY, {"big": noise(1, 2 * MIB)})
    with pytest.raises(CheckoutRefused, match="GRYPH_HISTORY_MAX_BYTES"):
        read(CheckoutSource(REPOSITORY, sha), place, replace(_at(url), max_bytes=MIB))


def test_many_fetches_end_in_one_pack(
    host: GitHost, url: str, place: HistoryPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "MOST_PACKS", 2)
    pushed = (host.push(REPOSITORY, {"a.py": f"{at}"}) for at in range(3))
    *_, found = [read(CheckoutSource(REPOSITORY, sha), place, _at(url)) for sha in pushed]
    assert len(list(found.git_folder.glob("objects/pack/*.pack"))) == 1
    assert len(commits(found)) == 3


def test_an_empty_repository_and_one_that_is_not_there_are_told(
    host: GitHost, url: str, place: HistoryPlace
) -> None:
    host.push("owner/empty", {"a.py": "1"}, ref="refs/notes/else")
    with pytest.raises(CheckoutRefused, match="has no commits yet"):
        read(CheckoutSource("owner/empty"), place, _at(url))
    with pytest.raises(CheckoutRefused, match="was not found"):
        read(CheckoutSource("owner/nowhere"), place, _at(url))
    with pytest.raises(CheckoutRefused, match="is no repository"):
        read(CheckoutSource("../../etc"), place, _at(url))


def test_a_token_is_shown_and_lies_in_no_file(host: GitHost, url: str, place: HistoryPlace) -> None:
    host.token = "ghs_secret"
    sha = host.push(REPOSITORY, {"a.py": "1"})
    with pytest.raises(CheckoutRefused, match="may not read"):
        read(CheckoutSource(REPOSITORY, sha), place, _at(url))
    found = read(CheckoutSource(REPOSITORY, sha), place, CheckoutPolicy(url, "ghs_secret"))
    kept = (path.read_bytes() for path in found.git_folder.parent.rglob("*") if path.is_file())
    assert not any(b"ghs_secret" in content or b"Authorization" in content for content in kept)


def test_a_fetch_that_was_killed_leaves_nothing_in_the_way(
    host: GitHost, url: str, place: HistoryPlace
) -> None:
    found = read(CheckoutSource(REPOSITORY, host.push(REPOSITORY, {"a": "1"})), place, _at(url))
    left = [found.git_folder / name for name in ("HEAD.lock", "objects/pack/tmp_pack_x")]
    for path in left:
        path.write_bytes(b"half")
    sha = host.push(REPOSITORY, {"a": "2"})
    assert read(CheckoutSource(REPOSITORY, sha), place, _at(url)).tip == sha
    assert not any(path.exists() for path in left)


def test_nobody_else_has_it_meanwhile(
    host: GitHost, url: str, place: HistoryPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = CheckoutSource(REPOSITORY, host.push(REPOSITORY, {"a.py": "1"}))
    with held_history(source, place, _at(url)):
        with pytest.raises(CheckoutStopped):
            read(source, place._replace(stop=lambda: True), _at(url))
        monkeypatch.setattr(histories, "WAIT_S", 0.0)
        with pytest.raises(CheckoutFailed, match="another job"):
            read(source, place, _at(url))
        monkeypatch.setattr(histories, "WAIT_S", 60.0)
        waiting = threading.Thread(target=read, args=(source, place, _at(url)))
        waiting.start()
    waiting.join()


def test_the_histories_not_used_for_longest_make_room(
    host: GitHost, url: str, tmp_path: Path
) -> None:
    place = HistoryPlace(Shelf(tmp_path / "few", 900_000), never)
    folders: list[Path] = []
    for name in ("o/first", "o/held", "o/last"):
        source = CheckoutSource(name, host.push(name, {"big": noise(len(folders))}))
        folders.append(read(source, place, _at(url)).git_folder)
    assert [folder.exists() for folder in folders] == [False, True, True]


# Folders of this machine


def test_a_folder_is_read_where_it_is_and_nothing_is_written_there(
    place: HistoryPlace, tmp_path: Path
) -> None:
    sha = commit(tmp_path / "code", {"src/a.py": "1"})
    before = _files(tmp_path / "code")
    found = read(CheckoutSource(f"local:{tmp_path}/code"), place, _at("https://none.invalid"))
    assert (found.git_folder, found.tip, found.prefix) == (tmp_path / "code" / ".git", sha, "")
    assert tmp_path / "code" not in found.learned.parents
    assert _files(tmp_path / "code") == before


def test_a_part_of_a_repository_and_a_bare_one_are_read_too(
    place: HistoryPlace, tmp_path: Path
) -> None:
    sha = commit(tmp_path / "code", {"src/deep/a.py": "1"})
    policy = _at("https://none.invalid")
    part = read(CheckoutSource(f"local:{tmp_path}/code/src"), place, policy)
    assert (part.tip, part.prefix) == (sha, "src/")
    git(tmp_path, "clone", "--quiet", "--bare", "code", "bare.git")
    bare = read(CheckoutSource(f"local:{tmp_path}/bare.git"), place, policy)
    assert (bare.git_folder, bare.tip) == (tmp_path / "bare.git", sha)
    assert part.owner == ""
    git(tmp_path / "bare.git", "remote", "set-url", "origin", "git@host.invalid:Acme/code.git")
    assert read(CheckoutSource(f"local:{tmp_path}/bare.git"), place, policy).owner == "acme"


def test_a_folder_without_a_history_is_told(place: HistoryPlace, tmp_path: Path) -> None:
    policy = _at("https://none.invalid")
    (tmp_path / "plain").mkdir()
    with pytest.raises(CheckoutRefused, match="is no git repository"):
        read(CheckoutSource(f"local:{tmp_path}/plain"), place, policy)
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "--quiet")
    with pytest.raises(CheckoutRefused, match="has no commits yet"):
        read(CheckoutSource(f"local:{tmp_path}/new"), place, policy)
    with pytest.raises(CheckoutRefused, match="There is no folder"):
        read(CheckoutSource(f"local:{tmp_path}/nowhere"), place, policy)


def _at(url: str) -> CheckoutPolicy:
    return CheckoutPolicy(url)


def _files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
