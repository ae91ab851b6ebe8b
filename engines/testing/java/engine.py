"""Writes JUnit 5 tests for one Java file: compile, search, choose, check, write, measure."""

import random
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from engines.sandbox.sandbox import Sandbox
from engines.testing.budget import Budget
from engines.testing.facts import items, number, text
from engines.testing.java.emission import Emission
from engines.testing.java.jailed import Kept, Lost, Place, Seen, Session
from engines.testing.java.junit import in_junit
from engines.testing.java.reading import JavaFile, Target, read
from engines.testing.java.search import Search, covering, shrunken
from engines.testing.java.toolchain import Jdk, find_jdk
from engines.testing.java.values import Values
from engines.testing.types import CannotTest, Finding, TestingRequest, TestingResult, Unreached
from engines.watch import Stopped, Unwatched, Watch

_ZONES = ("Asia/Kolkata", "America/St_Johns")
_STAND_IN = "our own runner, a stand-in for JUnit 5"
_UNWANTED = frozenset(
    {
        "java.lang.ArithmeticException", "java.lang.ClassCastException",
        "java.lang.NegativeArraySizeException", "java.lang.StackOverflowError",
        "java.lang.ArrayIndexOutOfBoundsException", "java.lang.StringIndexOutOfBoundsException",
        "java.lang.NullPointerException",
    }
)  # fmt: skip
_FINDING_LIMIT = 10
_MEANT = re.compile(
    r"\bthrow\b|\bnew \w+(?:Exception|Error)\b|\brequire\w+\(|\bassert\b|\bcheck\w+\("
)


def write_tests(
    request: TestingRequest, sandbox: Sandbox, watch: Watch | None = None
) -> TestingResult:
    """Generate, check and measure a suite for the target of the request.

    Raises:
        CannotTest: the JDK is missing, or the target cannot be compiled or has nothing to test.
        Stopped: the person cancelled before anything was found.
    """
    jdk = find_jdk()
    place, file = _place(request)
    return _Run(request, sandbox, watch or Unwatched(), jdk, (place, file)).result()


