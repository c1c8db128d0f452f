"""A model of the anomaly score that looks at one figure."""

from engine.fraud.anomaly.model import FORMAT, Model, Steps


def model(odds_of_many_acts: float) -> Model:
    """A model that looks at nothing but the number of acts a day."""
    steps = {"acts_a_day": Steps([10.0], [0.0, odds_of_many_acts + 5.0], 0.0)}
    return Model(FORMAT, -5.0, steps, [(-10.0, 0.0), (0.0, 30.0), (10.0, 100.0)])
