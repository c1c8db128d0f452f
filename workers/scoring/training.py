"""Training: a sum of steps, each of which can only add suspicion, as its feature points.

What is fitted are the rises at thresholds, none below zero, so that what is not known of an account
adds nothing, and to know less of it never raises its score. scipy fits them; what is kept are
numbers (engine.fraud.anomaly.model).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from engine.fraud.anomaly.acts import Day
from engine.fraud.anomaly.bands import FLOORS, SCORE_MAX, Band
from engine.fraud.anomaly.features import FEATURES, Features, Norm, features, is_enough, weeks_of
from engine.fraud.anomaly.model import FORMAT, Model, Steps, log_odds
from engine.fraud.anomaly.norms import norms_of

Numbers = NDArray[numpy.float64]

# What points neither way by itself adds nothing.
NAMES = tuple(name for name, feature in FEATURES.items() if feature.sign)
THRESHOLDS = 16
# How much the rises are held back, as a share of a row each.
RIDGE = 0.002
# No single feature adds more than this, so that no single habit holds anybody up.
STEP_MAX = 3.5
FOLDS = 4
NIGHTS_LEARNT = 3  # of each account
# Of people's worst nights, the shares below which they are normal and not to be reviewed.
NORMAL_SHARE, MONITOR_SHARE = 0.97, 0.998


def learn(accounts: Sequence[Sequence[Day]], labels: Sequence[bool], seed: int) -> Model:
    """A model of accounts by their days; what is usual is what is usual among the people of them.

    Scores are scaled by the worst night of people that the model has not seen.
    """
    people = [days for days, label in zip(accounts, labels, strict=True) if not label]
    norms = norms_of([days[:7] for days in people])
    nights = [_nights(days, norms) for days in accounts]
    kept = [place for place, found in enumerate(nights) if found]
    nights, wanted = [nights[i] for i in kept], numpy.array([labels[i] for i in kept])
    fold = numpy.random.default_rng(seed).integers(0, FOLDS, len(nights))
    worst = numpy.zeros(len(nights))
    for turn in range(FOLDS):
        model = _fit(nights, wanted, fold != turn)
        for place in numpy.flatnonzero(fold == turn).tolist():
            worst[place] = max(log_odds(model, found) for found in nights[place])
    whole = _fit(nights, wanted, fold >= 0)
    return Model(FORMAT, whole.base, whole.steps, _scale(whole.base, worst[~wanted], worst[wanted]))


def _nights(days: Sequence[Day], norms: Mapping[str, Norm]) -> list[Features]:
    """What is known of an account on each night on which it would be scored."""
    return [features(week, norms) for week in weeks_of(days) if is_enough(week)]


def _fit(nights: Sequence[list[Features]], wanted: NDArray[numpy.bool_], used: Any) -> Model:
    rows, labels = [], []
    for place in numpy.flatnonzero(used).tolist():
        found = nights[place]
        for turn in sorted({0, len(found) // 2, len(found) - 1})[:NIGHTS_LEARNT]:
            rows.append(found[turn])
            labels.append(bool(wanted[place]))
    return train(rows, labels)


def train(found: Sequence[Features], labels: Sequence[bool]) -> Model:
    """A model of features and whether each is a program's; its scale is still the log-odds'."""
    wanted = numpy.array(labels)
    table = {name: numpy.array([_number(each.get(name)) for each in found]) for name in NAMES}
    thresholds = {name: _thresholds(values) for name, values in table.items()}
    columns = [
        _beyond(table[name], at, FEATURES[name].sign) for name in NAMES for at in thresholds[name]
    ]
    base, rises = _rises(numpy.array(columns, dtype=numpy.float32).T, wanted)
    steps, first = {}, 0
    for name in NAMES:
        own = rises[first : first + len(thresholds[name])]
        first += len(thresholds[name])
        if own.sum() > 0.01:
            steps[name] = _steps(thresholds[name], own, FEATURES[name].sign)
    return Model(FORMAT, base, steps, [(0.0, 0.0), (1.0, 1.0)])


def _rises(table: NDArray[numpy.float32], wanted: NDArray[numpy.bool_]) -> tuple[float, Numbers]:
    """Logistic regression with no coefficient below zero; people and programs weigh alike."""
    weights = numpy.where(wanted, 0.5 / wanted.sum(), 0.5 / (~wanted).sum())
    signs = numpy.where(wanted, 1.0, -1.0)

    def loss(point: Numbers) -> tuple[float, Numbers]:
        odds = point[0] + table @ point[1:].astype(numpy.float32)
        pull = -signs * weights * expit(-signs * odds)
        value = float(weights @ numpy.logaddexp(0, -signs * odds) + RIDGE * point[1:] @ point[1:])
        slope = table.T @ pull.astype(numpy.float32) + 2 * RIDGE * point[1:]
        return value, numpy.concatenate(([pull.sum()], slope))

    start = numpy.zeros(table.shape[1] + 1)
    bounds = [(None, None), *[(0.0, None)] * table.shape[1]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), found.x[1:]


def _thresholds(values: Numbers) -> list[float]:
    known = values[numpy.isfinite(values)]
    if not len(known):
        return []
    places = numpy.linspace(0.01, 0.99, THRESHOLDS)
    return [float(at) for at in numpy.unique(numpy.quantile(known, places).round(6))]


def _beyond(values: Numbers, at: float, sign: int) -> NDArray[numpy.bool_]:
    """Which values lie beyond a threshold in the direction of a program; the unknown never do."""
    known = numpy.isfinite(values)
    return known & ((values > at) if sign > 0 else (values <= at))


def _steps(thresholds: list[float], rises: Numbers, sign: int) -> Steps:
    beyond = numpy.cumsum(rises) if sign > 0 else numpy.cumsum(rises[::-1])[::-1]
    values = [0.0, *beyond] if sign > 0 else [*beyond, 0.0]
    return Steps(thresholds, [round(min(float(v), STEP_MAX), 6) for v in values], 0.0)


def _scale(base: float, people: Numbers, programs: Numbers) -> list[tuple[float, float]]:
    """Log-odds to scores, by everybody's worst night: nearly all people stay below a review."""
    normal = float(numpy.quantile(people, NORMAL_SHARE))
    # Never by one feature alone, whatever the people that it learned from were like.
    monitor = max(float(numpy.quantile(people, MONITOR_SHARE)), base + STEP_MAX, normal + 0.1)
    anchors: Mapping[float, float] = {
        base - 0.1: 0,
        max(normal, base): FLOORS[Band.MONITOR] - 1,
        monitor: FLOORS[Band.REVIEW] - 1,
        max(monitor + 2.0, float(numpy.quantile(programs, 0.5))): FLOORS[Band.SUSPEND],
        max(monitor + 4.0, float(programs.max())): SCORE_MAX,
    }
    return sorted(anchors.items())


def _number(value: float | None) -> float:
    return numpy.nan if value is None else value
