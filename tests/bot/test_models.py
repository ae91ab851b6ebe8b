"""`gryph model` as an operator meets it."""

import asyncio
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from sqlmodel import Session, col, select

from bot.cli import main
from bot.console.models import models as check_models
from bot.settings import GatewaySettings
from storage import models, vault
from storage.database import Database
from storage.migrations.run import upgrade
from storage.models import Registry
from storage.tables.trust import AuditRow
from tests.bot.model_endpoint import KEY, Served, endpoint
from tests.storage.weights import QWEN_1_5B, model_folder

Captured = pytest.CaptureFixture[str]
Said = Callable[..., str]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "gryph.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated: Path) -> Path:
    """A migrated home in effect, and a machine without models."""
    for name in [name for name in os.environ if name.startswith("GRYPH_")]:  # noqa: TID251
        monkeypatch.delenv(name)
    made = tmp_path / "home"
    monkeypatch.setenv("GRYPH_HOME", str(made))
    monkeypatch.setenv("GRYPH_MODEL_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.chdir(tmp_path)
    made.mkdir(mode=0o700)
    shutil.copy(migrated, made)
    return made


@pytest.fixture
def said(home: Path, capsys: Captured) -> Said:
    """Runs `gryph model …` and gives what was printed."""
    capsys.readouterr()

    def run(*arguments: str, code: int = 0) -> str:
        assert main(["model", *arguments]) == code
        out, err = capsys.readouterr()
        assert bool(out) == (code == 0), err
        return (out + err).replace(str(home.parent), "DIR")

    return run


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with endpoint() as running:
        yield running


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    return str(file)


def registry(home: Path) -> Registry:
    database = Database(f"sqlite:///{home / 'gryph.db'}")
    try:
        return database.read_now(models.registry)
    finally:
        database.close()


def audited(home: Path) -> list[tuple[str, str, dict[str, Any]]]:
    def rows(session: Session) -> list[tuple[str, str, dict[str, Any]]]:
        found = session.exec(select(AuditRow).order_by(col(AuditRow.seq)))
        return [(row.action, row.subject, row.detail) for row in found]

    database = Database(f"sqlite:///{home / 'gryph.db'}")
    try:
        return database.read_now(rows)
    finally:
        database.close()


# Folders and the hub


def test_a_folder_is_registered_with_what_it_takes(said: Said, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "qwen", QWEN_1_5B)
    assert said("add", "coder", "--local", str(folder)) == snapshot("""\
coder is registered; code stays on the worker's machine.
Qwen2ForCausalLM, 1.54B parameters (medium), up to 32,768 tokens. With a cache of 32,768 tokens it takes
  bf16        3.1 GB of weights,    5.0 GB in all: fits 16 GB, the most exact that does
  int8        1.8 GB of weights,    3.7 GB in all: fits 16 GB
  int4        1.2 GB of weights,    3.1 GB in all: fits 16 GB
Try it: gryph model test coder
""")


def test_a_model_too_large_for_the_card_is_refused_with_what_it_needs(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model_folder(tmp_path / "qwen", QWEN_1_5B)
    monkeypatch.setenv("GRYPH_GPU_MEMORY_GB", "3")
    assert said("add", "coder", "--local", str(folder), code=2) == snapshot(
        "gryph: It does not fit: int4 takes 3.1 GB, and there are 3. Take a smaller model or a "
        "smaller --precision, or set GRYPH_GPU_MEMORY_GB if the card has more.\n"
    )
    assert "registered" in said("add", "coder", "--local", str(folder), "--unchecked")
    assert "too large for the card" in said("list")


def test_a_precision_that_fits_is_named(said: Said, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "qwen", QWEN_1_5B)
    text = said("add", "coder", "--local", str(folder), "--memory", "4")
    assert "int8        1.8 GB of weights,    3.7 GB in all: fits 4 GB, the most exact" in text
    assert "5.0 GB in all: does not fit 4 GB" in text
    refused = said(
        "add", "b", "--local", str(folder), "--memory", "4", "--precision", "bf16", code=2
    )
    assert "bf16 takes 5.0 GB, and there are 4" in refused


def test_a_hub_id_is_fetched_later_or_found_where_it_was_fetched(
    said: Said, tmp_path: Path
) -> None:
    assert "fetched when it is first asked" in said("add", "coder", "--hub", "team/coder")
    assert "not fetched yet" in said("list")
    kept = tmp_path / "hub" / "models--team--coder"
    model_folder(kept / "snapshots" / "c1", QWEN_1_5B)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("c1")
    assert "medium, 1.54B, bf16 in 5.0 GB" in said("list")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--local", "nowhere"], "There is no folder DIR/nowhere on this machine."),
        (["--local", "."], "has no config.json"),
        (["--hub", "../x"], "Not an id on the hub"),
        (["--openai", "example.com"], "Not an address"),
        (["--openai", "http://example.com/v1"], "send code there in clear"),
        (["--openai", "https://u:hunter2@example.com/v1"], "user or password"),
        (["--openai", "http://127.0.0.1:9/v1"], "127.0.0.1:9 does not answer (ConnectError)"),
        (["--openai", "http://127.0.0.1:9/v1", "--unchecked"], "which model"),
        (["--openai", "http://127.0.0.1:9/v1", "--precision", "int8"], "that are loaded here"),
        (["--openai", "http://127.0.0.1:9/v1", "--context", "0"], "at least 1"),
        (["--openai", "http://127.0.0.1:9/v1", "--concurrency", "0"], "1 to 512"),
        (["--openai", "http://127.0.0.1:9/v1", "--concurrency", "513"], "1 to 512"),
        (["--local", ".", "--concurrency", "8"], "are for endpoints"),
        (["--local", ".", "--memory", "nan"], "more than 0"),
        (["--local", ".", "--on-premises"], "are for endpoints"),
        (["--local", ".", "--key-file", "key"], "A folder has no key"),
        (
            ["--anthropic", "--on-premises", "--model", "m", "--key-file", "key"],
            "not on the premises",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_remedy(
    said: Said, home: Path, key_file: str, arguments: list[str], told: str
) -> None:
    text = said("add", "coder", *arguments, code=2)
    assert told in text
    assert "hunter2" not in text
    assert registry(home).models == ()


# Endpoints


def test_an_endpoint_is_asked_for_its_models_and_shown_no_code(
    said: Said, home: Path, served: Served, key_file: str
) -> None:
    served.heard.clear()
    text = said(
        "add", "vllm", "--openai", served.url, "--model", "coder-big", "--key-file", key_file
    )
    assert "code goes to 127.0.0.1" in text
    assert "(on the premises)" in text
    (found,) = registry(home).models
    assert (found.model, found.context_tokens, found.is_on_premises) == ("coder-big", 4096, True)
    assert served.heard == ["GET /v1/models"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Say which model with --model."),
        (["--model", "gpt"], "has no model gpt. It has: coder-small, coder-big."),
    ],
)
def test_which_model_is_meant_has_to_be_said_as_the_endpoint_does(
    said: Said, served: Served, key_file: str, arguments: list[str], told: str
) -> None:
    text = said("add", "v", "--openai", served.url, "--key-file", key_file, *arguments, code=2)
    assert told in text


def test_a_forgotten_end_of_the_address_is_named(said: Said, served: Served, key_file: str) -> None:
    wrong = served.url.removesuffix("/v1") + "/"
    assert "registered" in said(
        "add", "a", "--openai", wrong, "--model", "coder-big", "--key-file", key_file
    )


def test_how_many_requests_an_endpoint_takes_is_the_operators_choice(
    said: Said, home: Path, served: Served, key_file: str
) -> None:
    big = ("--openai", served.url, "--model", "coder-big", "--key-file", key_file)
    said("add", "few", *big)
    said("add", "many", *big, "--concurrency", "32")
    assert [each.concurrency for each in registry(home).models] == [8, 32]
    found = json.loads(said("list", "--json"))["models"]
    assert [each["concurrency"] for each in found] == [8, 32]


def test_an_endpoint_without_a_list_is_taken_at_the_operators_word(
    said: Said, home: Path, served: Served, key_file: str
) -> None:
    served.has_list = False
    said("add", "v", "--openai", served.url, "--model", "m", "--key-file", key_file)
    served.has_list = True
    assert registry(home).models[0].context_tokens == 8192


def test_a_key_that_is_missing_or_wrong_is_said_and_not_shown(
    said: Said, served: Served, tmp_path: Path
) -> None:
    (tmp_path / "wrong").write_text("k-wrong-4711")
    text = said("add", "v", "--openai", served.url, "--key-file", "wrong", code=2)
    assert "does not take the key (401)" in text
    assert "4711" not in text
    assert "wants a key (401)" in said("add", "v", "--openai", served.url, code=2)
    assert "No such file" in said("add", "v", "--openai", served.url, "--key-file", "none", code=1)


def test_a_key_comes_from_standard_input(
    said: Said, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    said("add", "claude", "--anthropic", "--model", "m", "--unchecked")
    ring = vault.checkout_keys(home, None)
    (found,) = registry(home).models
    assert models.key_of(ring, found) == KEY
    monkeypatch.setattr("sys.stdin", io.StringIO("k-second\n"))
    assert said("key", "claude") == "claude has the new key.\n"
    assert models.key_of(ring, registry(home).models[0]) == "k-second"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "That is no key" in said("key", "claude", code=2)


def test_a_key_is_nowhere_in_clear(
    said: Said, home: Path, served: Served, key_file: str, tmp_path: Path, capsys: Captured
) -> None:
    texts = [
        said("add", "v", "--openai", served.url, "--model", "coder-big", "--key-file", key_file),
        said("list"),
        said("list", "--json"),
        said(
            "add",
            "v",
            "--openai",
            served.url,
            "--model",
            "coder-big",
            "--key-file",
            key_file,
            code=2,
        ),
        said("key", "v", "--key-file", key_file),
        str(audited(home)),
    ]
    assert main(["backup", str(tmp_path / "b")]) == 0
    texts += [str(asyncio.run(check_models(GatewaySettings()))), str(capsys.readouterr())]
    assert KEY not in "".join(texts)
    for path in (*home.rglob("*"), tmp_path / "b"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_restored_home_and_rotated_keys_still_open_it(
    said: Said,
    home: Path,
    served: Served,
    key_file: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    said("add", "v", "--openai", served.url, "--model", "coder-big", "--key-file", key_file)
    said("allow-remote", "slack:T1")
    said("default", "v", "--for", "fix")
    assert main(["keys", "rotate", "--forget-old"]) == 0
    assert "0 lent tokens and 1 model key sealed anew; 1 key in" in capsys.readouterr().out
    assert main(["backup", str(home.parent / "b")]) == 0
    fresh = home.parent / "fresh"
    monkeypatch.setenv("GRYPH_HOME", str(fresh))
    assert main(["restore", str(home.parent / "b")]) == 0
    assert registry(fresh) == registry(home)
    (found,) = registry(fresh).models
    assert models.key_of(vault.checkout_keys(fresh, None), found) == KEY


# What is said about all of them


@pytest.fixture
def three(said: Said, served: Served, key_file: str, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "qwen", QWEN_1_5B)
    said("add", "coder", "--local", str(folder))
    said("add", "far", "--openai", "https://models.example.com/v1", "--model", "m", "--unchecked")
    said("add", "vllm", "--openai", served.url, "--model", "coder-big", "--key-file", key_file)


def test_the_list_says_how_each_is_and_where_code_goes(
    three: None, said: Said, served: Served
) -> None:
    said("default", "coder")
    said("default", "far", "--for", "refactor")
    said("disable", "far")
    said("allow-remote", "github:Acme")
    said("forbid-remote", "github:acme/secret")
    port = served.url.split(":")[2].removesuffix("/v1")
    assert said("list").replace(port, "88888") == snapshot("""\
NAME   KIND    STATE      SIZE                           CONTEXT  AT ONCE  CODE GOES                             FIRST FOR
coder  local   ready      medium, 1.54B, bf16 in 5.0 GB  32,768   -        stays on the worker's machine         all
far    openai  disabled   -                              8,192    8        to models.example.com (remote)        refactor
vllm   openai  not asked  -                              4,096    8        to 127.0.0.1:88888 (on the premises)  -
Code may go to remote models: of github:acme; not of github:acme/secret.
""")


def test_the_list_for_scripts_is_json(three: None, said: Said) -> None:
    said("allow-remote", "*")
    found = json.loads(said("list", "--json"))
    assert found["remote"] == {"*": True}
    coder, far, vllm = found["models"]
    assert coder["size"]["fits_in"] == "bf16"
    assert (far["on_premises"], vllm["on_premises"]) == (False, True)
    assert (far["has_key"], vllm["has_key"]) == (False, True)


def test_a_folder_that_is_gone_is_said(said: Said, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "qwen", QWEN_1_5B)
    said("add", "coder", "--local", str(folder))
    (folder / "config.json").unlink()
    text = said("list")
    assert "coder  local  broken" in text
    assert "coder: DIR/qwen has no config.json" in text


def test_models_are_switched_preferred_and_forgotten(three: None, said: Said, home: Path) -> None:
    assert said("default", "vllm", "--for", "short") == "vllm is asked first for short.\n"
    assert said("default", "vllm") == "vllm is asked first for everything.\n"
    assert said("disable", "coder") == "coder is disabled.\n"
    assert said("enable", "coder") == "coder is enabled.\n"
    assert said("remove", "vllm") == "vllm is forgotten.\n"
    assert registry(home).defaults == {}
    for action in ("remove", "enable", "disable", "default", "key"):
        assert "There is no model 'vllm'" in said(action, "vllm", code=2)


def test_code_leaves_when_it_was_allowed_and_not_after_it_was_forbidden(
    said: Said, home: Path
) -> None:
    assert said("allow-remote", "slack:T1") == "slack:T1: code may go to remote models.\n"
    assert registry(home).closed_scopes("slack:T1") == ()
    assert said("forbid-remote", "slack:T1") == "slack:T1: code may not go to remote models.\n"
    assert registry(home).closed_scopes("slack:T1") == ("slack:T1",)
    assert "Not a workspace" in said("allow-remote", "everybody", code=2)


def test_a_test_asks_the_model_in_a_process_of_its_own(
    said: Said, served: Served, key_file: str
) -> None:
    said("add", "v", "--openai", served.url, "--model", "coder-big", "--key-file", key_file)
    text = said("test", "v")
    assert "v answers: " in text
    assert "streams, JSON by a schema: kept" in text
    assert "coder-big wrote 7 tokens:\ndef add(a, b): return a + b" in text
    (Path(key_file)).write_text("k-wrong-4711")
    said("key", "v", "--key-file", key_file)
    text = said("test", "v", code=1)
    assert "401" in text
    assert "4711" not in text
    assert "There is no model 'nobody'" in said("test", "nobody", code=1)


def test_every_change_is_in_the_audit_log(
    three: None, said: Said, home: Path, capsys: Captured
) -> None:
    said("allow-remote", "*")
    said("forbid-remote", "slack:T1")
    said("disable", "far")
    said("remove", "far")
    assert [(action, subject) for action, subject, _ in audited(home)] == [
        ("model.add", "model:coder"),
        ("model.add", "model:far"),
        ("model.add", "model:vllm"),
        ("model.allow-remote", "*"),
        ("model.forbid-remote", "slack:T1"),
        ("model.disable", "model:far"),
        ("model.remove", "model:far"),
    ]
    assert audited(home)[1][2] == {
        "kind": "openai",
        "address": "https://models.example.com/v1",
        "goes": "to models.example.com (remote)",
    }
    assert main(["audit", "verify"]) == 0


def test_without_tables_the_remedy_is_named_before_a_key_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("GRYPH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for arguments in (["list"], ["test", "m"], ["add", "m", "--anthropic"]):
        assert main(["model", *arguments]) == 2
        assert "gryph migrate" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "m"],
        ["add", "m", "--local", "a", "--hub", "b"],
        ["add", "m", "--local", "a", "--precision", "int2"],
        ["default", "m", "--for", "lunch"],
        ["add", "m", "--openai", "u", "--key", "k-123"],
        [],
    ],
)
def test_a_command_line_that_makes_no_sense_exits_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["model", *arguments])
    assert exit_.value.code == 2
