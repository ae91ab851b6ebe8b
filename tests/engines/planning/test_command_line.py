"""`python -m engines.planning`: what it writes, and how it says what it cannot do."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from engines.planning.checking import violations
from engines.planning.reading.files import read_problem
from engines.planning.types import Placed
from tests.engines.planning.reading.test_imopse import GOOD as IMOPSE
from tests.engines.planning.reading.test_psplib import GOOD as PSPLIB

MOST_CPU_S = 4.0
TEAM = """\
[[people]]
id = "ana"
skills = {api = 2}
[[tasks]]
id = "db"
estimate = 3
needs = {api = 1}
[[tasks]]
id = "web"
estimate = 2
after = ["db"]
"""


def _run(*arguments: str | Path) -> tuple[subprocess.CompletedProcess[str], float]:
    """The finished process, and its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "engines.planning", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(("name", "text"), [("a.sm", PSPLIB), ("a.def", IMOPSE), ("a.toml", TEAM)])
def test_solve_writes_a_plan_in_the_files_own_ids(tmp_path: Path, name: str, text: str) -> None:
    path, out = tmp_path / name, tmp_path / "plan.json"
    path.write_text(text)
    done, _ = _run("solve", path, "--cpu-seconds", "0.5", "--seed", "3", "--json", out)
    assert (done.returncode, done.stderr) == (0, "")
    written = json.loads(out.read_text())
    problem = read_problem(path)
    placed = [
        Placed(row["task"], row["start"], row["end"], row["resource"])
        for row in written["schedule"]
    ]
    assert violations(problem, placed) == []
    assert written["makespan"] == max(one.end for one in placed)
    assert written["proven"] == (written["lower_bound"] == written["makespan"])
    assert 0 < written["cpu_s"] < MOST_CPU_S


CASES: dict[str, bytes] = {
    "circle": PSPLIB.replace("3        1          1           4", "3 1 1 1").encode(),
    "unknown predecessor": IMOPSE.replace("Q4: 0\t1\t2", "Q4: 0\t1\t7").encode(),
    "nobody able": IMOPSE.replace("10\tQ4: 1", "10\tQ4: 2").encode(),
    "wrong header": PSPLIB.replace("PRECEDENCE RELATIONS", "RELATIONS").encode(),
    "twice": PSPLIB.replace("2        1          1           4", "1 1 1 4").encode(),
    "binary": bytes(range(256)),
    "NUL": b"\0" * 20,
    "empty": b"",
    "prose": b"Dear team, please plan this.\n",
    "cut off": PSPLIB[: len(PSPLIB) // 2].encode(),
    "toml syntax": TEAM.replace("[[people]]", "[[people").encode(),
    "toml circle": TEAM.replace("estimate = 3", 'estimate = 3\nafter = ["web"]').encode(),
    "toml unknown": TEAM.replace('["db"]', '["dbx"]').encode(),
    "toml skill": TEAM.replace("needs = {api = 1}", "needs = {ops = 1}").encode(),
    "toml level": TEAM.replace("needs = {api = 1}", "needs = {api = 3}").encode(),
    "toml negative": TEAM.replace("estimate = 3", "estimate = -3").encode(),
    "toml absurd": TEAM.replace("estimate = 3", "estimate = 99999999999999").encode(),
    "toml twice": TEAM.replace('id = "web"', 'id = "db"').encode(),
    "csv unknown": b"id,estimate,after,person\na,3,,ana\nb,2,c,ana\n",
    "csv duration": b"id,estimate,person\na,soon,ana\n",
    "too many": (b"id,estimate,person\n" + b"".join(b"t%d,1,ana\n" % i for i in range(10_000))),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_planned_is_said_in_one_line(tmp_path: Path, case: str) -> None:
    path, out = tmp_path / "plan.txt", tmp_path / "plan.json"
    path.write_bytes(CASES[case])
    done, cpu_s = _run("solve", path, "--json", out)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not out.exists()
    assert cpu_s < MOST_CPU_S


@pytest.mark.parametrize("given", ["missing.sm", "."])
def test_what_is_no_file_is_said_in_one_line(tmp_path: Path, given: str) -> None:
    done, _ = _run("solve", tmp_path / given)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_deadline_that_no_plan_keeps_is_an_error_that_names_the_task(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(TEAM.replace('after = ["db"]', 'after = ["db"]\ndeadline = 4'))
    done, _ = _run("solve", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "task web: the deadline 4 cannot be met even with everyone free" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_first_plan_of_a_process_has_all_of_its_budget(tmp_path: Path) -> None:
    path, out = tmp_path / "a.def", tmp_path / "plan.json"
    path.write_text(IMOPSE)
    done, _ = _run("solve", path, "--cpu-seconds", "0.1", "--json", out)
    assert done.returncode == 0
    assert json.loads(out.read_text())["proven"]
