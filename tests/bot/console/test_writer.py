"""Files that a job produced, put into a folder: only there, whole, and over nothing."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.console.writer import LocalWriter
from handlers import Application, Caller, Platform, UserError
from storage.blobs import blob_id
from storage.ids import JobId


def application(
    folder: Path | str, files: Mapping[str, bytes], replaces: Mapping[str, str] | None = None
) -> Application:
    return Application(
        job=JobId("J7K2M9Q"),
        repository=f"local:{folder}",
        base_ref=None,
        base_sha=None,
        number=None,
        installation=None,
        title="Tests",
        body="",
        files=files,
        requested_by=Caller(platform=Platform.CONSOLE, account="api:ann", name="ann"),
        replaces=replaces or {},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "app"
    made.mkdir()
    return made


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_a_file_is_written_and_the_answer_says_where(folder: Path) -> None:
    where = await LocalWriter().apply(application(folder, {"tests/unit/test_a.py": b"ok\n"}))
    assert (folder / "tests/unit/test_a.py").read_bytes() == b"ok\n"
    assert where == f"`tests/unit/test_a.py` in `{folder}`"
    assert everything(folder) == ["tests/unit/test_a.py"]


async def test_applying_twice_writes_once_and_says_so(folder: Path) -> None:
    asked = application(folder, {"a.py": b"a", "b.py": b"b"})
    await LocalWriter().apply(asked)
    before = (folder / "a.py").stat().st_ino
    where = await LocalWriter().apply(asked)
    assert (folder / "a.py").stat().st_ino == before
    assert where.count("was there already") == 2


@pytest.mark.parametrize("existing", [b"", b"different", b"new and longer"])
async def test_a_different_file_is_never_overwritten_and_nothing_else_is_written(
    folder: Path, existing: bytes
) -> None:
    (folder / "b.py").write_bytes(existing)
    with pytest.raises(UserError, match=r"b\.py.*says something else"):
        await LocalWriter().apply(application(folder, {"a.py": b"new", "b.py": b"new"}))
    assert (folder / "b.py").read_bytes() == existing
    assert everything(folder) == ["b.py"]


@pytest.mark.parametrize(
    "path",
    [
        "../outside.py",
        "a/../../outside.py",
        "/etc/passwd",
        "",
        ".",
        "a/",
        "a\0b",
        ".git/hooks/pre-commit",
        "sub/.GIT/config",
    ],
)
async def test_a_path_out_of_the_folder_or_into_git_is_refused(folder: Path, path: str) -> None:
    with pytest.raises(UserError):
        await LocalWriter().apply(application(folder, {"good.py": b"x", path: b"x"}))
    assert everything(folder.parent) == []


async def test_no_link_is_followed_whatever_it_points_to(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (folder / "dir").symlink_to(outside)
    (folder / "file").symlink_to(outside / "secret")
    (folder / "dangling").symlink_to(outside / "new")
    for path in ("dir/new", "dir/secret", "file", "dangling", "dangling/new"):
        with pytest.raises(UserError):
            await LocalWriter().apply(application(folder, {path: b"x"}))
    assert everything(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


async def test_a_folder_a_pipe_or_a_file_in_the_way_is_an_answer_not_a_crash(folder: Path) -> None:
    (folder / "taken").mkdir()
    (folder / "plain").write_bytes(b"")
    os.mkfifo(folder / "pipe")
    for path in ("taken", "pipe", "plain/below"):
        with pytest.raises(UserError):
            await LocalWriter().apply(application(folder, {path: b""}))


async def test_a_folder_that_is_gone_or_no_folder_is_an_answer(folder: Path) -> None:
    for repository in (folder / "gone", "relative", ""):
        with pytest.raises(UserError):
            await LocalWriter().apply(application(repository, {"a.py": b"x"}))


@given(st.text(max_size=30), st.binary(max_size=20))
async def test_whatever_the_path_nothing_appears_outside(
    tmp_path_factory: pytest.TempPathFactory, path: str, content: bytes
) -> None:
    top = tmp_path_factory.mktemp("writer")
    (top / "app").mkdir()
    try:
        await LocalWriter().apply(application(top / "app", {path: content}))
    except UserError:
        assert everything(top) == []
    else:
        assert everything(top) == everything(top / "app") or len(everything(top)) == 1
        assert (top / "app" / path).read_bytes() == content


async def test_a_file_made_from_the_one_that_is_there_takes_its_place(folder: Path) -> None:
    (folder / "test_a.py").write_bytes(b"old\n")
    (folder / "test_a.py").chmod(0o750)
    asked = application(folder, {"test_a.py": b"old\nnew\n"}, {"test_a.py": blob_id(b"old\n")})
    assert await LocalWriter().apply(asked) == f"`test_a.py` in `{folder}`"
    assert (folder / "test_a.py").read_bytes() == b"old\nnew\n"
    assert (folder / "test_a.py").stat().st_mode & 0o777 == 0o750
    assert "was there already" in await LocalWriter().apply(asked)
    assert everything(folder) == ["test_a.py"]


@pytest.mark.parametrize("now", [b"changed\n", b"", None])
async def test_a_file_that_was_changed_since_the_job_read_it_is_left_alone(
    folder: Path, now: bytes | None
) -> None:
    if now is not None:
        (folder / "test_a.py").write_bytes(now)
    asked = application(
        folder, {"test_a.py": b"old\nnew\n", "b.py": b"b"}, {"test_a.py": blob_id(b"old\n")}
    )
    with pytest.raises(UserError, match="since the job read it"):
        await LocalWriter().apply(asked)
    assert everything(folder) == ([] if now is None else ["test_a.py"])
    assert now is None or (folder / "test_a.py").read_bytes() == now
