"""The anomaly score as a function of a model and a day."""

from random import Random
from typing import Any

import msgspec
import pytest

from engine.fraud.anomaly.acts import Act, measure
from engine.fraud.anomaly.bands import Band, band_of
from engine.fraud.anomaly.features import FEATURES, features, is_enough
from engine.fraud.anomaly.model import FORMAT, ModelError, judge, read_model, write_model
from engine.fraud.anomaly.norms import norms_of
from tests.kit.scores import model
from workers.scoring.examples import examples
from workers.scoring.nightly import FIRST_MODEL


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (0, "NORMAL"),
        (30, "NORMAL"),
        (31, "MONITOR"),
        (60, "MONITOR"),
        (61, "REVIEW"),
        (80, "REVIEW"),
        (81, "SUSPEND"),
        (100, "SUSPEND"),
    ],
)
def test_the_four_bands(score: int, band: str) -> None:
    assert band_of(score) is Band(band)


def test_little_says_nothing() -> None:
    found = features([measure([])], {})
    assert found.keys() == FEATURES.keys()
    assert {n for n, v in found.items() if v is not None} <= {"hours_active", "acts_a_day"}
    assert not is_enough([measure([])])


def test_a_verdict_adds_up_and_names_its_reasons() -> None:
    busy = [measure([Act("task.start", n * 60.0, "DONE", number=1) for n in range(40)])]
    verdict = judge(model(9.0), features(busy, {}))
    assert (verdict.score, verdict.band) == (93, Band.SUSPEND)
    [reason] = verdict.reasons
    assert (reason.feature, reason.value, reason.weight) == ("acts_a_day", 40.0, 14.0)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 99},
        {"base": "1"},
        {"steps": {"unheard_of": {"thresholds": [], "values": [1.0], "unknown": 0.0}}},
        {"steps": {"acts_a_day": {"thresholds": [2.0, 1.0], "values": [1, 2, 3], "unknown": 0}}},
        {"steps": {"acts_a_day": {"thresholds": [1.0], "values": [1.0], "unknown": 0.0}}},
        {"steps": {"acts_a_day": {"thresholds": [1.0], "values": [0, 1], "unknown": 0.1}}},
        {"steps": {"acts_a_day": {"thresholds": [1.0], "values": [-1, 1], "unknown": 0.0}}},
        {"scale": [[0, 50], [1, 40]]},
        {"scale": [[0, -1], [1, 40]]},
        {"run": "me"},
    ],
)
def test_a_stored_model_is_only_numbers(change: dict[str, Any]) -> None:
    artefact = msgspec.json.decode(write_model(model(1.0))) | change
    with pytest.raises(ModelError):
        read_model(msgspec.json.encode(artefact))


def test_a_model_of_the_release_before_is_read_but_not_used() -> None:
    old = {"format": 1, "base": 0.5, "scale": [[0, 0], [9, 100]]}
    steps = {"devices": {"thresholds": [0.5], "values": [-1.0, 1.0], "unknown": 0.75}}
    read = read_model(msgspec.json.encode(old | {"steps": steps}))
    assert read.steps["devices"].add(None) == 0.75
    assert read.format != FORMAT


def test_examples_are_the_same_for_the_same_seed() -> None:
    assert examples(1, 7, 7) == examples(1, 7, 7)
    assert examples(1, 7, 7) != examples(2, 7, 7)


def test_what_is_not_known_adds_nothing() -> None:
    """Whoever's device, places or any half of their features are not known is not worse off."""
    first, random = read_model(FIRST_MODEL.read_bytes()), Random(5)
    accounts, _ = examples(4, 9, 10)
    norms = norms_of(accounts[:9])
    for found in (features(days[:5], norms) for days in accounts):
        score = judge(first, found).score
        for _ in range(5):
            unknown = set(random.sample(sorted(FEATURES), len(FEATURES) // 2))
            less = {name: None if name in unknown else value for name, value in found.items()}
            verdict = judge(first, less)
            assert verdict.score <= score
            assert not any(r.weight for r in verdict.reasons if r.feature in unknown)
    assert judge(first, dict.fromkeys(FEATURES)).score == 0
