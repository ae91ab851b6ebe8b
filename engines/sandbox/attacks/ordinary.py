"""What an honest program does, and must still be able to do."""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from engines.sandbox.attacks.attempt import Attack, Finding


def _run_asyncio() -> Finding:
    import asyncio  # noqa: PLC0415 - a third of a start, and the host only wants the names

    async def answer() -> int:
        return await asyncio.to_thread(lambda: 42)

    return asyncio.run(answer()) == 42, "ran"  # noqa: PLR2004 - the answer above


def _run_own_python() -> Finding:
    code = "import decimal; print(decimal.Decimal(2) + 1)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - the jailed interpreter itself
    return run.stdout == "3\n", run.stdout.strip() or run.stderr[-100:]


def _run_threads() -> Finding:
    seen: list[int] = []
    threads = [threading.Thread(target=seen.append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(seen) == [0, 1, 2, 3], f"{len(seen)} ran"


def _write_temporary() -> Finding:
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("x")
        file.flush()
        return Path(file.name).read_text() == "x", "written and read"


def _write_work() -> Finding:
    folder = Path("result")
    folder.mkdir(mode=0o700)
    (folder / "kept.txt").write_text("kept")
    os.umask(0o777)
    (folder / "closed").mkdir()
    return True, "written"


DEEDS: dict[str, Attack] = {
    "asyncio works": _run_asyncio,
    "own python works": _run_own_python,
    "threads work": _run_threads,
    "temporary files work": _write_temporary,
    "work is writable": _write_work,
}
