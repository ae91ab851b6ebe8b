"""A key that a worker opens gets into no reply, draft, report or log, whatever an endpoint says."""

import asyncio
import base64
import io
import logging
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from engines.generation.types import Backend, Message, ModelRequest, RequestRefused
from jobs.desk import Declined, Done, Transient
from jobs.messages import Code, Reply
from jobs.model_opening import opener
from jobs.runner import RunningWatch
from jobs.settings import WorkerSettings
from storage import models, vault
from storage.database import Database
from storage.logs import set_up_logging
from storage.models import ModelKind, RegisteredModel
from storage.redaction import HIDDEN, Redactor
from tests.fakes.served import served
from tests.jobs.asked import events_of, row_of
from tests.jobs.test_runner import Bench, Script, bench

KEY = "k-sesame-0815-of-the-house"
BASIC = base64.b64encode(f"user:{KEY}".encode()).decode()
ASKING = ModelRequest((Message("user", "add"),), 99)


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """Answers with the key that it is given; to "refuse", with an error that holds it in base64."""
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        key = request.headers["authorization"].removeprefix("Bearer ")
        if b"refuse" in await request.body():
            basic = base64.b64encode(f"user:{key}".encode()).decode()
            return JSONResponse({"error": {"message": f"got {key}, so {basic}"}}, 400)
        whole = {"message": {"content": f"API = {key!r}\n"}, "finish_reason": "stop"}
        return JSONResponse({"model": "m", "choices": [whole]})

    @app.get("/v1/models")
    async def listed() -> Response:
        return PlainTextResponse("no", 404)

    with served(app) as url:
        yield f"{url}/v1"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch, redactor: Redactor) -> Generator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    set_up_logging(redactor=redactor)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def model(echo: str, tmp_path: Path, redactor: Redactor) -> Iterator[Backend]:
    """The echoing endpoint, opened as a worker does."""
    settings = WorkerSettings(home=tmp_path / "home")
    ring = vault.checkout_keys(settings.home, None)
    made = RegisteredModel("echo", ModelKind.OPENAI, echo, model="m", context_tokens=999)
    backend = opener(ring, settings, redactor)(
        replace(made, sealed_key=models.sealed(ring, made, KEY))
    )
    yield backend
    backend.close()


async def ran(database: Database, script: Script, redactor: Redactor) -> Bench:
    b = await bench(database, script)
    b.runner.redactor = redactor
    await asyncio.wait_for(b.runner.run(b.job), 60)
    return b


async def everything_of(b: Bench) -> str:
    row = await row_of(b.database, b.job)
    return f"{row.reply} {[event.text for event in await events_of(b.database, b.job)]}"


async def test_an_answer_that_holds_the_key_is_told_without_it(
    sqlite: Database, model: Backend, redactor: Redactor, logged: io.StringIO
) -> None:
    drafts = list[str]()

    def script(watch: RunningWatch) -> Done:
        text = model.submit(ASKING).written().text
        assert KEY in text
        watch.draft(text)
        watch.report(f"it wrote {text}")
        drafts.append(watch.newest_draft)
        structlog.get_logger("ours").warning("written", text=text)
        return Done(text, Reply(summary=text, blocks=(Code(text=text),)))

    b = await ran(sqlite, script, redactor)
    said = await everything_of(b)
    assert said.count(HIDDEN) >= 3
    assert drafts == [f"API = '{HIDDEN}'\n"]
    assert HIDDEN in logged.getvalue()
    assert KEY not in f"{said} {drafts} {logged.getvalue()}"


@pytest.mark.parametrize("kind", [Declined, Transient, RuntimeError])
async def test_an_error_that_holds_the_key_is_told_without_it(
    sqlite: Database,
    model: Backend,
    redactor: Redactor,
    logged: io.StringIO,
    kind: type[Exception],
) -> None:
    def script(watch: RunningWatch) -> Done:
        with pytest.raises(RequestRefused, match=BASIC[8:-4]) as refused:
            model.submit(replace(ASKING, messages=(Message("user", "refuse"),))).written()
        raise kind(f"{refused.value}, {KEY}")

    b = await ran(sqlite, script, redactor)
    said = f"{await everything_of(b)} {logged.getvalue()}"
    assert HIDDEN in said
    assert KEY not in said
    assert BASIC[8:-4] not in said


def test_a_word_that_stands_for_no_key_stays_in_people_s_code(redactor: Redactor) -> None:
    redactor.learn("ollama")
    assert redactor.without_learned("import ollama") == redactor.redacted("import ollama")
    redactor.learn("correct-horse-battery")
    assert redactor.without_learned("a correct-horse-battery!") == f"a {HIDDEN}!"


def test_what_was_learned_first_is_known_to_the_last(redactor: Redactor) -> None:
    keys = [f"k-{number}-of-the-house" for number in range(5)]
    for key in keys:
        redactor.learn(key)
    text = " and ".join(keys)
    assert redactor.without_learned(text) == redactor.redacted(text) == " and ".join([HIDDEN] * 5)
