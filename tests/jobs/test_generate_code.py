"""The `generate` job over the real engine, with a scripted model: what it keeps and says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from sqlmodel import Session

from engines.generation.ground import Tools, find_tools
from engines.generation.scripted import Answer, ScriptedModel, Trouble
from engines.generation.tasks import Excerpt
from engines.generation.types import ModelRequest
from jobs.desk import Declined, Done
from jobs.earlier import EarlierJobs
from jobs.finding_code import SearchGround
from jobs.generate_code import CodeWriter
from jobs.messages import Action, Actions, Code, Diff, Fields, Table, Text
from jobs.models import Models
from jobs.requests import GenerateCode, Snippet, Source, Talk
from storage import ledger, models
from storage.artifacts import NewArtifact as NotedArtifact
from storage.artifacts import record
from storage.blobs import blob_id
from storage.clock import utc_now
from storage.database import Database
from storage.ids import JobId
from storage.models import ModelKind, RegisteredModel
from storage.stores.local import LocalStore
from tests.jobs.asked import ask
from tests.jobs.table_top import JOB, TableTop

BlockT = TypeVar("BlockT")
SLUG = 'def slug(title):\n    return title.lower().replace(" ", "-")\n'
TESTED = 'from slugs import slug\n\n\ndef test_slug():\n    assert slug("A B") == "a-b"\n'
WROTE = f"A slug.\n\nFILE: slugs.py\n```python\n{SLUG}```\n"
WROTE_WITH_TESTS = f"{WROTE}\nFILE: tests/test_slugs.py\n```python\n{TESTED}```\n"
BROKEN = "Here.\n\nFILE: slugs.py\n```python\ndef slug(:\n```\n"
MODEL = RegisteredModel("small", ModelKind.OPENAI, "http://127.0.0.1:9/v1", model="m")


@dataclass
class Studio:
    """A writer whose model says what a test wrote for it."""

    database: Database
    store: LocalStore
    script: ScriptedModel
    desk: TableTop
    found: tuple[Excerpt, ...] = ()
    queries: list[str] = field(default_factory=list[str])
    nears: list[str | None] = field(default_factory=list[str | None])
    tools: Tools = field(default_factory=find_tools)

    def run(self, wish: str = "a slug of a title", **asked: object) -> Done:
        request = GenerateCode.model_validate(
            {
                "source": Source(repository="o/r", sha="a" * 40),
                "wish": wish,
                "workspace": "slack:T1",
                **asked,
            }
        )
        writer = CodeWriter(
            Models(self.database, lambda _model: self.script),
            EarlierJobs(self.database, self.store),
            self._find,
            self.tools,
            "https://git.test",
        )
        return writer(request, self.desk)

    def _find(
        self, ground: SearchGround, query: str, most: int, near: str | None = None
    ) -> Sequence[Excerpt]:
        assert (ground.root, ground.repository) == (self.desk.root, "o/r")
        self.nears.append(near)
        self.queries.append(query)
        return self.found[:most]

    @property
    def prompt(self) -> str:
        return "\n".join(each.text for each in self.script.requests[0].messages)


@pytest.fixture
def studio(sqlite: Database, tmp_path: Path) -> Callable[..., Studio]:
    root = tmp_path / "code"
    (root / "tests").mkdir(parents=True)
    (root / "words.py").write_text("SEPARATOR = '-'\n")
    sqlite.write_now(lambda s: models.add(s, MODEL, utc_now()))
    store = LocalStore(tmp_path / "artifacts")

    def made(*answers: Answer | str | Callable[[ModelRequest], Answer | str]) -> Studio:
        script = answers[0] if len(answers) == 1 and callable(answers[0]) else list(answers)
        return Studio(sqlite, store, ScriptedModel(script), TableTop(root))  # pyright: ignore[reportArgumentType] - one callable, or answers

    return made


def of_kind(done: Done, kind: type[BlockT]) -> list[BlockT]:
    return [block for block in done.reply.blocks if isinstance(block, kind)]


def checks(done: Done) -> dict[str, str]:
    (table,) = of_kind(done, Table)
    return {row[0]: row[1] for row in table.rows}


def test_what_was_tested_is_told_as_verified_and_kept_to_be_applied(
    studio: Callable[..., Studio],
) -> None:
    at = studio(WROTE_WITH_TESTS)
    done = at.run(tests=True)
    assert done.reply.summary == "Code for 2 files: verified, 1 test passed"
    assert done.text == "verified, 1 test passed"
    assert "failed" not in checks(done).values()
    assert {kept.apply_to for kept in at.desk.kept} == {"slugs.py", "tests/test_slugs.py"}
    assert of_kind(done, Code)[0].language == "python"
    (facts,) = of_kind(done, Fields)
    assert dict(facts.pairs)["Model"] == "`scripted`"
    (row,) = of_kind(done, Actions)
    lines = [each.line for each in row.actions if isinstance(each, Action)]
    assert lines[:2] == [f"apply {JOB}", f"retry {JOB}"]


def test_what_nothing_tested_is_told_as_unverified_with_the_reason(
    studio: Callable[..., Studio],
) -> None:
    done = studio(WROTE).run()
    assert done.reply.summary == "Code for slugs.py: unverified"
    assert any(text.markdown.startswith("*Unverified*: ") for text in of_kind(done, Text))


def test_a_syntax_error_is_repaired_and_told(studio: Callable[..., Studio]) -> None:
    at = studio(BROKEN, WROTE_WITH_TESTS)
    done = at.run(tests=True)
    assert done.text == "verified, 1 test passed"
    assert len(at.script.requests) == 2
    (facts,) = of_kind(done, Fields)
    assert dict(facts.pairs)["Repairs"] == "1"
    assert "What failed on the way" in done.reply.model_dump_json()


def test_it_gives_up_after_two_repairs_and_says_what_still_fails(
    studio: Callable[..., Studio],
) -> None:
    at = studio(BROKEN, BROKEN.replace("(:", "(::"), BROKEN.replace("(:", "(:::"))
    done = at.run()
    assert len(at.script.requests) == 3
    assert done.text == "unverified"
    assert "failed" in checks(done).values()
    assert "invalid syntax" in of_kind(done, Text)[0].markdown
    (row,) = of_kind(done, Actions)
    assert not any(isinstance(each, Action) and each.primary for each in row.actions)


def test_a_changed_file_is_shown_as_a_diff_and_knows_what_it_replaces(
    studio: Callable[..., Studio],
) -> None:
    at = studio(
        "Shorter.\n\nFILE: words.py\n```python\n<<<<<<< SEARCH\nSEPARATOR = '-'\n=======\n"
        "SEPARATOR = '_'\n>>>>>>> REPLACE\n```\n"
    )
    done = at.run("underscores", path="words.py")
    (diff,) = of_kind(done, Diff)
    assert "+SEPARATOR" in diff.text
    (kept,) = at.desk.kept
    assert kept.replaces == blob_id(b"SEPARATOR = '-'\n")


def test_a_file_that_holds_secrets_is_shown_and_cannot_be_applied(
    studio: Callable[..., Studio],
) -> None:
    at = studio("Shorter.\n\nFILE: words.py\n```python\nSEPARATOR = '_'\n```\n")
    at.desk.has_secrets = True
    done = at.run("underscores", path="words.py")
    assert [kept.apply_to for kept in at.desk.kept] == [None]
    assert "looks like a secret" in done.reply.model_dump_json()
    (row,) = of_kind(done, Actions)
    assert not any(isinstance(each, Action) and each.verb == "apply" for each in row.actions)


def test_without_a_model_the_remedy_and_the_closest_code_are_told(
    studio: Callable[..., Studio],
) -> None:
    at = studio()
    at.database.write_now(lambda s: models.remove(s, MODEL.name))
    at.found = (
        Excerpt("words.py", 1, 1, "SEPARATOR = '-'\n"),
        Excerpt("slugify.py", 3, 4, "def slugify(): ...\n", "python-slugify 8.0"),
    )
    with pytest.raises(Declined, match="gryph model add") as told:
        at.run()
    reply = told.value.reply
    assert reply is not None
    said = "\n".join(block.markdown for block in reply.blocks if isinstance(block, Text))
    assert "Nothing was generated." in said
    assert "gryph model add" in said
    assert f"[`words.py:1-1`](https://git.test/o/r/blob/{'a' * 40}/words.py#L1-L1)" in said
    assert "`slugify.py:3-4` of python-slugify 8.0" in said
    assert at.script.requests == ()


def test_a_model_that_does_not_answer_is_told_like_none(studio: Callable[..., Studio]) -> None:
    at = studio(Answer(trouble=Trouble.UNAVAILABLE, why="it is asleep"))
    with pytest.raises(Declined, match="it is asleep") as told:
        at.run()
    assert told.value.reply is not None


def test_without_isolation_code_is_written_and_called_unverified(
    studio: Callable[..., Studio],
) -> None:
    at = studio(WROTE_WITH_TESTS)
    at.desk.is_isolated = False
    done = at.run(tests=True)
    assert done.text == "unverified"
    assert "no isolation" in done.reply.model_dump_json()


def test_pasted_code_and_the_conversation_are_shown_to_the_model_as_material(
    studio: Callable[..., Studio],
) -> None:
    at = studio(WROTE)
    at.run(snippets=[Snippet(text="OLD = 1\n")], talk=Talk(title="Slugs!", body="we need them"))
    assert "OLD = 1" in at.prompt
    assert "we need them" in at.prompt


def test_found_code_is_shown_but_for_what_the_repository_has_left_alone(
    studio: Callable[..., Studio],
) -> None:
    at = studio(WROTE)
    at.found = (
        Excerpt("words.py", 1, 1, "SEPARATOR = '-'"),
        Excerpt("vendor/x.py", 1, 1, "VENDORED = 1"),
    )
    at.run(ignore=["vendor/*"], path="slugs.py")
    assert "SEPARATOR" in at.prompt
    assert "VENDORED" not in at.prompt
    assert "a slug of a title" in at.queries[0]
    assert at.nears == ["slugs.py"]


def test_the_lines_that_were_pointed_at_are_told_to_the_model(
    studio: Callable[..., Studio],
) -> None:
    at = studio(WROTE)
    at.run("shorter", path="words.py", lines=(1, 1))
    assert "It is about line 1 of words.py." in at.prompt


def test_a_follow_up_is_shown_what_was_wished_and_written_before(
    studio: Callable[..., Studio],
) -> None:
    at = studio(WROTE)
    first = at.database.write_now(lambda s: generated(s, at.store))
    done = at.run("make it shout", follows=first)
    assert "a quiet slug" in at.prompt
    assert "def quiet" in at.prompt
    assert done.reply.summary.startswith("Code for slugs.py")


def test_fix_with_a_named_test_runs_it_before_and_after(studio: Callable[..., Studio]) -> None:
    at = studio(f"It must lower.\n\nFILE: slugs.py\n```python\n{SLUG}```\n")
    (at.desk.root / "slugs.py").write_text(SLUG.replace(".lower()", ""))
    (at.desk.root / "tests" / "test_slugs.py").write_text(TESTED)
    done = at.run("", task="fix", path="tests/test_slugs.py", symbol="test_slug")
    assert done.reply.summary == "A fix for slugs.py: verified, 1 test passed"
    assert "a-b" in at.prompt, "the failure as it is seen here"


def generated(session: Session, store: LocalStore) -> JobId:
    """A job that wrote a file."""
    job = ask(session)
    row = ledger.get(session, job)
    assert row is not None
    source = Source(repository="o/r")
    request = GenerateCode(source=source, wish="a quiet slug", workspace="slack:T1")
    row.request = request.model_dump(mode="json")
    content = b"def quiet(title):\n    return title\n"
    noted = NotedArtifact("slugs.py", "text/x-python", len(content), store.put(content), "slugs.py")
    record(session, job, noted, utc_now())
    return job
