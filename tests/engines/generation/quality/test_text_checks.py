import json
from pathlib import Path

import pytest

from engines.generation.checks.ruff import Ruff, RuffFailed
from engines.generation.checks.ruff_settings import ruff_settings
from engines.generation.checks.style import check_style, formatted
from engines.generation.checks.syntax import check_syntax
from engines.generation.checks.trees import lay_out
from engines.generation.drafts import Draft
from engines.generation.ground import Tools
from engines.generation.originals import Originals
from engines.generation.tasks import CheckOutcome
from tests.engines.generation.quality.conftest import Checkout


def draft(root: Path, files: dict[str, str]) -> Draft:
    return Draft(Originals(root), files)


@pytest.fixture
def ruff(tools: Tools) -> Path:
    if tools.ruff is None:
        pytest.skip("ruff is not installed")
    return tools.ruff


BROKEN = {
    "a.py": "def f(:\n    pass\n",
    "b.py": "def f():\n    return 1\nreturn 2\n",
    "a.js": "const f = (x) => {\n  return x +;\n};\n",
    "a.ts": "function f(x: number: string {\n}\n",
    "a.tsx": "const f = () => <div>;\n",
    "A.java": "class A { void f() { int x = ; } }\n",
    "a.go": "package a\n\nfunc f( {\n}\n",
    "a.rs": "fn f() -> i32 { let x = ; }\n",
    "a.json": '{"a": }\n',
    "a.toml": "a = \n",
}
WHOLE = {
    "a.py": "def f():\n    return 1\n",
    "a.js": "const f = (x) => {\n  return x + 1;\n};\n",
    "a.ts": "function f(x: number): string {\n  return `${x}`;\n}\n",
    "a.tsx": "const f = () => <div>a</div>;\n",
    "A.java": "class A { void f() { int x = 1; } }\n",
    "a.go": "package a\n\nfunc f() {\n}\n",
    "a.rs": "fn f() -> i32 { 1 }\n",
    "a.json": '{"a": 1}\n',
    "a.toml": "a = 1\n",
}


@pytest.mark.parametrize("path", BROKEN)
def test_a_file_that_does_not_parse_is_told_with_its_line(checkout: Checkout, path: str) -> None:
    verdict = check_syntax(draft(checkout({}), {path: BROKEN[path]}))
    assert verdict.failed == "parses"
    assert path in verdict.told


def test_the_line_that_is_wrong_is_shown(checkout: Checkout) -> None:
    told = check_syntax(draft(checkout({}), {"a.js": BROKEN["a.js"]})).told
    assert "a.js line 2" in told
    assert ">    2   return x +;" in told


def test_files_that_parse_pass(checkout: Checkout) -> None:
    verdict = check_syntax(draft(checkout({}), {**WHOLE, "notes.txt": "any"}))
    assert [one.outcome for one in verdict.checks] == [CheckOutcome.PASSED]
    assert verdict.checks[0].detail.endswith("not read: notes.txt")


def test_what_no_grammar_reads_is_skipped(checkout: Checkout) -> None:
    assert check_syntax(draft(checkout({}), {"a.zig": "x"})).checks[0].outcome == "skipped"


def test_what_the_grammar_did_not_read_before_is_not_held_against_the_change(
    checkout: Checkout,
) -> None:
    root = checkout({"a.js": BROKEN["a.js"]})
    assert check_syntax(draft(root, {"a.js": BROKEN["a.js"] + "f();\n"})).failed == ""


@pytest.mark.parametrize(
    "text",
    [
        "(" * 50_000,
        "-" * 50_000 + "1",
        "a" + ".b" * 50_000,
        "\0",
        "\ud800",
        "f'" + "{x}" * 60_000 + "'",
        "f'''" + "{x}\n" * 60_000 + "'''",
    ],
)
def test_hostile_python_is_a_problem_and_no_crash(checkout: Checkout, text: str) -> None:
    assert check_syntax(draft(checkout({}), {"a.py": text})).failed == "parses"


def test_a_new_file_is_formatted_as_the_repository_wants(checkout: Checkout, ruff: Path) -> None:
    settings = "[tool.ruff]\nline-length = 40\n[tool.ruff.format]\nquote-style = 'single'\n"
    root = checkout({"pyproject.toml": settings})
    text = "import os\nx = ['aaaaaaaaaaaaaa', \"bbbbbbbbbbbbbbbb\", 'cccccc']\n"
    laid, verdict = formatted(draft(root, {"a.py": text}), Ruff(ruff, ruff_settings(root)))
    assert laid.files["a.py"] == (
        "x = [\n    'aaaaaaaaaaaaaa',\n    'bbbbbbbbbbbbbbbb',\n    'cccccc',\n]\n"
    )
    assert verdict.checks[0].detail == "laid out anew: a.py"


