"""Dashboard and alert rules name what the processes export, and every alert has its runbook."""

import re

import pytest

from engine.operations.alerts import JUDGED, books_key
from runtime.telemetry.metrics import METRICS
from tests.kit.dashboards import EXPORTED, SELECTOR, expressions, named_samples, rules
from tests.kit.root import ROOT
from workers.alerting.outage import OUTAGE

OWN_ALERTS = "## The product's own alerts"


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
