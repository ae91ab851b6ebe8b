"""Integration tests as text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engines.testing.facts import Fact, fact, items, text, texts
from engines.testing.integration.conversation import Told
from engines.testing.integration.detection import Kind, Subject
from engines.testing.jail.rendering import quoted
from engines.testing.layout import laid_out
from engines.testing.unittest_text import unittest_statement

_BODY_LIMIT_CHARS = 600
_OUTPUT_LIMIT_CHARS = 400
_FOLDER = "{folder}/"


@dataclass(frozen=True)
class Fixture:
    """What all requests of a file share; unittest's methods make it for themselves."""

    subject: Subject

    def lines(self, *, is_unittest: bool) -> list[str]:
        """A fixture, or nothing."""
        if is_unittest:
            return []
        opening = f"    with TestClient({self.subject.expression}) as client:"
        return ["@pytest.fixture", "def client():", opening, "        yield client"]


@dataclass(frozen=True)
class Conversation:
    """One test: the steps, and what the last answer is like."""

    name: str
    subject: Subject
    told: Told

    def lines(self, *, is_unittest: bool) -> list[str]:
        """The test function."""
        fixtures = list(self._fixtures(is_unittest=is_unittest))
        lines = [f"def {self.name}({', '.join(fixtures)}):"]
        for statement in self._statements(is_unittest=is_unittest):
            plain = statement.strip()
            written = unittest_statement(plain) if is_unittest else plain
            lines.extend(laid_out(written, 4 + len(statement) - len(plain)))
        return lines

    def _fixtures(self, *, is_unittest: bool) -> Iterator[str]:
        if is_unittest:
            yield "self"
            return
        if self.subject.kind is Kind.WEB:
            yield "client"
        if self.subject.kind is Kind.ARGPARSE and self._output():
            yield "capsys"
        if any("tmp_path" in one for one in self.requests()):
            yield "tmp_path"

    def _statements(self, *, is_unittest: bool) -> Iterator[str]:
        requests = self.requests()
        if is_unittest and self.subject.kind is Kind.WEB:
            yield f"client = self.enterContext(TestClient({self.subject.expression}))"
        if any("tmp_path" in one for one in requests):
            if is_unittest:
                yield "tmp_path = Path(self.enterContext(tempfile.TemporaryDirectory()))"
            if any("sample.txt" in one for one in requests):
                yield '(tmp_path / "sample.txt").write_text("one\\ntwo\\n")'
        if self.subject.kind is Kind.ARGPARSE:
            yield from self._of_program(requests[-1], is_unittest=is_unittest)
        else:
            yield from self._of_answers(requests)

    @property
    def checks_something(self) -> bool:
        """Whether there is anything to assert: a status, or an output."""
        return self.told.answer.get("status") is not None or self._output() is not None

    def requests(self) -> list[str]:
        """The steps as expressions."""
        make = _request if self.subject.kind is Kind.WEB else self._arguments
        return [make(one) for one in self.told.scenario.steps]

    def _arguments(self, step: Fact) -> str:
        given = ", ".join(_argument(one) for one in texts(step["args"]))
        if self.subject.kind is Kind.ARGPARSE:
            return f"{self.subject.expression}([{given}])"
        return f"CliRunner().invoke({self.subject.expression}, [{given}])"

    def _of_answers(self, requests: Sequence[str]) -> Iterator[str]:
        if len(requests) > 1:
            yield f"created = {requests[0]}.json()"
        is_web = self.subject.kind is Kind.WEB
        name, status = ("response", "status_code") if is_web else ("result", "exit_code")
        yield f"{name} = {requests[-1]}"
        yield f"assert {name}.{status} == {self.told.answer.get('status')}"
        if is_web:
            yield from _body(self.told.answer)
        elif self._output():
            yield f"assert result.output == {self._output()}"

    def _of_program(self, request: str, *, is_unittest: bool) -> Iterator[str]:
        status = self.told.answer.get("status")
        indent = ""
        if is_unittest and self._output():
            yield "with contextlib.redirect_stdout(StringIO()) as printed:"
            indent = "    "
        if self.told.answer.get("exits"):
            raises = "self.assertRaises(SystemExit)" if is_unittest else "pytest.raises(SystemExit)"
            yield f"{indent}with {raises} as stopped:"
            yield f"{indent}    {request}"
            yield f"assert stopped.{'exception' if is_unittest else 'value'}.code == {status}"
        elif isinstance(status, int):
            yield f"{indent}status = {request}"
            yield f"assert status == {status}"
        else:
            yield f"{indent}{request}"
        if self._output():
            printed = "printed.getvalue()" if is_unittest else "capsys.readouterr().out"
            yield f"assert {printed} == {self._output()}"

    def _output(self) -> str | None:
        """What was printed, as source; not help or complaints, which are worded by the library."""
        said = self.told.answer.get("text")
        is_own = self.told.scenario.words != "help" and self.told.answer.get("status") in {
            0,
            None,
            1,
        }
        if not is_own or not isinstance(said, str) or not 0 < len(said) <= _OUTPUT_LIMIT_CHARS:
            return None
        return quoted(said)


