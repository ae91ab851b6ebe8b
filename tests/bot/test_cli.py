"""The command line against a real gateway's console side: what is printed, and how it exits."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from typing_extensions import override

from bot.auth import ApiKeys
from bot.cli import main
from bot.console.outbound import ConsoleOutbound
from handlers import Event, Invocation, Place, Tier
from jobs.messages import Action, Actions, File, Picture, Reply, Text, say
from storage.database import Database
from storage.ids import ArtifactId, InboxId
from storage.states import JobState
from tests.bot.console.gateway import JOB, Gateway, a_view
from tests.fakes.intake import RecordingIntake

Script = Callable[[ConsoleOutbound, Place], Awaitable[None]]


class Scripted(RecordingIntake):
    """Plays the rest of the gateway: a script for each message taken in."""

    def __init__(self) -> None:
        """Says nothing until `play` is set."""
        super().__init__()
        self.outbound: ConsoleOutbound | None = None
        self.play: Script = silence
        self._playing: set[asyncio.Future[None]] = set()

    @override
    async def accept(self, event: Event, keys: tuple[str, ...]) -> InboxId | None:
        taken = await super().accept(event, keys)
        if taken is not None and self.outbound is not None:
            self._playing.add(asyncio.ensure_future(self.play(self.outbound, event.place)))
        return taken


async def silence(outbound: ConsoleOutbound, place: Place) -> None:
    """Never answers."""


def answers(reply: Reply, outcome: str = "answer") -> Script:
    async def play(outbound: ConsoleOutbound, place: Place) -> None:
        await outbound.answer(place, reply, key=f"answer:{place.message}:0:{outcome}")

    return play


def runs(ending: JobState, reply: Reply) -> Script:
    """A job from queued to its end, as the delivery loop tells it."""

    async def play(outbound: ConsoleOutbound, place: Place) -> None:
        status = await outbound.post_status(place, a_view(JobState.QUEUED), key="J:status")
        for text in ("reading src/a.py", "searched 1,200 calls"):
            await asyncio.sleep(0.05)
            await outbound.edit_status(place, status, a_view(JobState.RUNNING, text))
        await asyncio.sleep(0.05)
        over = a_view(ending, "12 tests, 91 % of lines")
        await outbound.post_result(place, status, over, reply, key="J:result")
        await outbound.edit_status(place, status, over)

    return play


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, and a working folder without a gryph.toml."""
    for name in [name for name in os.environ if name.startswith("GRYPH_")]:  # noqa: TID251
        monkeypatch.delenv(name)
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("GRYPH_HOME", str(made))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return made


@pytest.fixture
def gateway(home: Path) -> Iterator[Gateway]:
    """A gateway that runs with this home folder."""
    intake = Scripted()
    made = Gateway(home, intake)
    intake.outbound = made.outbound
    with running(made):
        yield made
    made.database.close()


@contextmanager
def running(gateway: Gateway) -> Generator[str]:
    with gateway.served() as url:
        note = gateway.home / "run" / "gateway.json"
        note.parent.mkdir(exist_ok=True)
        note.write_text(json.dumps({"url": url, "pid": os.getpid()}))
        yield url


def script(gateway: Gateway, play: Script) -> None:
    assert isinstance(gateway.intake, Scripted)
    gateway.intake.play = play


