"""The engine's side of the driver in the JVM: compiles the target once, then runs calls."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from engines.sandbox.conversation import Conversation, Ended, Garbled
from engines.sandbox.sandbox import Sandbox
from engines.testing.budget import Account, Budget
from engines.testing.facts import BadFact, Fact, fact, items, number, optional_text, seconds, text
from engines.testing.java.probing import Probed, probed
from engines.testing.java.reading import JavaFile
from engines.testing.java.toolchain import DRIVER, Jdk
from engines.testing.java.values import Call
from engines.testing.types import CannotTest
from engines.watch import Stopped

_TICK_S = 0.25
_COMPILE_CPU_S = 90.0
_ANSWER_LIMIT_S = 60.0
_SPARE_CPU_S = 90.0
_RESTART_LIMIT = 6
_OPENED = ("--add-opens", "java.base/java.io=ALL-UNNAMED")


class Lost(Exception):
    """The driver is gone or broke the protocol."""


@dataclass(frozen=True)
class Seen:
    """What one execution showed; texts are Java source."""

    kind: str
    """value, nothing, self, instance, error, hang, or unmade: it did not come to the call."""
    text: str = ""
    type: str = ""
    message: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    state: tuple[tuple[str, str], ...] = ()
    frames: tuple[tuple[str, int], ...] = ()
    hits: frozenset[int] = field(default_factory=frozenset[int])


@dataclass(frozen=True)
class Kept:
    """A call worth keeping, with what it showed."""

    call: Call
    seen: Seen


@dataclass(frozen=True)
class Place:
    """The target file, the folder its package begins in, and what is on its class path."""

    root: Path
    path: str
    text: str
    sources: Path
    jars: tuple[Path, ...]


class Session:
    """One folder of compiled classes, and the JVM that runs them, started anew where needed."""

    def __init__(
        self, sandbox: Sandbox, jdk: Jdk, place: Place, file: JavaFile, budget: Budget,
        is_stopped: Callable[[], bool],
    ) -> None:  # fmt: skip
        """Nothing is compiled yet."""
        self._sandbox = sandbox
        self._jdk = jdk
        self._place = place
        self._file = file
        self._budget = budget
        self._is_stopped = is_stopped
        self._folder = TemporaryDirectory(prefix="gryph-java-")
        self.work = Path(self._folder.name)
        self._talk: Conversation | None = None
        self._account: Account | None = None
        self._zone = "UTC"
        self._batches = self._restarts = 0
        self.executed = 0
        self.probed: Probed = probed(place.text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        self._folder.cleanup()

    def end(self, zone: str = "UTC") -> None:
        """End the JVM; the next request starts a fresh one in a time zone."""
        if self._talk is not None:
            self._talk.close()
        self._talk, self._zone = None, zone

    def compile_target(self) -> None:
        """Compile the target with probes, with what it uses of the checkout, and the driver.

        Raises:
            CannotTest: it does not compile; says why.
        """
        errors = self._compiled()
        if errors:
            self.probed = probed(self._place.text, with_conditions=False)
            errors = self._compiled()
        if errors:
            raise CannotTest(_compile_message(self._place, errors))

    def _compiled(self) -> str:
        folder = self.work / "probed" / self._file.package.replace(".", "/")
        folder.mkdir(parents=True, exist_ok=True)
        (self.work / "classes").mkdir(exist_ok=True)
        target = folder / Path(self._place.path).name
        target.write_text(self.probed.text, encoding="utf-8", errors="surrogatepass")
        drivers = [str(one) for one in sorted(DRIVER.rglob("*.java"))]
        arguments = [
            "-nowarn", "-proc:none", "-g", "-encoding", "UTF-8", "-d", str(self.work / "classes"),
            "-cp", ":".join(str(jar) for jar in self._place.jars) or ".",
            "-sourcepath", str(self._place.sources), str(target), *drivers,
        ]  # fmt: skip
        readable = (self._place.root.resolve(),)
        command = self._jdk.started("javac", arguments, self.work, readable, {}, _COMPILE_CPU_S)
        outcome = self._sandbox.run(command)
        self._budget.account().reported(outcome.cpu_s)
        return "" if outcome.exit_code == 0 else outcome.stderr.decode("utf-8", "replace") or "?"

    def run(self, calls: Sequence[Call]) -> list[Seen]:
        """Compile calls into one class and run them; what does not compile is seen as `unmade`.

        Raises:
            Lost: the JVM was lost too often.
        """
        batch = self.batch(calls)
        found = self.again(batch, list(range(len(calls))))
        self.executed += len(calls)
        return [found.get(place, Seen("unmade")) for place in range(len(calls))]

    def batch(self, calls: Sequence[Call]) -> tuple[str, frozenset[int]]:
        """Compile calls; the class's name, and the places of those that compile."""
        usable = set(range(len(calls)))
        while usable:
            self._batches += 1
            simple = f"GryphCalls{self._batches}"
            name = f"{self._file.package}.{simple}" if self._file.package else simple
            source, places = _batch_source(self._file, simple, calls, sorted(usable))
            self._send(f"compile {name} 0\n{source}")
            errors = [items(one) for one in items(self._receive().get("errors"))]
            bad = {places[number(one[0])] for one in errors if number(one[0]) in places}
            if not errors:
                return name, frozenset(usable)
            usable = usable - bad if bad else set[int]()
        return "", frozenset()

    def again(self, batch: tuple[str, frozenset[int]], order: Sequence[int]) -> dict[int, Seen]:
        """Run compiled calls in an order; a call that ends the JVM is left out."""
        name, usable = batch
        pending = [place for place in order if place in usable]
        found: dict[int, Seen] = {}
        while pending:
            done, lost = self._part(name, pending, found)
            if done:
                break
            found[lost] = Seen("hang")
            pending = [place for place in pending if place not in found]
            self._restarts += 1
            if self._restarts > _RESTART_LIMIT:
                raise Lost("it was lost again and again")
            self.end(self._zone)
        return found

    def _part(self, name: str, places: list[int], found: dict[int, Seen]) -> tuple[bool, int]:
        at = places[0]
        try:
            self._send(f"run {name} {','.join(str(place) for place in places)}\n")
            while True:
                reply = self._receive()
                if "at" in reply:
                    at = number(reply["at"])
                elif "result" in reply:
                    found[number(reply.get("place"))] = _seen(reply["result"])
                else:
                    return reply.get("done") is True, at
        except (Lost, BadFact):
            return False, at

    def suite(self, name: str, source: str, seed: int) -> tuple[Fact, str]:
        """Compile a test class if its source is given, and run it; errors of the compiler, if any.

        Raises:
            Lost: it did not come to its end.
        """
        self._send(f"suite {name} {seed}\n{source}")
        reply = self._receive()
        return reply, "; ".join(text(items(one)[1]) for one in items(reply.get("errors")))

    def _send(self, message: str) -> None:
        if self._talk is None:
            self._start()
        assert self._talk is not None
        try:
            self._talk.send(message)
        except Ended as problem:
            raise Lost(str(problem)) from problem

    def _start(self) -> None:
        classes = self.work / "classes"
        path = ":".join([str(classes), *(str(jar) for jar in self._place.jars)])
        arguments = [*_OPENED, "-cp", path, "gryph.Driver", str(classes)]
        readable = (self._place.root.resolve(),)
        limit_s = self._budget.cpu_s + _SPARE_CPU_S
        env = {"TZ": self._zone}
        command = self._jdk.started("java", arguments, self.work, readable, env, limit_s)
        self._account = self._budget.account()
        self._talk = self._sandbox.open(command)

    def _receive(self) -> Fact:
        if self._talk is None or self._account is None:
            raise Lost("it is closed")
        deadline = time.monotonic() + _ANSWER_LIMIT_S
        try:
            while time.monotonic() < deadline:
                try:
                    reply = fact(self._talk.receive(_TICK_S))
                except TimeoutError:
                    if self._is_stopped():
                        raise Stopped from None
                    continue
                if "cpu_s" in reply:
                    self._account.reported(seconds(reply["cpu_s"]))
                return reply
        except (Ended, Garbled, BadFact) as problem:
            raise Lost(str(problem)) from problem
        raise Lost("no answer in time")


