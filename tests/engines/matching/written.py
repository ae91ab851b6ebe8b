"""Repositories with a history of a few hundred tasks, written at once."""

import subprocess
from pathlib import Path

import numpy as np

PEOPLE = ("Ann Lee", "Bob Moe", "Cyd Noe", "Dan Poe")
AREAS = ("api", "db", "docs", "web")
_WORDS = {
    "api": ("route", "request", "header"),
    "db": ("query", "index", "migration"),
    "docs": ("guide", "example", "typo"),
    "web": ("button", "page", "style"),
}


def write_repository(folder: Path, commits: int, *, seed: int = 1, day_s: int = 40_000) -> str:
    """A bare repository in which everybody mostly works in an area of their own; its tip."""
    rng = np.random.default_rng(seed)
    stream: list[str] = []
    for number in range(commits):
        who = int(rng.integers(len(PEOPLE)))
        area = AREAS[who if rng.random() < 0.85 else int(rng.integers(len(AREAS)))]
        at_s = 1_500_000_000 + number * day_s
        name, file = PEOPLE[who], f"{area}/f{int(rng.integers(6))}.py"
        signed = f"{name} <{name.split()[0].lower()}@x.org> {at_s} +0000"
        text = f"Mend the {rng.choice(_WORDS[area])} of {rng.choice(_WORDS[area])}"
        content = f"{number}\n"
        stream += [
            "commit refs/heads/main",
            f"author {signed}",
            f"committer {signed}",
            f"data {len(text)}",
            text,
            f"M 100644 inline {file}",
            f"data {len(content)}",
            content,
        ]
    git = ["git", "-C", str(folder)]
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    subprocess.run([*git, "fast-import", "--quiet"], input="\n".join(stream).encode(), check=True)
    found = subprocess.run([*git, "rev-parse", "main"], capture_output=True, check=True)
    return found.stdout.decode().strip()
