import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engines.sandbox import channel
from engines.sandbox.conversation import Ended, Garbled
from engines.sandbox.sandbox import Sandbox
from engines.sandbox.types import Command, Ending, Limits, NoIsolation

_OPEN = f"""
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("channel", {channel.__file__!r})
module = module_from_spec(spec)
spec.loader.exec_module(module)
channel = module.open_channel()
"""
_ECHO = _OPEN + "while True: channel.send(channel.receive())"


def talk(code: str, work: Path) -> Command:
    return Command(argv=(sys.executable, "-c", code), work=work)


def test_messages_go_both_ways_in_order(sandbox: Sandbox, work: Path) -> None:
    with sandbox.open(talk(_ECHO, work)) as conversation:
        for message in ({"a": [1, None, "é"]}, "text", 3.5):
            conversation.send(message)
        said = [conversation.receive(30) for _ in range(3)]
    assert said == [{"a": [1, None, "é"]}, "text", 3.5]


def test_a_message_larger_than_any_pipe_arrives_whole(sandbox: Sandbox, work: Path) -> None:
    with sandbox.open(talk(_ECHO, work)) as conversation:
        conversation.send("x" * 3_000_000)
        assert conversation.receive(30) == "x" * 3_000_000


def test_silence_is_a_timeout_and_the_talk_goes_on(sandbox: Sandbox, work: Path) -> None:
    with sandbox.open(talk(_ECHO, work)) as conversation:
        with pytest.raises(TimeoutError):
            conversation.receive(0.05)
        conversation.send("still there?")
        assert conversation.receive(30) == "still there?"


def test_a_program_that_exits_is_reported_with_its_output(sandbox: Sandbox, work: Path) -> None:
    with (
        sandbox.open(talk("print('bye'); raise SystemExit(4)", work)) as conversation,
        pytest.raises(Ended) as ended,
    ):
        conversation.receive(30)
    outcome = ended.value.outcome
    assert (outcome.ending, outcome.exit_code, outcome.stdout) == (Ending.EXITED, 4, b"bye\n")


def test_sending_to_a_program_that_is_gone_says_so(sandbox: Sandbox, work: Path) -> None:
    with sandbox.open(talk("pass", work)) as conversation:
        with pytest.raises(Ended):
            conversation.receive(30)
        with pytest.raises(Ended):
            conversation.send("anyone?")


@pytest.mark.parametrize(
    ("limits", "ending"),
    [
        (Limits(wall_s=0.3), Ending.WALL_LIMIT),
        (Limits(cpu_s=0.3), Ending.CPU_LIMIT),
    ],
)
def test_a_limit_ends_the_conversation(
    sandbox: Sandbox, work: Path, limits: Limits, ending: Ending
) -> None:
    command = replace(talk("while True: pass", work), limits=limits)
    with sandbox.open(command) as conversation, pytest.raises(Ended) as ended:
        conversation.receive(30)
    assert ended.value.outcome.ending is ending


def test_closing_kills_the_program(sandbox: Sandbox, work: Path) -> None:
    conversation = sandbox.open(talk(_ECHO, work))
    outcome = conversation.close()
    assert outcome.ending is Ending.STOPPED
    assert conversation.close() == outcome


@pytest.mark.parametrize("line", ["not json", "[" * 100_000, "9" * 5000])
def test_what_is_no_message_is_refused(sandbox: Sandbox, work: Path, line: str) -> None:
    (work / "line").write_text(line + "\n")
    code = "import os, time; os.write(4, open('line', 'rb').read()); time.sleep(60)"
    with sandbox.open(talk(code, work)) as conversation, pytest.raises(Garbled):
        conversation.receive(30)


def test_half_a_message_is_no_message(sandbox: Sandbox, work: Path) -> None:
    with (
        sandbox.open(talk("import os; os.write(4, b'[1, 2')", work)) as conversation,
        pytest.raises(Ended),
    ):
        conversation.receive(30)


def test_children_of_the_program_do_not_inherit_the_channel(sandbox: Sandbox, work: Path) -> None:
    (work / "child.py").write_text("""
import os
for descriptor in (3, 4):
    try:
        os.fstat(descriptor)
        print(descriptor)
    except OSError:
        pass
""")
    code = (
        _OPEN
        + """
import subprocess, sys
child = [sys.executable, "child.py"]
run = subprocess.run(child, close_fds=False, capture_output=True, text=True)
channel.send([run.returncode, run.stdout])
channel.receive()
"""
    )
    with sandbox.open(talk(code, work)) as conversation:
        assert conversation.receive(30) == [0, ""]


def test_no_descriptor_stays_open(sandbox: Sandbox, work: Path) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        with sandbox.open(talk(_ECHO, work)) as conversation:
            conversation.send(1)
            conversation.receive(30)
    with pytest.raises((ValueError, NoIsolation)):
        sandbox.open(talk(_ECHO, work / "nowhere"))
    assert set(Path("/proc/self/fd").iterdir()) == before