class _Run:
    def __init__(
        self, request: TestingRequest, sandbox: Sandbox, watch: Watch, jdk: Jdk,
        target: tuple[Place, JavaFile],
    ) -> None:  # fmt: skip
        self._request = request
        self._sandbox = sandbox
        self._watch = watch
        self._jdk = jdk
        self._place, self._file = target
        self._budget = Budget(request.cpu_s)
        self._has_found = False
        self._test_path, name = _test_place(self._place, self._file)
        self._emission = Emission(self._file, name)
        self._class = f"{self._file.package}.{name}" if self._file.package else name

    def result(self) -> TestingResult:
        """Everything, in order."""
        targets = _chosen_targets(self._file, self._request)
        self._watch.report(f"compiling `{self._place.path}`", 0.0)
        self._watch.phase("read")
        with Session(
            self._sandbox, self._jdk, self._place, self._file, self._budget, self._is_stopped
        ) as session:
            session.compile_target()
            try:
                return self._found(session, targets)
            except Lost as problem:
                raise CannotTest(
                    f"`{self._place.path}` ended the test process again and again ({problem})."
                ) from problem

    def _is_stopped(self) -> bool:
        return not self._has_found and self._watch.stop_requested()

    def _found(self, session: Session, targets: list[Target]) -> TestingResult:
        self._watch.phase("search")
        choices = random.Random(self._request.seed)  # noqa: S311 - reproducible, no secret
        search = Search(session, Values(self._file, choices), choices, self._budget, self._watch)
        started_s = self._budget.spent_s
        kept = search.run(targets)
        spent_s, candidates = self._budget.spent_s - started_s, session.executed
        self._has_found = bool(kept)
        self._watch.report("keeping the fewest calls that show the most", 0.65)
        self._watch.phase("choose")
        good = [one for one in kept if self._is_test(one)]
        owned = self._owned(session, targets)
        smallest = shrunken(session, covering(good, owned), self._budget)
        chosen = [
            item.one for item in covering([one for one in smallest if self._is_test(one)], owned)
        ]
        findings = self._findings([one for one in kept if self._is_finding(one)])
        self._watch.phase("check")
        chosen = self._stable(session, chosen)
        if not chosen:
            raise CannotTest(self._nothing_held(findings))
        self._watch.phase("measure")
        chosen, hits = self._passing(session, chosen)
        probed = session.probed
        runner = self._runner(session, chosen)
        self._watch.report(f"{len(chosen)} tests pass", 1.0)
        return TestingResult(
            module=f"{self._file.package}.{self._file.main}".lstrip("."),
            test_path=self._test_path,
            source=self._emission.text(chosen),
            tests=len(chosen),
            passed=len(chosen),
            before=probed.coverage(frozenset()),
            after=probed.coverage(hits),
            mutants=0,
            killed=0,
            survivors=(),
            findings=findings,
            unreached=_unreached(probed.missing_lines(hits)),
            candidates=candidates,
            search_cpu_s=round(spent_s, 2),
            cpu_s=round(self._budget.spent_s, 2),
            rung=self._sandbox.rung,
            complete=search.is_complete and not self._watch.stop_requested(),
            runner=runner,
        )

    def _owned(self, session: Session, targets: Sequence[Target]) -> dict[str, frozenset[int]]:
        """The goals that stand inside each target."""
        return {
            one.key: frozenset(
                place
                for place, goal in enumerate(session.probed.goals)
                if one.first_line <= goal.line <= one.last_line
            )
            for one in targets
        }

    def _is_test(self, one: Kept) -> bool:
        seen = one.seen
        match seen.kind:
            case "error":
                is_meant = self._is_meant(seen) or _is_announced(one)
                return bool(seen.type) and is_meant and self._is_inside(one)
            case "value":
                return "\\ud" not in seen.text
            case "instance":
                return bool(seen.fields) or one.call.target.is_constructor
            case _:
                return bool(seen.state)

    def _is_inside(self, one: Kept) -> bool:
        """Whether the call itself threw, not the making of its arguments."""
        target = one.call.target
        lines = [line for name, line in one.seen.frames if "GryphCalls" not in name]
        is_within = any(target.first_line <= line <= target.last_line for line in lines)
        return target.is_constructor or is_within

    def _is_meant(self, seen: Seen) -> bool:
        """Whether a line of the target itself makes the error."""
        lines = self._place.text.split("\n")
        main = f"{self._file.package}.{self._file.main}".lstrip(".")
        for name, line in seen.frames[:2]:
            if name.partition("$")[0] == main and 0 < line <= len(lines):
                return bool(_MEANT.search(lines[line - 1]))
            if not name.startswith("java.util.Objects"):
                return False
        return False

    def _is_finding(self, one: Kept) -> bool:
        """A crash without null among the arguments that the code neither throws nor declares."""
        is_crash = one.seen.kind == "error" and one.seen.type in _UNWANTED
        has_null = "null" in one.call.text()
        return is_crash and not has_null and self._is_inside(one) and not self._is_test(one)

    def _findings(self, crashes: Sequence[Kept]) -> tuple[Finding, ...]:
        found: dict[tuple[str, int], Finding] = {}
        for one in sorted(crashes, key=lambda item: item.call.size):
            line = self._line(one.seen)
            message = f": {one.seen.message[1:-1]}" if one.seen.message else ""
            finding = Finding(one.call.text(), f"{one.seen.type}{message}", line, None)
            found.setdefault((one.seen.type, line), finding)
        return tuple(sorted(found.values(), key=lambda one: one.line))[:_FINDING_LIMIT]

    def _line(self, seen: Seen) -> int:
        main = f"{self._file.package}.{self._file.main}".lstrip(".")
        return next((line for name, line in seen.frames if name.partition("$")[0] == main), 0)

    def _stable(self, session: Session, kept: list[Kept]) -> list[Kept]:
        """What is the same in fresh processes, in other orders and time zones."""
        batch = session.batch([one.call for one in kept])
        for number_, zone in enumerate(_ZONES):
            order = list(range(len(kept)))
            random.Random(self._request.seed + number_).shuffle(order)  # noqa: S311 - an order
            session.end(zone)
            found = session.again(batch, order)
            kept = [
                agreed
                for place, one in enumerate(kept)
                if (agreed := _agreed(one, found.get(place))) is not None
            ]
            if len(kept) < len(order) and number_ + 1 < len(_ZONES):
                batch = session.batch([one.call for one in kept])
        return kept

    def _nothing_held(self, findings: tuple[Finding, ...]) -> str:
        if self._watch.stop_requested():
            raise Stopped
        what = f"`{self._place.path}`"
        if findings:
            first = findings[0]
            return f"No call of {what} succeeds: `{first.call}` fails with `{first.error}`."
        return f"No call of {what} has a result that a test could compare with."

    def _passing(self, session: Session, kept: list[Kept]) -> tuple[list[Kept], frozenset[int]]:
        """The tests that pass in two fresh JVMs, once shuffled, and what they reach."""
        while kept:
            session.end()
            reply, errors = session.suite(self._class, self._emission.text(kept), 0)
            if errors:
                raise CannotTest(f"The tests for `{self._place.path}` do not compile: `{errors}`.")
            session.end(_ZONES[0])
            again, _ = session.suite(self._class, "", self._request.seed + 1)
            failed = _failed(reply.get("cases")) | _failed(again.get("cases"))
            if not failed:
                return kept, frozenset(number(one) for one in items(reply.get("hits")))
            kept = [
                one
                for block in self._emission.blocks(kept)
                for row, one in enumerate(block.cases)
                if (block.name, row) not in failed
            ]
        raise CannotTest(f"No test of `{self._place.path}` passes on its own.")

    def _runner(self, session: Session, kept: list[Kept]) -> str:
        name = PurePosixPath(self._test_path).name
        source = self._emission.text(kept)
        real = in_junit(self._sandbox, self._jdk, self._place, session, (name, source))
        if real is None:
            return f"{_STAND_IN} (no JUnit console runner in lib/ or /usr/share/java)"
        version, passed = real
        if passed == len(kept):
            return version
        return f"{_STAND_IN} ({version} saw {passed} of {len(kept)} pass)"