def _batch_source(
    file: JavaFile, name: str, calls: Sequence[Call], usable: Sequence[int]
) -> tuple[str, dict[int, int]]:
    """A class with one method a call, each on one line, and the call of each line."""
    lines = [f"package {file.package};" if file.package else "", *file.imports]
    lines.append(f'@SuppressWarnings({{"all"}}) public final class {name} {{')
    places: dict[int, int] = {}
    for place in usable:
        call = calls[place]
        setup = " ".join(f"{line};" for line in call.setup())
        receiver = "null" if call.target.is_static else "subject"
        started = f"gryph.Driver.started({receiver});"
        is_void = call.target.result == "void"
        body = f"{call.expression()}; return gryph.Driver.NOTHING;"
        body = body if is_void else f"return {call.expression()};"
        lines.append(
            f"public static Object c{place}() throws Throwable {{ {setup} {started} {body} }}"
        )
        places[len(lines)] = place
    return "\n".join([*lines, "}"]), places


def _seen(value: object) -> Seen:
    one = fact(value)
    return Seen(
        kind=text(one.get("kind")),
        text=optional_text(one.get("text")) or "",
        type=optional_text(one.get("type")) or "",
        message=optional_text(one.get("message")),
        fields=_pairs(one.get("fields")),
        state=_pairs(one.get("state")),
        frames=tuple(
            (text(items(two)[0]), number(items(two)[1])) for two in items(one.get("frames"))
        ),
        hits=frozenset(number(two) for two in items(one.get("hits"))),
    )


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    pairs = [items(one) for one in items(value)]
    return tuple((text(name), text(held)) for name, held in pairs)


def _compile_message(place: Place, errors: str) -> str:
    missing = re.search(r"error: package ([\w.]+) does not exist", errors)
    if missing:
        return (
            f"`{place.path}` imports `{missing[1]}`, which is not on the class path where tests "
            "run. Put the library's jar into `lib/` or run `mvn dependency:copy-dependencies` "
            "(`target/dependency` is read), then ask again."
        )
    first = next((line for line in errors.splitlines() if "error:" in line), errors[:200])
    found = re.sub(r"^\S*/", "", first)
    return f"`{place.path}` does not compile: `{found}`. It has to before it can be tested."
