import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from engines.sandbox.report import CanaryReport, Probe
from engines.sandbox.sandbox import Sandbox
from engines.sandbox.server import Server
from engines.sandbox.types import Ending, Entry, Limits, NoIsolation, Preparation, Rung

_ROOT = Path(__file__).parents[3]
_READABLE = (_ROOT,)
_ENTRIES = "tests.engines.sandbox.entries"


@pytest.fixture(params=[True, False], ids=["forks", "fresh"])
def server(report: CanaryReport, request: pytest.FixtureRequest) -> Generator[Server]:
    preparation = Preparation((_ENTRIES,), _READABLE, {"PYTHONHASHSEED": "7"})
    with Server(report.rung, preparation, forks=request.param) as found:
        yield found


@pytest.fixture
def forking(report: CanaryReport) -> Generator[Server]:
    with Server(report.rung, Preparation((_ENTRIES,), _READABLE)) as found:
        yield found


def entry(function: str, work: Path, **env: str) -> Entry:
    return Entry(f"{_ENTRIES}:{function}", work, env=env)


def said(server: Server, function: str, **env: str) -> str:
    with server.folder() as work:
        outcome = server.run(entry(function, work, **env))
    assert outcome.exit_code == 0, outcome.stderr.decode()
    return outcome.stdout.decode().strip()


def test_a_run_has_its_folder_its_environment_its_input_and_its_exit_code(server: Server) -> None:
    names = "HOME LANG LOGNAME MINE PATH PYTHONHASHSEED TMPDIR USER"
    with server.folder() as work:
        run = Entry(f"{_ENTRIES}:describe", work, env={"MINE": "1"}, stdin=b"input")
        outcome = server.run(run)
    assert (outcome.exit_code, outcome.ending, outcome.rung) == (3, Ending.EXITED, server.rung)
    assert outcome.stdout.decode() == f"{work} {names}\n"
    assert outcome.stderr == b"input"


def test_a_run_answers_messages(server: Server) -> None:
    with server.folder() as work, server.open(entry("echo", work)) as conversation:
        for message in ("text", {"a": [1, None]}):
            conversation.send(message)
            assert conversation.receive(30) == message


def test_an_exception_is_told_and_fails(server: Server) -> None:
    with server.folder() as work:
        outcome = server.run(entry("fail", work))
    assert outcome.exit_code == 1
    assert b"ZeroDivisionError" in outcome.stderr


def test_a_message_at_exit_is_told_and_fails(server: Server) -> None:
    with server.folder() as work:
        outcome = server.run(entry("give_up", work))
    assert (outcome.exit_code, outcome.stderr) == (1, b"given up\n")


def test_no_run_sees_what_the_one_before_did(server: Server) -> None:
    assert [said(server, "remember") for _ in range(3)] == ["[] None []"] * 3


def test_all_runs_of_a_server_have_its_hash_seed_and_each_its_own_chance_and_zone(
    server: Server,
) -> None:
    drawn = [said(server, "draw", TZ=zone).split() for zone in ("UTC", "Asia/Tokyo")]
    python = [sys.executable, "-c", "print(hash('text'))"]
    expected = subprocess.check_output(python, env={"PYTHONHASHSEED": "7"}, text=True).strip()
    assert [text for text, _, _ in drawn] == [expected, expected]
    assert drawn[0][1] != drawn[1][1]
    assert [hour for _, _, hour in drawn] == ["0", "9"]


@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "LC_ALL"])
def test_what_an_interpreter_reads_at_its_start_is_not_for_a_run(server: Server, name: str) -> None:
    with (
        server.folder() as work,
        pytest.raises(ValueError, match=f"{name} is settled at the server's start"),
    ):
        server.run(entry("draw", work, **{name: "1"}))


def test_a_run_reads_only_what_it_is_given(report: CanaryReport, tmp_path: Path) -> None:
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    places = ":".join(str(tmp_path / name / "file") for name in ("mine", "theirs"))
    with (
        Server(report.rung, Preparation((_ENTRIES,), (*_READABLE, tmp_path))) as server,
        server.folder() as work,
    ):
        readable = (*_READABLE, tmp_path / "mine")
        run = Entry(f"{_ENTRIES}:read", work, readable, env={"PLACES": places})
        outcome = server.run(run)
        (work / "found").write_text("still the host's")
    assert outcome.stdout.decode().split() == ["mine", "refused"], outcome.stderr


def test_runs_beside_each_other_can_neither_read_nor_signal(forking: Server) -> None:
    with forking.folder() as work, forking.open(entry("hold", work)) as neighbour:
        pid = neighbour.receive(30)
        assert said(forking, "pry", NEIGHBOUR=f"{pid},{work}") == "[]"
        neighbour.send("still there?")


def test_what_a_run_leaves_running_ends_with_it(server: Server) -> None:
    with server.folder() as work:
        outcome = server.run(entry("leave_a_daemon", work))
        size = (work / "alive").stat().st_size
        time.sleep(0.1)
        assert (outcome.exit_code, (work / "alive").stat().st_size) == (0, size)


