"""Rules, dashboard and runbook speak of what there is, and of the same."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot import health as gateway_health
from bot.cli import main
from bot.metrics import GatewayMetrics
from bot.tokens import Token
from bot.uplinks import Uplink
from handlers import Platform
from jobs import health as worker_health
from jobs.metrics import WorkerMetrics
from jobs.model_metrics import ModelState, ModelWatcher
from jobs.requests import VERBS
from storage.condition import Condition
from tests.deploy.deployed import (
    DEPLOY,
    PROMETHEUS,
    ROOT,
    RUNBOOK,
    Loaded,
    Query,
    alarms,
    dashboard,
    loaded,
    panel_queries,
    panels,
    recorded,
    rule_queries,
)

QUERIES = [*rule_queries(), *panel_queries()]
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
OF_PROMETHEUS = {"job", "instance", "le", "alertname", "alertstate"}
WIDTH = 24
MOST_PANELS = 34


class OneModel:
    """The models of a worker, as `jobs.model_metrics.LiveModels`: one that is loaded."""

    watcher: ModelWatcher

    def states(self) -> list[ModelState]:
        """How it is."""
        return [ModelState("coder", is_loaded=True, blocks=8, free_blocks=2, memory_bytes=1)]

    async def keep_up(self) -> None:
        """It stays."""


class Printed:
    """What `/metrics` of a gateway and of a worker print."""

    def __init__(self) -> None:
        gateway, worker = GatewayMetrics(), WorkerMetrics()
        gateway.watch([Token("GRYPH_SLACK_BOT_TOKEN", "")], [Uplink(Platform.DISCORD)], Platform)
        gateway.vitals.tell(Condition(), gateway_health.PARTS)
        worker.vitals.tell(Condition(), worker_health.PARTS)
        worker.expect(VERBS.values())
        worker.models.watch(OneModel())
        self.told: dict[str, str] = {}
        """What is told of a series: its help, and the labels it is printed with."""
        for registry in (gateway.registry, worker.registry):
            self._read(registry)

    def _read(self, registry: CollectorRegistry) -> None:
        for family in text_string_to_metric_families(generate_latest(registry).decode()):
            labels = " ".join(str(sample.labels) for sample in family.samples)
            for suffix in SUFFIXES[family.type]:
                name = f"{family.name}{suffix}"
                earlier = self.told.get(name, "")
                self.told[name] = f"{earlier} {family.documentation} {labels}"


PRINTED = Printed()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_every_series_that_is_asked_for_is_printed_or_recorded(query: Query) -> None:
    assert query.names <= {*PRINTED.told, *recorded()}
    assert query.names or "up{" in query.expr or "ALERTS{" in query.expr


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_every_label_that_is_asked_for_has_such_a_value(query: Query) -> None:
    for name, label, value in query.values:
        if label not in OF_PROMETHEUS:
            told = PRINTED.told[name]
            assert re.search(rf"\b{label}\b", told), f"{name} has no label {label}"
            assert re.search(rf"\b{value}\b", told), f"{label} of {name} is never {value}"


def test_the_check_of_names_and_values_finds_what_is_wrong() -> None:
    wrong = Query("", 'sum(rate(gryph_acks_total{outcome="done"}[5m])) / a:b')
    assert wrong.names == {"gryph_acks_total", "a:b"}
    assert wrong.values == {("gryph_acks_total", "outcome", "done")}


@pytest.mark.parametrize("name", alarms())
def test_an_alarm_says_how_bad_it_is_and_where_to_read_on(name: str) -> None:
    alarm = alarms()[name]
    assert alarm["labels"]["severity"] in {"critical", "warning"}
    assert set(alarm["annotations"]) == {"summary", "description", "runbook"}
    assert alarm["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
    assert f"\n### {name}\n" in RUNBOOK.read_text()


def test_the_runbook_tells_of_no_alarm_that_is_gone() -> None:
    assert set(re.findall(r"^### (Gryph\w+)$", RUNBOOK.read_text(), re.MULTILINE)) == {*alarms()}


def test_every_alarm_is_seen_to_fire() -> None:
    fired: set[str] = set()
    for case in loaded(PROMETHEUS / "rules_test.yml")["tests"]:
        for check in case["promql_expr_test"]:
            labels = " ".join(sample["labels"] for sample in check["exp_samples"])
            fired |= set(re.findall(r'alertname="(\w+)"', labels))
    assert fired == {*alarms()}


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml", "here.yml"),
        ("check", "rules", "--lint-fatal", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_takes_it(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    done = subprocess.run(
        [promtool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# The dashboard


def test_no_two_panels_share_an_id_a_title_or_a_place() -> None:
    everything: list[Loaded] = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert len({panel["title"] for panel in everything}) == len(everything)
    for panel in everything:
        assert 0 <= panel["gridPos"]["x"] < panel["gridPos"]["x"] + panel["gridPos"]["w"] <= WIDTH
    for one, other in combinations(everything, 2):
        assert cells(one).isdisjoint(cells(other)), (one["title"], other["title"])


def test_no_row_of_the_grid_has_a_hole() -> None:
    taken = set[tuple[int, int]]().union(*(cells(panel) for panel in dashboard()["panels"]))
    height = max(y for _, y in taken) + 1
    assert taken == {(x, y) for x in range(WIDTH) for y in range(height)}


def cells(panel: Loaded) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    return {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}


def test_the_dashboard_is_imported_with_whatever_prometheus_there_is() -> None:
    (variable,) = dashboard()["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    assert 0 < len(panels()) <= MOST_PANELS
    for panel in panels():
        assert panel["datasource"] == {"type": "prometheus", "uid": f"${{{variable['name']}}}"}


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_a_panel_can_be_read(panel: Loaded) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["description"]
    assert defaults["unit"] in {"s", "short", "none", "percentunit", "bytes"}
    targets: list[Loaded] = panel["targets"]
    assert len({target["refId"] for target in targets}) == len(targets)
    legends = [target["legendFormat"] for target in targets]
    assert len(set(legends)) == len(legends), "two lines of the same name"
    for target in targets:
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert named <= labels_of(target["expr"]), target["legendFormat"]


def labels_of(expr: str) -> set[str]:
    """The labels that the answer has."""
    kept = {
        name.strip() for names in re.findall(r"by \(([^)]*)\)", expr) for name in names.split(",")
    }
    levels = set(re.findall(r"(\w+):gryph_", expr))
    return kept | levels or {"job", "instance"}


# The runbook


def test_the_runbook_names_only_what_there_is() -> None:
    text = RUNBOOK.read_text()
    settings = (ROOT / "docs" / "settings.md").read_text()
    assert [
        name for name in re.findall(r"GRYPH_[A-Z_]+", text) if f"`{name}`" not in settings
    ] == []
    titles = [panel["title"] for panel in dashboard()["panels"]]
    quoted = list(quoted_panels(text))
    assert len(quoted) > 5
    assert [name for name in quoted if not any(title.startswith(name) for title in titles)] == []
    assert set(re.findall(r"`(gryph_\w+)`", text)) <= {*PRINTED.told}


def quoted_panels(text: str) -> Iterator[str]:
    for names in re.findall(r'(?:panels?|row of panels) ("[^"]+"(?:\s+and\s+"[^"]+")?)', text):
        yield from re.findall(r'"([^"]+)"', " ".join(str(names).split()))


def test_the_log_lines_of_the_runbook_are_written_somewhere() -> None:
    text = RUNBOOK.read_text()
    sources = "".join(
        path.read_text()
        for package in ("bot", "jobs", "storage")
        for path in (ROOT / package).rglob("*.py")
    )
    lines = re.findall(r'`"([^"`]+)"`', text)
    assert len(lines) > 20
    logged = set(re.findall(r'log\.\w+\(\s*"([^"]+)"', sources))
    assert [line for line in lines if line not in logged] == []


def test_the_commands_of_the_runbook_are_commands(capsys: pytest.CaptureFixture[str]) -> None:
    verbs = set(re.findall(r"`(?:docker compose exec \w+ )?gryph (\w+)", RUNBOOK.read_text()))
    assert {"doctor", "worker", "backup", "migrate"} <= verbs
    for verb in verbs:
        with pytest.raises(SystemExit) as ended:
            main([verb, "--help"])
        assert ended.value.code == 0, verb
    capsys.readouterr()


# Containers


def test_what_only_operators_look_at_is_extra_and_stays_on_this_machine() -> None:
    services: dict[str, Loaded] = loaded(DEPLOY / "compose.yaml")["services"]
    extra = {name: each for name, each in services.items() if each.get("profiles") == ["observe"]}
    assert set(extra) == {"prometheus", "grafana"}
    for service in services.values():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))
    for service in extra.values():
        for mount in service["volumes"]:
            source = str(mount).partition(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists(), mount


def test_prometheus_asks_the_services_where_they_listen() -> None:
    services: dict[str, Loaded] = loaded(DEPLOY / "compose.yaml")["services"]
    asked = {
        job["job_name"]: job["dns_sd_configs"][0]
        for job in loaded(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    }
    assert set(asked) == {"gryph-gateway", "gryph-worker"}
    for name, where in asked.items():
        kind = name.removeprefix("gryph-")
        assert where["names"] == [each for each in services if each.partition("-")[0] == kind]
        for service in where["names"]:
            listen = (
                services[service]["environment"].get("GRYPH_WORKER_LISTEN")
                or re.findall(r"GRYPH_LISTEN=(\S+)", (ROOT / "Dockerfile").read_text()).pop()
            )
            assert listen == f"0.0.0.0:{where['port']}"
    (source,) = loaded(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert services["prometheus"]["ports"] == ["127.0.0.1:9090:9090"]
