"""Installed distributions, as files to be searched."""

from pathlib import Path

from engines.source.chunks.packages import installed


def install(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def test_modules_of_named_distributions_are_read_public_and_top_first(tmp_path: Path) -> None:
    paths = ["a/deep/x.py", "a/__init__.py", "a/_private.py", "a/tests/test_x.py", "a/data.txt"]
    install(tmp_path, "my-Package", "1.2", {path: f"# {path}\n" for path in [*paths, "a/b.py"]})
    install(tmp_path, "other", "1", {"other.py": ""})
    (package,) = installed([tmp_path], ["my.package", "absent"])
    assert package.label == "my-Package 1.2"
    public = ["a/__init__.py", "a/b.py", "a/deep/x.py"]
    assert [one.path for one in package.read(1_000)] == [*public, "a/_private.py"]
    assert [one.path for one in package.read(30)] == ["a/__init__.py", "a/b.py"]


def test_files_that_a_distribution_claims_outside_its_folder_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    secret = tmp_path / "secret.py"
    secret.write_text("key = 1\n")
    install(folder, "bad", "1", {"bad.py": "x = 1\n"})
    (folder / "link.py").symlink_to(secret)
    with (folder / "bad-1.dist-info" / "RECORD").open("a") as record:
        record.write(f"../secret.py,,\n{secret},,\nlink.py,,\nmissing.py,,\n")
    (package,) = installed([folder], ["bad"])
    assert [one.path for one in package.read(1_000)] == ["bad.py"]


def test_the_first_folder_that_has_a_distribution_counts(tmp_path: Path) -> None:
    install(tmp_path / "one", "a", "1", {"a.py": "x = 1\n"})
    install(tmp_path / "two", "a", "2", {"a.py": "x = 2\n"})
    found = installed([tmp_path / "one", tmp_path / "two"], ["a"])
    assert [one.version for one in found] == ["1"]
