import hashlib
import os
import resource
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from engines.sandbox.confinement import NICENESS
from engines.sandbox.places import SANDBOX_FOLDER
from engines.sandbox.plan import KILL_NAMESPACE, Plan, decode, encode
from engines.sandbox.sandbox import Sandbox
from engines.sandbox.types import Command, Ending, Limits


def python(code: str, work: Path) -> Command:
    return Command(argv=(sys.executable, "-c", code), work=work)


def children_s() -> float:
    """CPU seconds of ended child processes of this one, and of theirs."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def children() -> set[str]:
    """Child processes of this one, the dead ones that nobody collected included."""
    lists = Path("/proc/self/task").glob("*/children")
    return {pid for path in lists for pid in path.read_text().split()}


def test_a_program_answers_with_its_output_and_exit_code(sandbox: Sandbox, work: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    outcome = sandbox.run(python(code, work))
    assert (outcome.ending, outcome.exit_code, outcome.signal) == (Ending.EXITED, 3, None)
    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")
    assert outcome.rung is sandbox.rung


def test_a_crash_names_its_signal(sandbox: Sandbox, work: Path) -> None:
    outcome = sandbox.run(python("import os; os.abort()", work))
    assert (outcome.ending, outcome.exit_code, outcome.signal) == (Ending.SIGNALLED, None, 6)
    assert list(work.iterdir()) == []


def test_standard_input_arrives_whole(sandbox: Sandbox, work: Path) -> None:
    text = os.urandom(300_000)
    code = "import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    outcome = sandbox.run(replace(python(code, work), stdin=text))
    assert outcome.stdout.decode().strip() == hashlib.sha256(text).hexdigest()


def test_input_that_nobody_reads_does_no_harm(sandbox: Sandbox, work: Path) -> None:
    outcome = sandbox.run(replace(python("pass", work), stdin=bytes(1_000_000)))
    assert outcome.exit_code == 0


def test_the_environment_is_what_the_command_says(sandbox: Sandbox, work: Path) -> None:
    code = "import os; print(*sorted(os.environ), os.environ['TZ'])"
    outcome = sandbox.run(replace(python(code, work), env={"TZ": "Asia/Tokyo"}))
    assert outcome.stdout == b"HOME LANG LOGNAME PATH TMPDIR TZ USER Asia/Tokyo\n"


def test_the_program_starts_in_its_work_folder(sandbox: Sandbox, work: Path) -> None:
    (work / "given.txt").write_text("given")
    code = "import os; print(os.getcwd(), open('given.txt').read())"
    assert sandbox.run(python(code, work)).stdout.decode() == f"{work} given\n"


def test_a_program_makes_way_for_others(sandbox: Sandbox, work: Path) -> None:
    outcome = sandbox.run(python("import os; print(os.nice(0))", work))
    assert int(outcome.stdout) == os.nice(0) + NICENESS


def test_installed_packages_can_be_imported(sandbox: Sandbox, work: Path) -> None:
    outcome = sandbox.run(python("import pytest; print(pytest.__name__)", work))
    assert outcome.stdout == b"pytest\n", outcome.stderr


def test_only_the_readable_paths_can_be_read(sandbox: Sandbox, work: Path, tmp_path: Path) -> None:
    for name in ("shown", "hidden"):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "file.txt").write_text(name)
        (tmp_path / name / "file.txt").chmod(0o600)
    code = f"""
from dataclasses import replace
from pathlib import Path
for name in ("shown", "hidden"):
    try:
        print(Path({str(tmp_path)!r}, name, "file.txt").read_text())
    except OSError:
        print("refused")
"""
    outcome = sandbox.run(replace(python(code, work), readable=(tmp_path / "shown",)))
    assert outcome.stdout == b"shown\nrefused\n", outcome.stderr


def test_a_readable_path_cannot_be_written(sandbox: Sandbox, work: Path, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    shown.mkdir(mode=0o777)
    shown.chmod(0o777)
    command = python(f"open({str(shown / 'x')!r}, 'w')", work)
    outcome = sandbox.run(replace(command, readable=(shown,)))
    assert outcome.exit_code == 1
    assert list(shown.iterdir()) == []


def test_a_program_that_does_not_exist_is_named(sandbox: Sandbox, work: Path) -> None:
    outcome = sandbox.run(Command(("no-such-program",), work))
    assert outcome.exit_code == 127
    assert b"cannot run 'no-such-program': No such file or directory" in outcome.stderr


def test_a_stopped_run_ends_at_once_and_says_so(sandbox: Sandbox, work: Path) -> None:
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 1

    outcome = sandbox.run(python("import time; time.sleep(60)", work), stop=stop)
    assert (outcome.ending, outcome.exit_code) == (Ending.STOPPED, None)
    assert outcome.wall_s < 60


def test_a_failing_stop_still_ends_the_run(sandbox: Sandbox, work: Path) -> None:
    def stop() -> bool:
        raise ZeroDivisionError

    code = "import os, time; open('pid', 'w').close(); time.sleep(60)"
    with pytest.raises(ZeroDivisionError):
        sandbox.run(python(code, work), stop=stop)
    assert work.stat().st_uid == os.geteuid()


def test_output_beyond_the_limit_is_cut_and_ends_the_run(sandbox: Sandbox, work: Path) -> None:
    command = python("import sys; sys.stderr.write('x' * 5000)", work)
    outcome = sandbox.run(replace(command, limits=Limits(output_bytes=1000)))
    assert outcome.ending is Ending.OUTPUT_LIMIT
    assert outcome.stderr == b"x" * 1000


def test_processor_time_of_children_is_counted(sandbox: Sandbox, work: Path) -> None:
    code = """
