"""Dashboard and alert rules name what the processes export, and every alert has its runbook."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.alerts import JUDGED, books_key
from runtime.telemetry.meter import Kind
from runtime.telemetry.metrics import METRICS
from workers.alerting.outage import OUTAGE

OWN_ALERTS = "## The product's own alerts"
ROOT = Path(__file__).parent.parent
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


@pytest.mark.parametrize("query", sorted(set(expressions())))
def test_every_query_names_what_is_exported(query: str) -> None:
    found = SELECTOR.findall(query)
    assert found
    for name, selectors in found:
        assert name in EXPORTED, name
        for label in re.findall(r"(\w+)\s*[=!]", selectors):
            assert label in {*EXPORTED[name].labels, "le"}, f"{name} has no label {label}"
    for labels in re.findall(r"\bby \(([^)]*)\)", query):
        for label in re.split(r",\s*", labels):
            assert any(label in {*EXPORTED[name].labels, "le"} for name, _ in found), label


def test_nothing_is_exported_that_nobody_looks_at() -> None:
    assert {EXPORTED[name].name for name in named_samples()} == {metric.name for metric in METRICS}


def test_every_alert_of_the_product_has_its_section_of_the_runbook() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text().partition(OWN_ALERTS)[2]
    titles = re.findall(r"(?m)^### (.+)$", text)
    others = {"fraud", "credit", "pay", OUTAGE, books_key(0, 1).partition(":")[0]}
    assert set(titles) == {*JUDGED, *others}
    for part in ("Means", "Look", "Do"):
        assert len(re.findall(rf"(?m)^\*\*{part}\*\*", text)) == len(titles)


def test_every_alert_has_its_section_of_the_runbook_and_every_section_its_alert() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text().partition(OWN_ALERTS)[0]
    anchors = [title.lower().replace(" ", "-") for title in re.findall(r"(?m)^## (.+)$", text)]
    wanted = [rule["annotations"]["runbook"].partition("#") for rule in rules()]
    assert [anchor for _, _, anchor in wanted] == anchors
    assert {page for page, _, _ in wanted} == {"docs/runbook.md"}
    for part in ("Means", "Look", "Do"):
        assert len(re.findall(rf"(?m)^\*\*{part}\*\*", text)) == len(anchors)
