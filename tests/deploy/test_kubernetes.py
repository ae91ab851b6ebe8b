from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.settings import WorkerSettings
from tests.deploy.deployed import DEPLOY

WORKER = DEPLOY / "kubernetes" / "worker"
KATA = DEPLOY / "kubernetes" / "worker-kata"

Manifest = dict[str, Any]


def manifests() -> dict[tuple[str, str], Manifest]:
    """What the kustomization names, by kind and name."""
    files = load(WORKER / "kustomization.yaml")[0]["resources"]
    found = chain.from_iterable(load(WORKER / name) for name in files)
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def load(path: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(path.read_text()))


@pytest.fixture
def pod() -> Manifest:
    return manifests()["Deployment", "gryph-worker"]["spec"]["template"]["spec"]


@pytest.fixture
def container(pod: Manifest) -> Manifest:
    (only,) = pod["containers"]
    return only


def test_every_manifest_is_named_in_its_kustomization() -> None:
    named = set(load(WORKER / "kustomization.yaml")[0]["resources"]) | {"kustomization.yaml"}
    assert {path.name for path in WORKER.iterdir()} == named


def test_the_pod_is_no_root_and_can_become_none(pod: Manifest, container: Manifest) -> None:
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "USER gryph" in (DEPLOY.parent / "Dockerfile").read_text()
    assert "--uid 10001 gryph" in (DEPLOY.parent / "Dockerfile").read_text()


def test_the_pod_holds_no_key_to_the_cluster_and_shares_nothing_of_its_node(pod: Manifest) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert not any(pod[name] for name in ("hostNetwork", "hostPID", "hostIPC"))
    assert all(set(volume) == {"name", "emptyDir"} for volume in pod["volumes"])


def test_all_that_can_be_filled_is_bounded(pod: Manifest, container: Manifest) -> None:
    assert set(container["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}
    assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"])
    temporary = next(one for one in pod["volumes"] if one["name"] == "temporary")
    assert temporary["emptyDir"]["medium"] == "Memory"
    assert {mount["name"] for mount in container["volumeMounts"]} == {"home", "temporary"}


def test_nothing_goes_in_or_out_that_is_not_named() -> None:
    denied = manifests()["NetworkPolicy", "deny-all"]["spec"]
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    allowed = manifests()["NetworkPolicy", "worker"]["spec"]
    assert all(rule["to"] and rule["ports"] for rule in allowed["egress"])
    (outside,) = [rule for rule in allowed["egress"] if "ipBlock" in rule["to"][0]]
    assert "169.254.0.0/16" in outside["to"][0]["ipBlock"]["except"]
    assert outside["ports"] == [{"protocol": "TCP", "port": 443}]


def test_the_namespace_refuses_pods_that_ask_for_more() -> None:
    labels = manifests()["Namespace", "gryph-workers"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_worker_listens_where_it_is_asked(container: Manifest) -> None:
    env = {one["name"]: one["value"] for one in container["env"]}
    known = {f"GRYPH_{name.upper()}" for name in WorkerSettings.model_fields} | {"TMPDIR"}
    assert set(env) <= known
    (port,) = container["ports"]
    assert env["GRYPH_WORKER_LISTEN"].endswith(f":{port['containerPort']}")


def test_the_virtual_machine_changes_nothing_but_where_it_runs() -> None:
    (kustomization,) = load(KATA / "kustomization.yaml")
    assert kustomization["resources"] == ["../worker"]
    (patch,) = kustomization["patches"]
    assert yaml.safe_load(patch["patch"]) == [
        {"op": "add", "path": "/spec/template/spec/runtimeClassName", "value": "kata"}
    ]
