"""The anomaly score: a sum of steps, one function for each feature, read from plain data.

A model is trained by workers/scoring and kept as JSON. Nothing in it can run: it is numbers,
checked when they are read. What each feature adds to the score is therefore exact (decision 0031).
"""

import itertools
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from engine.fraud.anomaly.bands import SCORE_MAX, Band, band_of
from engine.fraud.anomaly.features import FEATURES, Features

# What is trained today. Models of the first format are still read, but those gave what is not known
# of an account a weight of its own, so that they are not used any more.
FORMAT = 2
_READABLE = (1, FORMAT)
_STEPS_MAX = 5_000
# A reason that is no habit of the account's own (see cohorts). Its value is how many.
COHORT = "cohort"

Thresholds = Annotated[list[float], Meta(max_length=_STEPS_MAX)]
Values = Annotated[list[float], Meta(min_length=1, max_length=_STEPS_MAX + 1)]


class ModelError(ValueError):
    """The stored model is none of ours: it is not used."""


class Steps(Struct, frozen=True, forbid_unknown_fields=True):
    """What a feature adds: values[i] for thresholds[i-1] < x <= thresholds[i]."""

    thresholds: Thresholds
    values: Values
    unknown: float  # what is added where the feature is not known: nothing, but in old models

    def add(self, value: float | None) -> float:
        """What this value of the feature adds to the log-odds."""
        if value is None:
            return self.unknown
        return self.values[bisect_left(self.thresholds, value)]


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """Log-odds that an account is a program: `base` and a step for each feature.

    `scale` holds (log-odds, score) pairs, rising in both: the score lies between on straight lines.
    """

    format: int
    base: float
    steps: dict[str, Steps]
    scale: Annotated[list[tuple[float, float]], Meta(min_length=2, max_length=100)]


class Reason(Struct, frozen=True):
    """A feature's part in a score: `weight` in log-odds, above 0 for a program."""

    feature: str
    value: float | None
    weight: float


class Verdict(Struct, frozen=True):
    """A score from 0 to 100, its band, and the reasons, the weightiest first."""

    score: int
    band: Band
    reasons: list[Reason]


def read_model(artefact: bytes) -> Model:
    """A stored model. Raise ModelError for what cannot have been written by us."""
    try:
        model = msgspec.json.decode(artefact, type=Model)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModelError(f"a model that cannot be read: {error}") from None
    if model.format not in _READABLE:
        raise ModelError(f"a model of format {model.format}; this code reads {_READABLE}")
    unknown = set(model.steps) - set(FEATURES)
    if unknown:
        raise ModelError(f"a model with unknown features: {', '.join(sorted(unknown))}")
    for name, steps in model.steps.items():
        if len(steps.values) != len(steps.thresholds) + 1:
            raise ModelError(f"{name}: {len(steps.thresholds)} thresholds need one value more")
        if not _rises(steps.thresholds):
            raise ModelError(f"{name}: the thresholds do not rise")
        _check_finite(name, [*steps.thresholds, *steps.values, steps.unknown])
        if model.format == FORMAT and (steps.unknown != 0 or min(steps.values) < 0):
            raise ModelError(f"{name}: adds something where it is not known, or takes away")
    _check_finite("base", [model.base])
    for side, named in enumerate(("log-odds", "score")):
        points = [point[side] for point in model.scale]
        _check_finite(f"scale of {named}", points)
        if not _rises(points):
            raise ModelError(f"the scale does not rise in {named}")
    if model.scale[0][1] < 0 or model.scale[-1][1] > SCORE_MAX:
        raise ModelError(f"the scale leaves 0 to {SCORE_MAX}")
    return model


def write_model(model: Model) -> bytes:
    """A model as it is stored. Raise ModelError for one that could not be read again."""
    artefact = msgspec.json.encode(model)
    read_model(artefact)
    return artefact


def log_odds(model: Model, found: Features) -> float:
    """How much more likely these features are a program's than a person's."""
    return model.base + math.fsum(steps.add(found.get(n)) for n, steps in model.steps.items())


def score_of(model: Model, odds: float) -> int:
    """The score from 0 to 100 of log-odds, by the model's scale; rounded down."""
    points = model.scale
    if odds <= points[0][0]:
        return int(points[0][1])
    for (low, from_score), (high, to_score) in itertools.pairwise(points):
        if odds <= high:
            score = from_score + (to_score - from_score) * (odds - low) / (high - low)
            return min(int(score), SCORE_MAX)
    return int(points[-1][1])


def judge(model: Model, found: Features) -> Verdict:
    """The verdict on an account by its features."""
    reasons = [
        Reason(name, found.get(name), round(steps.add(found.get(name)), 4))
        for name, steps in model.steps.items()
    ]
    reasons.sort(key=lambda reason: (-abs(reason.weight), reason.feature))
    score = score_of(model, log_odds(model, found))
    return Verdict(score, band_of(score), reasons)


def in_words(reasons: Sequence[Mapping[str, Any]], at_most: int = 5) -> list[str]:
    """Stored reasons as a moderator reads them, the weightiest first, without what weighs nothing.

    Reasons of features that no longer exist keep their name.
    """
    lines = []
    for reason in reasons:
        if reason["feature"] == COHORT:
            lines.append(f"one of {reason['value']:.0f} accounts that look like one program's")
            continue
        if abs(reason["weight"]) < 0.05:
            continue
        feature = FEATURES.get(reason["feature"])
        words = feature.words if feature else reason["feature"]
        value = "not known" if reason["value"] is None else f"{reason['value']:.3g}"
        points_to = "a program" if reason["weight"] > 0 else "a person"
        lines.append(f"{words}: {value} ({reason['weight']:+.2f}, points to {points_to})")
    return lines[:at_most]


def _rises(values: Sequence[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise(values))


def _check_finite(what: str, values: Sequence[float]) -> None:
    if not all(math.isfinite(value) for value in values):
        raise ModelError(f"{what}: not a finite number")
