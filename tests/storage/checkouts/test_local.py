import os
from pathlib import Path

import pytest

from storage.checkouts import (
    CheckoutPolicy,
    CheckoutRefused,
    CheckoutSource,
    CheckoutStopped,
    checkout,
)
from tests.fakes.git_host import commit, git
from tests.storage.checkouts.trees import files_of, take

POLICY = CheckoutPolicy("https://github.com")


def local(folder: Path, sha: str | None = None) -> CheckoutSource:
    return CheckoutSource(f"local:{folder}", sha)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with code, not under git."""
    root = tmp_path / "project with space"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_text("a")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    return root


@pytest.fixture(params=["git", "plain"])
def either(request: pytest.FixtureRequest, folder: Path) -> Path:
    """The same folder, once with a repository in it and once without."""
    if request.param == "git":
        commit(folder, {})
    return folder


def test_the_working_tree_is_taken_as_git_sees_it(folder: Path, tmp_path: Path) -> None:
    head = commit(folder, {".gitignore": "*.log\nbuild/\n", "gone.py": "gone", "b.py": "old"})
    (folder / "b.py").write_text("changed")
    (folder / "new.py").write_text("new")
    (folder / "gone.py").unlink()
    (folder / "trace.log").write_text("ignored")
    (folder / "build").mkdir()
    (folder / "build" / "x.py").write_text("ignored")
    checked = take(local(folder), POLICY, tmp_path)
    assert checked.sha == head
    assert files_of(checked.root) == {
        ".gitignore": "*.log\nbuild/\n",
        "b.py": "changed",
        "new.py": "new",
        "run.sh": "#!/bin/sh\n",
        "src/a.py": "a",
    }


def test_a_repository_without_commits_has_no_sha(folder: Path, tmp_path: Path) -> None:
    git(folder, "init", "--quiet")
    checked = take(local(folder), POLICY, tmp_path)
    assert checked.sha is None
    assert set(files_of(checked.root)) == {"src/a.py", "run.sh"}


def test_a_folder_inside_a_repository_is_taken_alone(folder: Path, tmp_path: Path) -> None:
    commit(folder, {})
    assert files_of(take(local(folder / "src"), POLICY, tmp_path).root) == {"a.py": "a"}


def test_without_git_hidden_and_installed_folders_are_left_out(
    folder: Path, tmp_path: Path
) -> None:
    for name in (".venv", ".cache", "node_modules", "__pycache__", "src/__pycache__", "venv"):
        (folder / name).mkdir()
        (folder / name / "x.py").write_text("x")
    (folder / ".coveragerc").write_text("kept")
    checked = take(local(folder), POLICY, tmp_path)
    assert checked.sha is None
    assert set(files_of(checked.root)) == {"src/a.py", "run.sh", ".coveragerc"}


def test_the_copy_is_private_and_keeps_what_is_executable(either: Path, tmp_path: Path) -> None:
    root = take(local(either), POLICY, tmp_path).root
    assert os.access(root / "run.sh", os.X_OK)
    assert not os.access(root / "src" / "a.py", os.X_OK)
    (root / "src" / "a.py").write_text("overwritten")
    assert (either / "src" / "a.py").read_text() == "a"
    assert not (root / ".git").exists()
    assert [path.name for path in root.parent.iterdir()] == ["code"]


def test_links_out_of_the_folder_are_dropped(either: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (either / "inside").symlink_to("src/a.py")
    (either / "folder").symlink_to("src")
    (either / "outside").symlink_to("../secret")
    (either / "absolute").symlink_to(tmp_path / "secret")
    (either / "home").symlink_to(either / "run.sh")
    (either / "by_name").symlink_to(f"../{either.name}/run.sh")
    checked = take(local(either), POLICY, tmp_path)
    assert files_of(checked.root) == {
        "folder": "-> src",
        "inside": "-> src/a.py",
        "run.sh": "#!/bin/sh\n",
        "src/a.py": "a",
    }


def test_pipes_and_sockets_are_left_out(either: Path, tmp_path: Path) -> None:
    os.mkfifo(either / "pipe")
    assert set(files_of(take(local(either), POLICY, tmp_path).root)) == {"src/a.py", "run.sh"}


def test_names_that_are_no_text_are_copied_too(folder: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b'caf\xe9\n".py')
    commit(folder, {name: "odd"})
    assert files_of(take(local(folder), POLICY, tmp_path).root)[name] == "odd"


@pytest.mark.parametrize(
    "bound", [CheckoutPolicy("", max_files=1), CheckoutPolicy("", max_bytes=4)], ids=str
)
def test_more_than_the_bounds_is_refused(
    bound: CheckoutPolicy, either: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckoutRefused, match="too large"):
        take(local(either), bound, tmp_path)


def test_a_named_commit_of_a_local_repository_is_taken_instead_of_the_changes(
    folder: Path, tmp_path: Path
) -> None:
    first = commit(folder, {"b.py": "one"})
    commit(folder, {"b.py": "two"})
    checked = take(local(folder, first), POLICY, tmp_path)
    assert checked.sha == first
    assert files_of(checked.root)["b.py"] == "one"


def test_a_commit_a_local_repository_does_not_have_is_refused(folder: Path, tmp_path: Path) -> None:
    commit(folder, {})
    with pytest.raises(CheckoutRefused, match="is not in"):
        take(local(folder, "a" * 40), POLICY, tmp_path)


def test_settings_inside_the_repository_run_nothing(folder: Path, tmp_path: Path) -> None:
    commit(folder, {".gitattributes": "* filter=x\n"})
    ran = tmp_path / "ran"
    command = f"echo ran > {ran}; cat"
    for name in (
        "core.fsmonitor",
        "filter.x.clean",
        "filter.x.smudge",
        "uploadpack.packObjectsHook",
    ):
        git(folder, "config", name, command)
    (folder / "src" / "a.py").write_text("changed")
    take(local(folder), POLICY, tmp_path)
    head = git(folder, "rev-parse", "HEAD")
    ran.unlink(missing_ok=True)
    take(local(folder, head), POLICY, tmp_path / "again")
    assert not ran.exists()


def test_a_damaged_repository_is_refused_not_copied_whole(folder: Path, tmp_path: Path) -> None:
    commit(folder, {})
    (folder / ".git" / "index").write_bytes(b"damaged")
    with pytest.raises(CheckoutRefused, match="git cannot list"):
        take(local(folder), POLICY, tmp_path)


@pytest.mark.parametrize("path", ["relative", "", "/no/such/folder"])
def test_a_path_that_is_no_folder_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(CheckoutRefused, match=r"absolute|no folder"):
        take(CheckoutSource(f"local:{path}"), POLICY, tmp_path)


def test_a_cancelled_copy_stops(either: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckoutStopped):
        checkout(local(either), tmp_path / "code", POLICY, stop=lambda: True)
    assert files_of(tmp_path / "code") == {}


def before(folder: Path, ref: str) -> CheckoutSource:
    return CheckoutSource(f"local:{folder}", ref=ref)


def test_what_a_folder_is_compared_with_is_where_it_parted_from_a_branch(
    folder: Path, tmp_path: Path
) -> None:
    shared = commit(folder, {"b.py": "shared"})
    git(folder, "branch", "trunk")
    commit(folder, {"b.py": "mine"})
    git(folder, "switch", "--quiet", "trunk")
    commit(folder, {"b.py": "theirs"})
    git(folder, "switch", "--quiet", "-")
    (folder / "b.py").write_text("not committed")
    for ref in ("trunk", "HEAD~1", shared[:12]):
        checked = take(before(folder, ref), POLICY, tmp_path / ref.replace("/", "-"))
        assert (checked.sha, files_of(checked.root)["b.py"]) == (shared, "shared")


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "a..b", "HEAD:b.py", "$(true)"])
def test_what_names_no_commit_of_the_folder_is_refused(
    folder: Path, tmp_path: Path, ref: str
) -> None:
    commit(folder, {"b.py": "b"})
    with pytest.raises(CheckoutRefused, match=r"no name of|knows no"):
        take(before(folder, ref), POLICY, tmp_path)


def test_a_folder_without_git_or_within_a_repository_has_no_earlier_version(
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckoutRefused, match="knows no"):
        take(before(folder, "main"), POLICY, tmp_path)
    commit(folder, {"b.py": "b"})
    with pytest.raises(CheckoutRefused, match="repository's own folder"):
        take(before(folder / "src", "HEAD"), POLICY, tmp_path)
