"""What the processes export, and what dashboards and alert rules ask for."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from runtime.telemetry.meter import Kind
from runtime.telemetry.metrics import METRICS
from tests.kit.root import ROOT

SAMPLES = {
    Kind.COUNTER: ["_total"],
    Kind.GAUGE: [""],
    Kind.HISTOGRAM: ["_bucket", "_count", "_sum"],
}
EXPORTED = {metric.name + end: metric for metric in METRICS for end in SAMPLES[metric.kind]}
SELECTOR = re.compile(r"\b(twtc_\w+)(?:\{([^}]*)\})?")


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    text = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_bytes()
    return [rule for group in msgspec.yaml.decode(text)["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels."""
    text = (ROOT / "deploy" / "grafana" / "dashboard.json").read_text()
    return [panel for panel in json.loads(text)["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    """Every query of both."""
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def named_samples() -> set[str]:
    """What they ask for, as it is exported."""
    return {name for query in expressions() for name, _ in SELECTOR.findall(query)}
