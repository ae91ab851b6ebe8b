"""Benchmark instances: a folder with `instances.json`, or of bare files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.planning.arrays import Network, network_of
from engines.planning.reading.files import read_problem
from engines.planning.types import Problem


@dataclass(frozen=True)
class Instance:
    """A problem of the field, and what is known of it."""

    path: Path
    set: str
    """The family: j30, j60, j120, imopse-d36, …; "hard" is in it for PSPLIB's hard groups."""
    problem: Problem
    network: Network
    best_known: int | None = None
    """The makespan of the best plan that anybody has published; None where none is at hand."""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


def instances_in(folder: Path) -> list[Instance]:
    """All that a folder holds, ordered by set and name."""
    listed = folder / "instances.json"
    rows: list[dict[str, Any]] = json.loads(listed.read_text()) if listed.is_file() else []
    known = {(folder / row["file"]).resolve(): row for row in rows}
    files = [path for path in known if path.is_file()] or sorted(
        path for path in folder.rglob("*") if path.suffix in {".sm", ".def"}
    )
    found = [_instance(path, known.get(path, {})) for path in files]
    return sorted(found, key=lambda one: (len(one.set), one.set, one.name))


def _instance(path: Path, row: dict[str, Any]) -> Instance:
    problem = read_problem(path)
    best = row.get("published_best") or row.get("best_known")
    return Instance(
        path,
        _set(problem, row),
        problem,
        network_of(problem),
        int(best) if isinstance(best, int | float) else None,
    )


def _set(problem: Problem, row: dict[str, Any]) -> str:
    name = str(row.get("set") or ("people" if problem.is_staffed else f"n{len(problem.tasks) - 2}"))
    return f"{name} hard" if row.get("hard_group") else name
