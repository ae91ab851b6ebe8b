import json
from pathlib import Path

import pytest

from engines.generation.__main__ import main

FIXED = (
    "FILE: shop/prices.py\n<<<<<<< SEARCH\n    return total(prices) / len(prices) + 1\n=======\n"
    "    return total(prices) / len(prices)\n>>>>>>> REPLACE\n"
)


@pytest.mark.usefixtures("sandbox")
def test_a_fix_from_the_command_line(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, report, out = tmp_path / "model.json", tmp_path / "report.txt", tmp_path / "out"
    script.write_text(json.dumps([FIXED]))
    report.write_text("FAILED tests/test_prices.py::test_mean - assert 3.0 == 2\n")
    told = tmp_path / "result.json"
    code = main(
        ["--root", str(shop), "--fix", str(report), "--model", str(script),
         "--out", str(out), "--json", str(told)]
    )  # fmt: skip
    assert code == 0
    assert (out / "shop/prices.py").read_text().endswith("len(prices)\n")
    result = json.loads(told.read_text())
    assert result["verified"]
    assert (
        "passed  failing test: tests/test_prices.py::test_mean passes now"
        in capsys.readouterr().out
    )


def test_an_unverified_result_is_shown_as_a_diff_with_the_reason(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "model.json"
    script.write_text(json.dumps(["FILE: web/a.js\n```js\nconst a = 1;\n```\n"]))
    code = main(
        ["a constant", "--root", str(shop), "--lang", "javascript", "--path", "web/a.js",
         "--context", "shop/prices.py", "--model", str(script)]
    )  # fmt: skip
    shown = capsys.readouterr().out
    assert code == 2
    assert "+++ b/web/a.js" in shown
    assert "unverified: only tests of Python are run here" in shown


def test_what_is_no_model_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["x", "--root", str(tmp_path), "--model", "nothing"]) == 1
    assert "`nothing` is no folder" in capsys.readouterr().err
