"""The manifests of deploy/kubernetes agree with the Procfile, the settings and the database."""

import re
import shlex
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from api.__main__ import STOP_SECONDS
from api.intake.submit import WAIT_SECONDS_MAX
from models.base.db import Database, connected, rows, sql
from runtime.environment import ConfigError, load_config
from tests.kit.root import ROOT
from tests.kit.statements import VOLATILE

DEPLOY = ROOT / "deploy/kubernetes"
KUBECTL = shutil.which("kubectl")
PROCESSES = ("release", "web", "worker", "clock", "dashboard")
PROCFILE = dict(
    line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line
)
# Long-running ones of which an upgrade or a drained node must leave some.
PROTECTED = ("web", "worker", "clock")


def resources(folder: str) -> list[dict[str, Any]]:
    """Every document of a kustomization's own files."""
    kustomization = yaml.safe_load((DEPLOY / folder / "kustomization.yaml").read_text())
    found: list[dict[str, Any]] = []
    for name in kustomization["resources"]:
        if name.endswith(".yaml"):
            found += yaml.safe_load_all((DEPLOY / folder / name).read_text())
    return found


ALL = [*resources("base"), *resources("production")]


def named(kind: str, process: str) -> dict[str, Any]:
    [found] = [r for r in ALL if r["kind"] == kind and r["metadata"]["name"] == f"twtc-{process}"]
    return found


def pod(process: str) -> dict[str, Any]:
    kind = "Job" if process == "release" else "Deployment"
    template: dict[str, Any] = named(kind, process)["spec"]["template"]["spec"]
    return template


def container(process: str) -> dict[str, Any]:
    [found] = pod(process)["containers"]
    assert isinstance(found, dict)
    return found


def test_every_file_is_part_of_a_kustomization() -> None:
    for folder in ("base", "production"):
        listed = yaml.safe_load((DEPLOY / folder / "kustomization.yaml").read_text())["resources"]
        files = {path.name for path in (DEPLOY / folder).glob("*.yaml")}
        assert files - {"kustomization.yaml"} == {n for n in listed if n.endswith(".yaml")}


@pytest.mark.skipif(
    KUBECTL is None,
    reason="needs kubectl, which builds the overlay: from kubernetes.io/docs/tasks/tools",
)
def test_the_overlay_can_be_built() -> None:
    """Every pod has the release's image, and all it needs before it comes with the first step."""
    command = [str(KUBECTL), "kustomize", str(DEPLOY / "production")]
    built = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = [*yaml.safe_load_all(built)]
    assert len(found) == len(ALL)
    images = re.findall(r"image: (\S+)", built)
    assert len(images) == len(PROCESSES)
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in images)
    for resource in found:
        shared = resource["kind"] in ("Namespace", "ConfigMap", "ServiceAccount")
        component = resource["metadata"].get("labels", {}).get("app.kubernetes.io/component")
        assert (component == "shared") == shared
        assert resource["kind"] == "Namespace" or resource["metadata"]["namespace"] == "twtc"


@pytest.mark.parametrize("resource", ALL, ids=lambda r: f"{r['kind']}-{r['metadata']['name']}")
def test_a_resource_is_valid(resource: dict[str, Any]) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="uv sync --group kubernetes")
    if not resource["apiVersion"].startswith("keda.sh/"):
        validator.validate(resource, "1.33", strict=True)