def test_a_run_that_goes_for_its_launcher_harms_nobody(forking: Server) -> None:
    with forking.folder() as work:
        forking.run(entry("end_the_server", work))
    assert said(forking, "remember") == "[] None []"


def test_a_limit_ends_a_run(server: Server) -> None:
    with server.folder() as work:
        run = Entry(f"{_ENTRIES}:echo", work, limits=Limits(wall_s=0.2))
        with server.open(run) as conversation:
            time.sleep(0.4)
            assert conversation.close().ending is Ending.WALL_LIMIT


def test_a_killed_server_starts_again(report: CanaryReport) -> None:
    others = children()
    with Server(report.rung, Preparation((_ENTRIES,), _READABLE)) as server:
        assert said(server, "remember") == "[] None []"
        kill(waiting(report.rung, others)[-3])
        for _ in range(2):  # the first by the pair that still waits
            assert said(server, "remember") == "[] None []"


@pytest.mark.parametrize("which", [-2, -1], ids=["launcher", "program"])
def test_what_waits_for_a_run_is_replaced_when_it_was_killed(
    report: CanaryReport, which: int
) -> None:
    others = children()
    with Server(report.rung, Preparation((_ENTRIES,), _READABLE)) as server:
        kill(waiting(report.rung, others)[which])
        assert said(server, "remember") == "[] None []"


def test_one_pair_waits_however_many_runs_there_were(report: CanaryReport) -> None:
    others = children()
    with Server(report.rung, Preparation((_ENTRIES,), _READABLE)) as server:
        pairs = [waiting(report.rung, others)]
        for _ in range(3):
            said(server, "remember")
            pairs.append(waiting(report.rung, others))
    assert len({pid for pair in pairs for pid in pair[-2:]}) == 2 * len(pairs)


def test_what_waits_for_a_run_ends_with_the_server(report: CanaryReport) -> None:
    others = children()
    with Server(report.rung, Preparation((_ENTRIES,), _READABLE)):
        ends = [os.pidfd_open(pid) for pid in waiting(report.rung, others)]
    for end in ends:
        await_end(end)


def test_a_run_has_nothing_open_but_what_is_its_own(server: Server) -> None:
    assert said(server, "list_descriptors") == "0 1 2"
    with server.folder() as work, server.open(entry("echo_descriptors", work)) as conversation:
        assert conversation.receive(30) == [0, 1, 2, 3, 4]


def test_a_folder_of_another_place_is_refused(forking: Server, work: Path) -> None:
    with pytest.raises(ValueError, match="not one of the server's folders"):
        forking.run(entry("echo", work))


def test_a_readable_path_outside_the_servers_is_refused(forking: Server, tmp_path: Path) -> None:
    with forking.folder() as work, pytest.raises(ValueError, match="not beneath one of"):
        forking.run(Entry(f"{_ENTRIES}:echo", work, (tmp_path,)))


def test_a_module_that_does_not_exist_is_named(report: CanaryReport) -> None:
    with pytest.raises(NoIsolation, match="No module named 'no_such_module'"):
        Server(report.rung, Preparation(("no_such_module",)))


def test_nothing_is_left_of_a_closed_server(
    report: CanaryReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(Path("/proc/self/fd").iterdir()), children()
    with Server(report.rung, Preparation((_ENTRIES,), _READABLE)) as server:
        said(server, "remember")
        with server.folder() as work, server.open(entry("echo", work)) as conversation:
            conversation.send(1)
            conversation.receive(30)
    assert (set(Path("/proc/self/fd").iterdir()), children()) == before
    assert list(tmp_path.iterdir()) == []


def children(pid: int | str = "self") -> set[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in lists for child in path.read_text().split()}


def waiting(rung: Rung, others: set[int]) -> list[int]:
    """The one line of processes from a server without a run to the program's that waits."""
    expected = 5 if rung is Rung.BUBBLEWRAP else 3  # bubblewrap itself is two
    while True:
        line: list[int] = []
        level = children() - others
        while level:
            line += level
            level = {child for pid in level for child in children(pid) if is_alive(child)}
        if len(line) == expected:
            return line
        time.sleep(0.005)


def kill(pid: int) -> None:
    process = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    await_end(process)


def await_end(process: int) -> None:
    ended, _, _ = select.select([process], [], [], 30)
    os.close(process)
    assert ended, "it still runs"


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_where_warm_starts_do_not_hold_runs_start_cold(report: CanaryReport) -> None:
    sandbox = Sandbox(report.rung)
    failed = Probe("go for a run beside it", "nothing found", "found", passed=False)
    broken = CanaryReport(report.rung, forks=True, probes=(failed,))
    sandbox.warm_report = lambda: broken
    with sandbox.warm(Preparation((_ENTRIES,), _READABLE)) as server:
        assert said(server, "remember") == "[] None []"
        assert server.is_warm is False


def test_warm_starts_are_attacked_before_the_first(sandbox: Sandbox) -> None:
    with sandbox.warm(Preparation((_ENTRIES,), _READABLE)) as server:
        assert server.is_warm is sandbox.warm_report().passed is True
