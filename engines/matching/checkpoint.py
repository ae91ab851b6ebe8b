"""Counters in a file, so that what was counted once is not counted again.

They are those of a commit of the mainline, and of use wherever its tasks are a beginning of the
tasks. A file that is missing, broken, of another version or of another history is no checkpoint.
"""

import json
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from engines.matching.collector import held_collector
from engines.matching.mining.kept import FORMAT as MINED
from engines.matching.ranking.weights import Arrays, NoWeights, read_arrays, write_arrays
from engines.matching.state.evidence import Evidence
from engines.matching.state.packing import Packed, Packer
from engines.matching.types import Merged, Signature, Touch

FORMAT = 2
"""Goes up with whatever changes what is counted of a task, who is who, or how it is written."""
COUNTERS = "counters.safetensors"
"""What the file is called."""
MOST_LATER = 500
"""Tasks that are counted anew each time a process begins."""
_TOLD = "told"
_ANN, _BOB = (
    Signature("Ann Lee", "ann@work.org"),
    Signature("bobm", "7+moe@users.noreply.github.com"),
)
_FILES = tuple(
    Touch(path, None, 3, 1) for path in ("src/api/main_test.py", "Makefile", "docs/a.md")
)
_MOVED = (Touch("src/b.py", "src/api/main_test.py", 1),)
_SAMPLE = (
    Merged("1", 0, 0, _ANN, (_BOB,), (), _FILES, "Fix parseTokens", 1, by_bot=False),
    Merged("2", 0, 90_000, _BOB, (), (_ANN,), _MOVED, "Moves it", 2, by_bot=False, branch_of="moe"),
)


def save_evidence(evidence: Evidence, tasks: Sequence[Merged], file: Path) -> None:
    """Keep what is known after some tasks, if much came since it was kept last; a file there is
    replaced at once or not at all.
    """
    if evidence.kept and evidence.observed <= evidence.kept + MOST_LATER and file.exists():
        return
    evidence.kept = evidence.observed
    packer = Packer()
    told = evidence.pack(packer)
    text = json.dumps({"texts": packer.texts, **told}, separators=(",", ":"), check_circular=False)
    arrays: Arrays = {**packer.arrays, _TOLD: np.frombuffer(text.encode(), np.uint8)}
    facts = {
        "format": format_of_counters(),
        "tasks": str(len(tasks)),
        "commit": tasks[-1].sha,
        "history": _digest_of(tasks),
        "arrays": _checksum_of(arrays),
    }
    write_arrays(arrays, facts, file)


def kept_evidence(file: Path, tasks: Sequence[Merged]) -> Evidence | None:
    """What was kept of a beginning of these tasks, `observed` of them; None if nothing was."""
    try:
        arrays, facts = read_arrays(file)
    except NoWeights:
        return None
    if facts.get("format") != format_of_counters():
        return None
    known = tasks[: int(facts["tasks"])]
    if not known or known[-1].sha != facts["commit"] or _digest_of(known) != facts["history"]:
        return None
    if _checksum_of(arrays) != facts["arrays"]:
        return None
    with held_collector():
        told = json.loads(arrays.pop(_TOLD).tobytes())
        return Evidence.restored(Packed(arrays, told["texts"]), told)


@cache
def format_of_counters() -> str:
    """Of a file; one that counts a sample otherwise has another, if nobody thought of FORMAT."""
    evidence, packer = Evidence(), Packer()
    for task in _SAMPLE:
        evidence.observe(task)
    told = json.dumps(evidence.pack(packer), sort_keys=True).encode()
    counted = zlib.crc32(told, int(_checksum_of(packer.arrays), 16))
    return f"{MINED}.{FORMAT}.{counted:08x}"


def _digest_of(tasks: Sequence[Merged]) -> str:
    """Of what may have become known of the same commits: a clone may have been shallow then."""
    seen = np.array(
        [(task.started_s, task.commits, len(task.touches), len(task.text)) for task in tasks],
        np.int64,
    )
    return f"{zlib.crc32(seen.tobytes()):08x}"


def _checksum_of(arrays: Arrays) -> str:
    found = 0
    for name in sorted(arrays):
        found = zlib.crc32(np.ascontiguousarray(arrays[name]).data, found)
    return f"{found:08x}"