@pytest.mark.parametrize("process", PROCFILE)
def test_a_process_is_started_as_the_procfile_says(process: str) -> None:
    given = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", PROCFILE[process]).replace(" --workers 1", "")
    words = [word for word in shlex.split(given) if "=" not in word]
    assert container(process)["args"] == words


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_has_no_rights(process: str) -> None:
    assert pod(process)["automountServiceAccountToken"] is False
    assert pod(process)["securityContext"]["runAsNonRoot"] is True
    own = container(process)["securityContext"]
    assert own["readOnlyRootFilesystem"] is True
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    [uid] = re.findall(r"useradd .*--uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert pod(process)["securityContext"]["runAsUser"] == int(uid)
    assert container(process)["resources"]["limits"].keys() == {"memory"}


@pytest.mark.parametrize("process", PROTECTED)
def test_a_process_survives_upgrades_and_drained_nodes(process: str) -> None:
    labels = named("Deployment", process)["spec"]["selector"]["matchLabels"]
    assert named("PodDisruptionBudget", process)["spec"]["selector"]["matchLabels"] == labels
    assert "livenessProbe" in container(process)
    assert pod(process)["terminationGracePeriodSeconds"] >= 15
    health = container(process)["livenessProbe"].get("exec", {"command": ["", process]})
    assert health["command"][-1] == process


def test_requests_have_their_time_when_a_web_pod_ends() -> None:
    assert "--stop-seconds" not in container("web")["args"]
    pause = int(container("web")["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert pod("web")["terminationGracePeriodSeconds"] >= pause + STOP_SECONDS
    assert STOP_SECONDS > WAIT_SECONDS_MAX


def test_probes_and_the_service_reach_the_api() -> None:
    [port] = container("web")["ports"]
    assert port["containerPort"] == 8000
    for probe, path in (
        ("startup", "/healthz"),
        ("liveness", "/healthz"),
        ("readiness", "/readyz"),
    ):
        assert container("web")[f"{probe}Probe"]["httpGet"] == {"path": path, "port": port["name"]}
    service = named("Service", "web")["spec"]
    assert service["ports"][0]["targetPort"] == port["name"]
    assert service["selector"] == named("Deployment", "web")["spec"]["selector"]["matchLabels"]


def test_nobody_reaches_a_pod_but_the_ingress_and_it_only_the_api() -> None:
    """So that nobody else is believed in who its callers are."""
    every, web = (r["spec"] for r in ALL if r["kind"] == "NetworkPolicy")
    assert every["podSelector"] == {}
    assert "ingress" not in every
    assert set(every["policyTypes"]) == {"Ingress", "Egress"}
    assert web["podSelector"] == named("Deployment", "web")["spec"]["selector"]
    [let_in] = web["ingress"]
    [[caller], [port]] = let_in["from"], let_in["ports"]
    assert caller.keys() == {"namespaceSelector", "podSelector"}
    assert port["port"] == container("web")["ports"][0]["name"]


def test_pods_reach_what_the_settings_may_name() -> None:
    every, _ = (r["spec"] for r in ALL if r["kind"] == "NetworkPolicy")
    ports = {port["port"] for rule in every["egress"] for port in rule["ports"]}
    named_ports = {"PostgreSQL": 5432, "PgBouncer": 6432, "Redis": 6379, "amqp": 5672}
    named_ports |= {"amqps": 5671, "HTTPS": 443, "smtps": 465, "smtp": 587, "OTLP": 4318, "DNS": 53}
    assert ports == set(named_ports.values())


def test_as_they_are_they_do_not_start() -> None:
    """Whoever applies them without a look is told what to set, one after the other."""
    [settings] = [r["data"] for r in ALL if r["kind"] == "ConfigMap"]
    servers = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"}
    left = {name: value for name, value in settings.items() if name != "TWTC_PROFILE"}
    for name, value in left.items():
        with pytest.raises(ConfigError, match=name):
            load_config(servers | {"TWTC_PROFILE": settings["TWTC_PROFILE"], name: value})


def test_two_clocks_and_who_scales() -> None:
    assert named("Deployment", "clock")["spec"]["replicas"] == 2
    for process, scaler in (("web", "HorizontalPodAutoscaler"), ("worker", "ScaledObject")):
        assert "replicas" not in named("Deployment", process)["spec"], "the autoscaler says"
        target = named(scaler, process)["spec"]["scaleTargetRef"]["name"]
        assert target == named("Deployment", process)["metadata"]["name"]


def test_settings_are_documented_and_secrets_only_named() -> None:
    documented = (ROOT / "docs/settings.md").read_text()
    for resource in ALL:
        assert resource["kind"] != "Secret"
        for name in resource.get("data", {}) if resource["kind"] == "ConfigMap" else ():
            assert f"`{name}`" in documented
    secrets = (DEPLOY / "base/settings.yaml").read_text()
    for process in PROCESSES:
        sources = container(process)["envFrom"]
        named_here = [source["secretRef"]["name"] for source in sources if "secretRef" in source]
        for variable in container(process).get("env", ()):
            if "valueFrom" in variable:
                named_here.append(variable["valueFrom"]["secretKeyRef"]["name"])
        for name in named_here:
            assert f"#   {name} " in secrets
        for variable in container(process).get("env", ()):
            assert "SECRET" not in variable["name"] or "valueFrom" in variable


async def test_workers_are_scaled_by_the_age_of_the_queue(database: Database) -> None:
    [trigger] = named("ScaledObject", "worker")["spec"]["triggers"]
    query = trigger["metadata"]["query"]
    assert VOLATILE.search(query)  # no statement of ours: the scaler has no parameters
    waiting = sql("""
        INSERT INTO intents (bucket, id, group_number, kind, origin, key, body_hash, payload,
                             evidence, recorded_at, due_at, ring_at, attempts, status)
        SELECT b, gen_random_uuid(), 3, 'x', 'test', 'k' || b, '', '{}', '{}',
               now() - b * interval '1 minute', now() - interval '1 minute', now(), 0, 'RECORDED'
        FROM generate_series(1, 5) AS b
    """)
    async with connected(database) as connection:
        assert (await rows(connection, sql(query)))[0][0] == 0
        await rows(connection, waiting)
        assert 300 <= (await rows(connection, sql(query)))[0][0] < 320
