"""Training: boosted trees of one split each, which are a sum of steps per feature.

scikit-learn fits them; what is kept is the sum, as numbers (engine.anomaly.model). So the score
needs no library at run time, nothing stored can run, and what each feature adds is exact.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from engine.anomaly.acts import Day
from engine.anomaly.bands import FLOORS, SCORE_MAX, Band
from engine.anomaly.features import NAMES, Features, features
from engine.anomaly.model import FORMAT, Model, Steps
from engine.anomaly.norms import norms_of

# What is unknown gets a value below all others, and so a step of its own.
_UNKNOWN = -1e6
TREES = 300
FOLDS = 5


def train(found: Sequence[Features], labels: Sequence[bool], seed: int) -> Model:
    """A model of features and whether each is a program's."""
    table = numpy.array([[_number(each.get(name)) for name in NAMES] for each in found])
    wanted = numpy.array(labels)
    classifier = GradientBoostingClassifier(
        max_depth=1, n_estimators=TREES, learning_rate=0.1, subsample=0.7, random_state=seed
    )
    # Scores are scaled by what the model says of accounts that it has not seen.
    unseen = cross_val_predict(classifier, table, wanted, cv=FOLDS, method="decision_function")
    classifier.fit(table, wanted)
    base = float(classifier.init_.class_prior_[1])
    steps = _steps(classifier)
    return Model(
        format=FORMAT,
        base=float(numpy.log(base / (1 - base))),
        steps=steps,
        scale=_scale(unseen[~wanted], unseen[wanted]),
    )


def learn(accounts: Sequence[Sequence[Day]], labels: Sequence[bool], seed: int) -> Model:
    """A model of accounts; what is usual is what is usual among the people of them."""
    people = [days for days, label in zip(accounts, labels, strict=True) if not label]
    norms = norms_of(people)
    return train([features(days, norms) for days in accounts], labels, seed)


def _number(value: float | None) -> float:
    return _UNKNOWN if value is None else value


def _steps(classifier: GradientBoostingClassifier) -> dict[str, Steps]:
    """The sum of all trees that split by a feature, as one function of steps."""
    splits: dict[str, list[tuple[float, float, float]]] = {}
    for (regressor,) in classifier.estimators_:
        tree = regressor.tree_
        if tree.node_count == 1:
            continue
        left, right = tree.value[1][0][0], tree.value[2][0][0]
        rate = classifier.learning_rate
        split = (float(tree.threshold[0]), rate * float(left), rate * float(right))
        splits.setdefault(NAMES[tree.feature[0]], []).append(split)
    return {name: _sum(found) for name, found in splits.items()}


def _sum(splits: Sequence[tuple[float, float, float]]) -> Steps:
    thresholds = sorted({threshold for threshold, _, _ in splits})
    values = [0.0] * (len(thresholds) + 1)
    for threshold, left, right in splits:
        place = bisect_left(thresholds, threshold)
        for index in range(len(values)):
            values[index] += left if index <= place else right
    return Steps(thresholds, values, values[0])


def _scale(people: Sequence[float], programs: Sequence[float]) -> list[tuple[float, float]]:
    """Log-odds to scores: nearly all people stay below the band of review."""
    normal, monitor = numpy.quantile(people, 0.97), numpy.quantile(people, 0.997)
    anchors: Mapping[float, float] = {
        float(min(people)): 0,
        float(normal): FLOORS[Band.MONITOR] - 1,
        float(monitor): FLOORS[Band.REVIEW] - 1,
        float(max(monitor + 2.0, numpy.quantile(programs, 0.25))): FLOORS[Band.SUSPEND],
        float(max(monitor + 4.0, max(programs))): SCORE_MAX,
    }
    return _rising(sorted(anchors.items()))


def _rising(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    for odds, score in points:
        if not kept or (odds > kept[-1][0] and score > kept[-1][1]):
            kept.append((odds, float(score)))
    return kept
