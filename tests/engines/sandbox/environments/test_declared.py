from pathlib import Path

import pytest

from engines.sandbox.environments.declared import declared


def names(checkout: Path) -> list[str]:
    return list(declared(checkout).requirements)


def refused(checkout: Path) -> list[str]:
    return [one.requirement for one in declared(checkout).refused]


def test_a_checkout_may_declare_nothing(tmp_path: Path) -> None:
    assert declared(tmp_path).source == ""
    assert names(tmp_path) == []


def test_requirement_files_are_read_with_what_they_include(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("one==1.0  # why\n-r more/two.txt\nthree \\\n >=3\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "two.txt").write_text("two[extra]>=2 ; python_version > '3'\n")
    (tmp_path / "requirements-test.txt").write_text("-c pins.txt\nfour\n")
    (tmp_path / "pins.txt").write_text("five==5\n")
    found = declared(tmp_path)
    assert names(tmp_path) == [
        "one==1.0",
        "two[extra]>=2 ; python_version > '3'",
        "three   >=3",
        "four",
    ]
    assert (found.source, found.constraints) == ("requirements.txt", ("five==5",))


@pytest.mark.parametrize(
    "line",
    [
        "git+https://example.org/one.git",
        "-e ./local",
        "--index-url https://example.org",
        "--extra-index-url=https://example.org",
        "--find-links /etc",
        "--trusted-host example.org",
        "./local",
        "file:///etc/passwd",
        "one @ https://example.org/one.whl",
        "one; import os",
        "-r /etc/passwd",
        "-r ../outside.txt",
        "${HOME}",
    ],
)
def test_what_is_no_name_of_an_index_is_refused(tmp_path: Path, line: str) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    (checkout / "requirements.txt").write_text(line + "\n")
    assert names(checkout) == []
    assert len(refused(checkout)) == 1


def test_the_checkout_itself_is_no_requirement(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-e .\n--editable=.[test]\n.\n./\none\n")
    assert (names(tmp_path), refused(tmp_path)) == (["one"], [])


def test_a_link_out_of_the_checkout_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret\n")
    (tmp_path / "checkout").mkdir()
    for name in ("requirements.txt", "pyproject.toml", "uv.lock"):
        (tmp_path / "checkout" / name).symlink_to(tmp_path / "outside.txt")
    assert names(tmp_path / "checkout") == []


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r requirements-test.txt\none\n")
    (tmp_path / "requirements-test.txt").write_text("-r requirements.txt\ntwo\n")
    assert sorted(names(tmp_path)) == ["one", "two"]


def test_a_project_asks_for_its_own_and_its_tests(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("""
[project]
dependencies = ["one>=1", "away @ git+https://example.org/away"]
[project.optional-dependencies]
test = ["two"]
docs = ["sphinx"]
[dependency-groups]
tests = ["three", {include-group = "test"}]
""")
    assert names(tmp_path) == ["one>=1", "two", "three"]
    assert refused(tmp_path) == ["away"]


def test_poetrys_notation_is_understood(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("""
[tool.poetry.dependencies]
python = "^3.11"
one = "^1.2"
two = "~2.0"
three = "*"
four = "4.0"
five = {version = ">=5", extras = ["x"]}
away = {git = "https://example.org/away"}
""")
    assert names(tmp_path) == ["one>=1.2", "two>=2.0", "three", "four==4.0", "five>=5"]
    assert refused(tmp_path) == ["away"]


def test_uvs_lock_is_read_from_the_project_on(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["one"]\n')
    (tmp_path / "uv.lock").write_text("""
[[package]]
name = "own"
version = "0"
source = { editable = "." }
dependencies = [{ name = "one" }, { name = "away" }]
dev-dependencies = { test = [{ name = "four" }], docs = [{ name = "sphinx" }] }
[[package]]
name = "one"
version = "1.0"
source = { registry = "https://example.org" }
dependencies = [{ name = "two" }, { name = "three", marker = "python_version < '3'" }]
[[package]]
name = "two"
version = "2.0"
source = { registry = "https://example.org" }
[[package]]
name = "three"
version = "3.0"
source = { registry = "https://example.org" }
[[package]]
name = "four"
version = "4.0"
source = { registry = "https://example.org" }
[[package]]
name = "sphinx"
version = "9"
source = { registry = "https://example.org" }
[[package]]
name = "away"
version = "1"
source = { git = "https://example.org/away" }
""")
    assert declared(tmp_path).source == "uv.lock"
    assert names(tmp_path) == ["four==4.0", "one==1.0", "two==2.0"]
    assert refused(tmp_path) == ["away"]


def test_poetrys_lock_is_read_without_what_is_for_its_makers(tmp_path: Path) -> None:
    (tmp_path / "poetry.lock").write_text("""
[[package]]
name = "one"
version = "1.0"
groups = ["main"]
[[package]]
name = "two"
version = "2.0"
groups = ["docs"]
[[package]]
name = "three"
version = "3.0"
groups = ["main"]
markers = "python_version < '3'"
[[package]]
name = "away"
version = "1.0"
[package.source]
type = "git"
""")
    assert names(tmp_path) == ["one==1.0"]
    assert refused(tmp_path) == ["away"]


def test_a_standard_lock_comes_first(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("other\n")
    (tmp_path / "pylock.toml").write_text("""
lock-version = "1.0"
[[packages]]
name = "one"
version = "1.0"
[[packages]]
name = "two"
version = "2.0"
marker = "python_version < '3'"
[[packages]]
name = "away"
vcs = { type = "git", url = "https://example.org" }
""")
    assert (declared(tmp_path).source, names(tmp_path)) == ("pylock.toml", ["one==1.0"])
    assert refused(tmp_path) == ["away"]


@pytest.mark.parametrize(
    "text", ["[", "\x00", "a = " + "[" * 5000, "package = 3", "[project]\ndependencies = 'x'"]
)
def test_a_broken_file_declares_nothing(tmp_path: Path, text: str) -> None:
    for name in ("pylock.toml", "uv.lock", "poetry.lock", "pyproject.toml"):
        (tmp_path / name).write_text(text)
    assert names(tmp_path) == []