def call_of(subject: Subject, told: Told) -> str:
    """A scenario as code, for a finding."""
    one = Conversation("", subject, told)
    requests = one.requests()
    return requests[-1] if len(requests) == 1 else f"created = {requests[0]}.json()\n{requests[-1]}"


def _request(step: Fact) -> str:
    path = text(step["path"])
    hole = re.search(r"\{(\w+)\}", path)
    if hole:
        start, end = path[: hole.start()], path[hole.end() :]
        path = f"f\"{start}{{created['{hole[1]}']}}{end}\""
    else:
        path = quoted(path)
    more = "".join(
        f", {name}={_literal(step[name])}"
        for name in ("params", "json")
        if step.get(name) is not None
    )
    method = text(step["method"]).lower()
    if method == "delete" and "json" in step:
        return f'client.request("DELETE", {path}{more})'
    return f"client.{method}({path}{more})"


def _body(answer: Fact) -> Iterator[str]:
    body = answer.get("json")
    if answer.get("status") == _UNPROCESSABLE and isinstance(body, dict):
        details = [fact(one) for one in items(fact(body).get("detail"))]  # pyright: ignore[reportUnknownArgumentType] -- JSON
        if details and "loc" in details[0]:
            yield f'assert response.json()["detail"][0]["loc"] == {_literal(details[0]["loc"])}'
        return
    if body is not None and len(_literal(body)) <= _BODY_LIMIT_CHARS:
        yield f"assert response.json() == {_literal(body)}"
    elif answer.get("part"):
        yield "body = response.json()"
        for key, value in fact(answer["part"]).items():
            yield f"assert body[{quoted(key)}] == {_literal(value)}"
    elif answer.get("content") and answer.get("text") != "":
        kind = quoted(text(answer["content"]))
        yield f'assert response.headers["content-type"].startswith({kind})'


_UNPROCESSABLE = 422


def _literal(value: object) -> str:
    match value:
        case str():
            return quoted(value)
        case list():
            return f"[{', '.join(_literal(one) for one in items(value))}]"  # pyright: ignore[reportUnknownArgumentType] -- JSON
        case dict():
            pairs = fact(value).items()  # pyright: ignore[reportUnknownArgumentType] -- JSON
            return f"{{{', '.join(f'{quoted(key)}: {_literal(one)}' for key, one in pairs)}}}"
        case _:
            return repr(value)


def _argument(value: str) -> str:
    if value.startswith(_FOLDER):
        return f"str(tmp_path / {quoted(value.removeprefix(_FOLDER))})"
    return "str(tmp_path)" if value == _FOLDER.rstrip("/") else quoted(value)


def conversations(subject: Subject, told: Sequence[Told]) -> list[Conversation]:
    """The tests, with names that tell them apart."""
    taken: dict[str, int] = {}
    found: list[Conversation] = []
    for one in told:
        name = _name(subject, one)
        taken[name] = taken.get(name, 0) + 1
        unique = name if taken[name] == 1 else f"{name}_{taken[name]}"
        found.append(Conversation(unique, subject, one))
    return [one for one in found if one.checks_something]


def _name(subject: Subject, told: Told) -> str:
    words, status = told.scenario.words, told.answer.get("status")
    who = told.scenario.name or subject.name
    if subject.kind is Kind.WEB:
        outcome = f"answers_{status}"
    elif status in {0, None}:
        outcome = "prints" if told.answer.get("text") else "runs"
    else:
        outcome = f"exits_with_{status}"
    if words == "help":
        outcome, words = "shows_help", ""
    if "missing.txt" in repr(told.scenario.steps):
        words = "for_a_missing_file"
    plain = re.sub(r"\W+", "_", "_".join(part for part in (who, outcome, words) if part))
    return f"test_{plain.strip('_').lower()}"