def test_ask_prints_the_thread_as_it_happens_and_exits_0(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    buttons = Actions(actions=(Action(verb="apply", label="Apply", job=JOB),))
    reply = Reply(summary="12 tests", blocks=(Text(markdown="**12 tests** written."), buttons))
    script(gateway, runs(JobState.SUCCEEDED, reply))
    assert main(["ask", "test src/a.py"]) == 0
    lines = capsys.readouterr().out.splitlines()
    # Statuses that follow each other closely may be told as one; the first and last are not.
    ending = lines[-5:]
    assert all("test src/a.py · " in line for line in lines[:-4])
    assert "\n".join(ending) == snapshot("""\
test src/a.py · succeeded · 12 tests, 91 % of lines · 8.4 s · J7K2M9Q

12 tests written.

  Apply  gryph ask "apply J7K2M9Q"\
""")


@pytest.mark.parametrize("ending", [JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_does_not_succeed_exits_1(
    gateway: Gateway, capsys: pytest.CaptureFixture[str], ending: JobState
) -> None:
    script(gateway, runs(ending, say("It cannot be imported.")))
    assert main(["ask", "test src/a.py"]) == 1
    assert "It cannot be imported." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("outcome", "code"), [("answer", 0), ("error", 2), ("refused", 2), ("limited", 2)]
)
def test_an_answer_exits_0_and_a_refusal_2(gateway: Gateway, outcome: str, code: int) -> None:
    script(gateway, answers(say("So it is."), outcome))
    assert main(["ask", "tset src/a.py"]) == code


def test_json_prints_one_object_with_everything_a_script_needs(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    files = (
        File(artifact=ArtifactId("A1"), name="test_a.py", size_bytes=5),
        Picture(artifact=ArtifactId("A2"), alt="Coverage"),
    )
    script(gateway, runs(JobState.SUCCEEDED, Reply(summary="12 tests", blocks=files)))
    assert main(["ask", "test src/a.py", "--json"]) == 0
    outcome: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (outcome["job"], outcome["state"]) == (JOB, "succeeded")
    assert outcome["reply"]["summary"] == "12 tests"
    assert [message["kind"] for message in outcome["messages"]] == ["status", "result"]
    names = [artifact["name"] for artifact in outcome["artifacts"]]
    assert names == ["test_a.py", "Coverage.png"]
    assert outcome["artifacts"][0]["url"].endswith("/api/v1/artifacts/A1")


def test_save_downloads_the_files_over_nothing_and_out_of_no_folder(
    gateway: Gateway, tmp_path: Path
) -> None:
    gateway.keep("A1", "x", "text/plain", b"new")
    files = (File(artifact=ArtifactId("A1"), name="../../.test_a.py", size_bytes=3),)
    script(gateway, answers(Reply(summary="files", blocks=files)))
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "test_a.py").write_bytes(b"old")
    for _ in range(2):
        assert main(["ask", "help", "--save", str(saved)]) == 0
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == {
        "test_a.py": b"old",
        "test_a-2.py": b"new",
    }


def test_a_folder_given_as_repository_is_the_operators_absolute_folder(
    gateway: Gateway, tmp_path: Path
) -> None:
    script(gateway, answers(say("ok")))
    (tmp_path / "app").mkdir()
    for given in ("app", "./app", str(tmp_path / "app"), "team/app"):
        assert main(["ask", "test a.py", "--repo", given]) == 0
    events = [event for event in gateway.intake.events if isinstance(event, Invocation)]
    assert [event.repository for event in events] == [
        *[f"local:{tmp_path / 'app'}"] * 3,
        "team/app",
    ]


def test_without_a_gateway_it_says_how_to_start_one_and_exits_3(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", "help"]) == 3
    assert capsys.readouterr().err == f"gryph: no gateway at {home}; start one with `gryph up`\n"


def test_a_gateway_that_is_gone_exits_3(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ApiKeys(home).ensure()
    (home / "run").mkdir()
    (home / "run" / "gateway.json").write_text('{"url": "http://127.0.0.1:9", "pid": 1}')
    assert main(["ask", "help"]) == 3
    assert "no gateway at http://127.0.0.1:9; start one" in capsys.readouterr().err


def test_no_answer_in_time_exits_4_and_says_that_the_job_goes_on(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", "help", "--timeout", "0.3", "--json"]) == 4
    captured = capsys.readouterr()
    assert "no answer in time" in captured.err
    assert json.loads(captured.out)["reply"] is None


def test_a_refused_token_is_an_answer_and_exits_2(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRYPH_TOKEN", "a.b.c")
    assert main(["ask", "help"]) == 2
    assert "token is not valid" in capsys.readouterr().err


def test_with_neither_keys_nor_token_it_says_where_to_get_one(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.keys.path.unlink()
    assert main(["ask", "help"]) == 2
    assert "GRYPH_TOKEN" in capsys.readouterr().err
    assert not gateway.keys.path.exists(), "a client makes no keys"


def test_a_gateway_that_restarts_elsewhere_is_followed(home: Path) -> None:
    intake = Scripted()
    first = Gateway(home, intake)
    posted: list[Place] = []

    async def remember(outbound: ConsoleOutbound, place: Place) -> None:
        posted.append(place)

    intake.play = remember
    intake.outbound = first.outbound
    asking = [sys.executable, "-m", "bot.cli", "ask", "help", "--timeout", "60"]
    root = Path(__file__).parents[2]
    with running(first):
        client = subprocess.Popen(asking, cwd=root, stdout=subprocess.PIPE, text=True)
        while not posted:
            assert client.poll() is None
            asyncio.run(asyncio.sleep(0.05))
    second = Gateway(home)
    with running(second):
        asyncio.run(second.outbound.answer(posted[0], say("back again"), key="a"))
        out, _ = client.communicate(timeout=60)
    assert (client.returncode, out.strip()) == (0, "back again")
    first.database.close()
    second.database.close()


def test_chat_goes_on_in_one_conversation(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(gateway, answers(say("I hear you.")))
    lines = iter(["help", "", "quota"])

    def typed(prompt: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError(prompt) from None

    monkeypatch.setattr("builtins.input", typed)
    assert main(["chat"]) == 0
    assert capsys.readouterr().out.count("I hear you.") == 2
    assert len({event.place.channel for event in gateway.intake.events}) == 1


def test_token_prints_what_the_gateway_believes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "--name", "ci", "--role", "writer", "--ttl", "90d"]) == 0
    client = ApiKeys(home).verify(capsys.readouterr().out.strip())
    assert (client.name, client.tier) == ("ci", Tier.WRITE)


def test_a_retired_key_ends_the_tokens_it_signed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "--name", "ci"]) == 0
    assert main(["token", "--name", "ci", "--rotate", "--retire"]) == 0
    captured = capsys.readouterr()
    old, new = captured.out.split()
    assert "Keys removed: 1." in captured.err
    assert ApiKeys(home).verify(new).name == "ci"
    with pytest.raises(Exception, match="not ours"):
        ApiKeys(home).verify(old)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["ask"],
        ["token", "--name", "x", "--ttl", "soon"],
        ["token", "--name", "x", "--role", "emperor"],
        ["manifest", "irc"],
    ],
)
def test_a_command_line_that_makes_no_sense_exits_2(home: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2


@pytest.mark.parametrize(
    "arguments", [["--name", "x", "--ttl", "91d"], ["--name", "a b"], [], ["revoke"]]
)
def test_a_token_that_may_not_be_is_not_minted(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["token", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("gryph: ")


def test_migrate_makes_the_tables(home: Path) -> None:
    assert main(["migrate"]) == 0
    database = Database(f"sqlite:///{home / 'gryph.db'}")
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM console_messages").scalar_one()
    database.close()
    assert found == 0


def test_a_setting_that_makes_no_sense_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRYPH_RATE_PERSON_PER_HOUR", "many")
    assert main(["token", "--name", "x"]) == 1
    assert "rate_person_per_hour" in capsys.readouterr().err


def test_asking_loads_no_engine_and_no_worker() -> None:
    code = (
        "import sys, bot.cli, bot.console.doctor; "
        "print([m for m in sys.modules if m.split('.')[0] in ('engines', 'torch', 'arq')"
        " or m in ('jobs.runner', 'jobs.worker', 'bot.app')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_lint_tells_what_is_wrong_with_a_repositorys_file(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".gryph.toml").write_text("[test]\nstlye = 'pytest'\n")
    assert main(["lint", str(home)]) == 1
    assert "did you mean `test.style`?" in capsys.readouterr().out
    (home / ".gryph.toml").write_text("[test]\nstyle = 'pytest'\n")
    assert main(["lint", str(home / ".gryph.toml")]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    assert main(["lint", str(home / "nowhere")]) == 1
    assert "No such file" in capsys.readouterr().err