def test_of_a_file_laid_out_by_hand_only_the_change_is_formatted(
    checkout: Checkout, ruff: Path
) -> None:
    before = "a = { 'x':1 }\n\ndef f( x ):\n    return   x\n"
    root = checkout({"a.py": before})
    after = before + "\n\ndef g( y ):\n    return   'y'\n"
    laid, _ = formatted(draft(root, {"a.py": after}), Ruff(ruff, ruff_settings(root)))
    assert laid.files["a.py"] == before + "\n\ndef g(y):\n    return 'y'\n"


def test_only_complaints_that_the_change_brings_in_count(checkout: Checkout, ruff: Path) -> None:
    root = checkout({"a.py": "import os\n\nx = y\n"})
    own = Ruff(ruff, ruff_settings(root))
    old = check_style(draft(root, {"a.py": "import os\n\nx = y\nz = 1\n"}), own)
    assert old.failed == ""
    new = check_style(draft(root, {"a.py": "import os\n\nx = y\nz = w\n"}), own)
    assert new.failed == "lint"
    assert new.told == "a.py line 4: F821 Undefined name `w`\n    z = w"


def test_the_rules_of_the_repository_are_used(checkout: Checkout, ruff: Path) -> None:
    settings = (
        '[tool.ruff.lint]\nselect = ["S"]\n[tool.ruff.lint.per-file-ignores]\n"tests/*" = ["S"]\n'
    )
    root = checkout({"pyproject.toml": settings})
    own = Ruff(ruff, ruff_settings(root))
    files = {"a.py": "assert x\n", "tests/test_a.py": "assert x\n"}
    verdict = check_style(draft(root, files), own)
    assert verdict.told.startswith("a.py line 1: S101")
    assert "tests/" not in verdict.told


def test_imports_are_sorted_where_the_repository_sorts_them(checkout: Checkout, ruff: Path) -> None:
    root = checkout({"ruff.toml": 'lint.select = ["I"]\n', "pkg/__init__.py": ""})
    text = "import pkg\nimport os\n\nprint(os, pkg)\n"
    laid, _ = formatted(draft(root, {"a.py": text}), Ruff(ruff, ruff_settings(root)))
    assert laid.files["a.py"] == "import os\n\nimport pkg\n\nprint(os, pkg)\n"


def test_settings_that_name_files_or_programs_are_left_out(checkout: Checkout) -> None:
    hostile = {
        "line-length": 90,
        "extend": "/etc/passwd",
        "cache-dir": "/var/x",
        "target-version": 'py311"\nextend = "/etc/passwd',
        "src": ["/"],
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in hostile.items()]
    rules = 'lint.select = ["F", "../x", "E\\nextend"]\nlint.per-file-ignores = {"../*" = ["F"]}\n'
    root = checkout({"ruff.toml": "\n".join(lines) + "\n" + rules})
    inline = "\n".join(ruff_settings(root).inline)
    assert "line-length = 90" in inline
    assert 'lint.select = ["F"]' in inline
    assert "extend" not in inline
    assert ".." not in inline
    assert "passwd" not in inline


def test_rules_that_ruff_does_not_know_are_replaced_and_told(
    checkout: Checkout, ruff: Path
) -> None:
    root = checkout({"ruff.toml": 'lint.select = ["ZZZ999"]\n'})
    verdict = check_style(draft(root, {"a.py": "x = y\n"}), Ruff(ruff, ruff_settings(root)))
    assert verdict.failed == "lint"
    assert "F821" in verdict.told
    assert "ZZZ999" in verdict.checks[0].detail


def test_a_text_that_ruff_cannot_lay_out_is_said_to_be_one(ruff: Path, checkout: Checkout) -> None:
    with pytest.raises(RuffFailed):
        Ruff(ruff, ruff_settings(checkout({}))).formatted("def f(:", "a.py", keeps_quotes=False)


def test_a_checkout_is_laid_out_with_the_change_and_without_links_out(
    checkout: Checkout, tmp_path: Path
) -> None:
    root = checkout(
        {"pkg/a.py": "x = 1\n", ".git/config": "x", "data/b.txt": "b", "big.bin": "b" * 2_000_000}
    )
    (root / "out").symlink_to("/etc")
    (root / "in").symlink_to("pkg")
    folder = tmp_path / "work"
    lay_out(root, folder, {"pkg/a.py": "x = 2\n", "new/b.py": "y = 1\n"})
    assert (folder / "in/a.py").read_text() == "x = 2\n"
    assert (folder / "new/b.py").read_text() == "y = 1\n"
    assert (folder / "big.bin").is_symlink()
    assert (folder / "data").is_symlink()
    assert (folder / "data/b.txt").read_text() == "b"
    assert not (folder / "pkg").is_symlink()
    assert not (folder / "out").exists()
    assert not (folder / ".git").exists()
    assert (root / "pkg/a.py").read_text() == "x = 1\n"
