"""What `deploy/` gives an operator: rules, alarms and panels, and the PromQL in them."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
RUNBOOK = ROOT / "docs" / "runbook.md"

Loaded = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """One expression and where it stands."""

    where: str
    expr: str

    @property
    def names(self) -> set[str]:
        """The series it asks for: metrics of ours and recorded ones."""
        bare = re.sub(r'"[^"]*"', "", self.expr)
        words: list[str] = re.findall(r"[a-zA-Z_:][\w:]*", bare)
        return {word for word in words if word.startswith("gryph_") or ":" in word}

    @property
    def values(self) -> set[tuple[str, str, str]]:
        """Metric, label and value of everything that is asked for by a label's value."""
        found: set[tuple[str, str, str]] = set()
        for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", self.expr):
            for label, wanted in re.findall(r'(\w+)\s*[!=]~?\s*"([^"]*)"', matchers):
                found |= {(name, label, value) for value in wanted.split("|")}
        return found


@cache
def loaded(path: Path) -> Any:
    """A YAML file's content; to be read only."""
    return yaml.safe_load(path.read_text())


def rules() -> list[Loaded]:
    """Recording and alerting rules."""
    groups: list[Loaded] = loaded(PROMETHEUS / "rules.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alarms() -> dict[str, Loaded]:
    """Alerting rules by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> set[str]:
    """Names of recorded series."""
    return {rule["record"] for rule in rules() if "record" in rule}


def dashboard() -> Loaded:
    """As Grafana imports it."""
    content: Loaded = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
    return content


def panels() -> list[Loaded]:
    """What the dashboard shows, rows left out."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def rule_queries() -> list[Query]:
    """Every rule's expression."""
    return [Query(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]


def panel_queries() -> list[Query]:
    """Every expression of the dashboard."""
    noted = [Query("annotation", each["expr"]) for each in dashboard()["annotations"]["list"]]
    return noted + [
        Query(f"{panel['title']} {target['refId']}", target["expr"])
        for panel in panels()
        for target in panel["targets"]
    ]
