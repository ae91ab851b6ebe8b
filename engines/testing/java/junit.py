"""Runs a test file with the real JUnit 5, where its console runner is found."""

import re
from pathlib import Path

from engines.sandbox.sandbox import Sandbox
from engines.testing.java.jailed import Place, Session
from engines.testing.java.toolchain import Jdk, find_junit

_CPU_LIMIT_S = 90.0


def in_junit(
    sandbox: Sandbox, jdk: Jdk, place: Place, session: Session, test: tuple[str, str]
) -> tuple[str, int] | None:
    """JUnit's name and how many tests passed; None where it is not installed."""
    jars = find_junit(place.root)
    if not jars:
        return None
    session.end()
    name, source = test
    folder = session.work / "tests"
    (folder / "classes").mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(source, encoding="utf-8")
    path = ":".join(str(one) for one in (*jars, session.work / "classes", *place.jars))
    readable = (place.root.resolve(), *jars)
    arguments = ["-nowarn", "-proc:none", "-cp", path, "-d", str(folder / "classes")]
    arguments.append(str(folder / name))
    command = jdk.started("javac", arguments, session.work, readable, {}, _CPU_LIMIT_S)
    compiled = sandbox.run(command)
    if compiled.exit_code != 0:
        return _version(jars), 0
    arguments = [
        "-cp", f"{folder / 'classes'}:{path}", "org.junit.platform.console.ConsoleLauncher",
        "--scan-classpath", str(folder / "classes"), "--disable-banner", "--details=summary",
    ]  # fmt: skip
    command = jdk.started("java", arguments, session.work, readable, {}, _CPU_LIMIT_S)
    said = sandbox.run(command).stdout.decode("utf-8", "replace")
    found = re.search(r"(\d+) tests successful", said)
    return _version(jars), int(found[1]) if found else 0


def _version(jars: tuple[Path, ...]) -> str:
    for jar in jars:
        found = re.search(r"(?:standalone|jupiter-engine|console)-(\d[\d.]*\d)", jar.name)
        if found:
            return f"JUnit's console runner {found[1]}"
    return "JUnit's console runner"