import os, time
if os.fork() == 0:
    while time.process_time() < 0.3: pass
    os._exit(0)
os.wait()
"""
    assert 0.3 <= sandbox.run(python(code, work)).cpu_s < 30


def test_runs_beside_each_other_do_not_meet(sandbox: Sandbox, tmp_path: Path) -> None:
    barrier = threading.Barrier(3)
    code = "import os, time; time.sleep(0.3); open('mine', 'w').write('x'); print(os.getuid())"

    def run(number: int) -> tuple[int | None, bytes]:
        work = tmp_path / str(number)
        work.mkdir()
        barrier.wait()
        outcome = sandbox.run(python(code, work))
        return outcome.exit_code, outcome.stdout

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(run, range(3)))
    assert [code for code, _ in results] == [0, 0, 0]
    assert all((tmp_path / str(number) / "mine").exists() for number in range(3))
    if os.geteuid() == 0:
        assert len({uid for _, uid in results}) == 3


def test_two_runs_cannot_share_a_work_folder(sandbox: Sandbox, work: Path) -> None:
    with (
        sandbox.open(python("import time; time.sleep(60)", work)),
        pytest.raises(ValueError, match="another run is using"),
    ):
        sandbox.run(python("pass", work))


def test_nothing_is_left_open_or_lying_about(
    sandbox: Sandbox, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    sandbox.run(python("pass", work))
    before = set(Path("/proc/self/fd").iterdir())
    children_before = children()
    for _ in range(3):
        sandbox.run(python("open('x', 'w')", work))
    assert set(Path("/proc/self/fd").iterdir()) == before
    assert not list(scratch.iterdir())
    assert children() == children_before


def test_a_missing_work_folder_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        sandbox.run(python("pass", tmp_path / "nowhere"))


def test_a_missing_readable_path_is_refused(sandbox: Sandbox, work: Path) -> None:
    with pytest.raises(ValueError, match="readable path /nowhere does not exist"):
        sandbox.run(replace(python("pass", work), readable=(Path("/nowhere"),)))


def test_no_program_is_refused(sandbox: Sandbox, work: Path) -> None:
    with pytest.raises(ValueError, match="names no program"):
        sandbox.run(Command((), work))


def test_a_nul_character_is_refused(sandbox: Sandbox, work: Path) -> None:
    with pytest.raises(ValueError, match="NUL"):
        sandbox.run(Command(("echo", "a\0argv=b"), work))


def test_a_hard_link_out_of_the_work_folder_is_refused(
    sandbox: Sandbox, work: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("kept")
    (work / "inside.txt").hardlink_to(outside)
    with pytest.raises(ValueError, match="more than one name"):
        sandbox.run(python("open('inside.txt', 'w')", work))
    assert outside.stat().st_uid == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends files to another uid")
def test_a_set_uid_program_left_behind_is_harmless(sandbox: Sandbox, work: Path) -> None:
    code = "import os, shutil; shutil.copy('/bin/true', 'trap'); os.chmod('trap', 0o6755)"
    assert sandbox.run(python(code, work)).exit_code == 0
    trap = (work / "trap").stat()
    assert (trap.st_uid, trap.st_mode & 0o7000) == (0, 0)


def test_a_run_without_its_own_process_namespace_is_refused(tmp_path: Path) -> None:
    plan = Plan()
    plan.kill = KILL_NAMESPACE
    plan.host_namespace = str(Path("/proc/self/ns/pid").readlink())
    plan.argv = ["true"]
    assert _launch(plan, tmp_path)["failure"] == "the run has no process namespace of its own"


def _launch(plan: Plan, folder: Path) -> dict[str, str]:
    """Start the launcher bare, as a broken bubblewrap would."""
    (folder / "plan").write_bytes(encode(vars(plan)))
    report = folder / "report"
    with (folder / "plan").open("rb") as said, report.open("wb") as heard:
        descriptors = (said.fileno(), 0, heard.fileno())
        code = "from engines.sandbox.launcher import run; run()"
        subprocess.run(
            [sys.executable, "-c", code, *map(str, descriptors)],
            pass_fds=descriptors,
            cwd=SANDBOX_FOLDER.parents[1],
            check=True,
        )
    return dict(decode(report.read_bytes()))


def test_the_host_is_charged_for_all_that_ran_inside(sandbox: Sandbox, work: Path) -> None:
    """So that a budget of a whole process tree can be kept, and is seen to be kept."""
    spin = (
        "import os, time\n"
        "for _ in range(2):\n"
        "    if os.fork() == 0:\n"
        "        while time.process_time() < 0.2: pass\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
    )
    before_s = children_s()
    sandbox.run(python(spin, work))
    assert children_s() - before_s > 0.35