def _failed(cases: object) -> frozenset[tuple[str, int]]:
    found = [items(one) for one in items(cases)]
    return frozenset((text(one[0]), number(one[1])) for one in found if one[2] is not None)


def _is_announced(one: Kept) -> bool:
    return one.seen.type.rpartition(".")[2] in one.call.target.throws


def _agreed(one: Kept, again: Seen | None) -> Kept | None:
    first = one.seen
    if again is None or (first.kind, first.type, first.text) != (
        again.kind,
        again.type,
        again.text,
    ):
        return None
    message = first.message if first.message == again.message else None
    fields = tuple(pair for pair in first.fields if pair in again.fields)
    state = tuple(pair for pair in first.state if pair in again.state)
    seen = Seen(
        first.kind, first.text, first.type, message, fields, state, first.frames, first.hits
    )
    return Kept(one.call, seen)


def _place(request: TestingRequest) -> tuple[Place, JavaFile]:
    root = request.root.resolve()
    target = (root / request.path).resolve()
    if not target.is_relative_to(root) or not target.is_file():
        raise CannotTest(f"There is no file `{request.path}` in this checkout.")
    try:
        content = target.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CannotTest(f"`{request.path}` is not UTF-8 text.") from None
    file = read(content)
    depth = len(file.package.split(".")) if file.package else 0
    sources = target.parents[depth]
    jars = [
        jar for name in ("lib", "libs", "target/dependency") for jar in (root / name).glob("*.jar")
    ]
    return Place(root, request.path, content, sources, tuple(sorted(jars))), file


def _test_place(place: Place, file: JavaFile) -> tuple[str, str]:
    """Maven's and Gradle's mirror of src/main/java, else beside the sources' folder."""
    parts = PurePosixPath(place.path).parts
    folder = PurePosixPath(place.path).parent
    if "main" in parts:
        at = parts.index("main")
        folder = PurePosixPath(*parts[:at], "test", *parts[at + 1 : -1])
    elif (place.root / "test").is_dir():
        folder = PurePosixPath("test", *(file.package.split(".") if file.package else ()))
    for name in (f"{file.main}Test", f"{file.main}GeneratedTest"):
        if not (place.root / folder / f"{name}.java").exists():
            return (folder / f"{name}.java").as_posix(), name
    count = 2
    while (place.root / folder / f"{file.main}GeneratedTest{count}.java").exists():
        count += 1
    name = f"{file.main}GeneratedTest{count}"
    return (folder / f"{name}.java").as_posix(), name


def _chosen_targets(file: JavaFile, request: TestingRequest) -> list[Target]:
    if not file.targets:
        raise CannotTest(f"`{request.path}` declares no method that a test could call.")
    found = [one for one in file.targets if _is_wanted(one, request)]
    if not found:
        names = ", ".join(sorted({f"`{one.owner}.{one.name}`" for one in file.targets if one.name}))
        what = f"`{request.symbol}`" if request.symbol else "these lines"
        raise CannotTest(f"`{request.path}` has nothing to call through {what}; it has {names}.")
    owners = {one.owner for one in found}
    makers = [one for one in file.targets if one.is_constructor and one.owner in owners]
    return [*found, *(one for one in makers if one not in found)]


def _is_wanted(target: Target, request: TestingRequest) -> bool:
    if request.symbol:
        names = {target.name, f"{target.owner}.{target.name}", target.owner}
        return request.symbol in names
    if request.lines:
        return target.first_line <= request.lines[1] and request.lines[0] <= target.last_line
    return True


def _unreached(lines: Sequence[int]) -> tuple[Unreached, ...]:
    found: list[Unreached] = []
    for line in lines:
        if found and line <= found[-1].last_line + 2:
            found[-1] = Unreached(found[-1].first_line, line, found[-1].reason)
        else:
            found.append(Unreached(line, line, "no call that was tried came here"))
    return tuple(found)
