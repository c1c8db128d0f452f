from datetime import date
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from engine.core.action import Action
from engine.core.outcome import Nothing, Result


class ListsRefreshed(Result, frozen=True):
    """The lengths of the lists that were fetched."""

    lists: dict[str, int]


class RefreshLists(Action, frozen=True, tag="lists.refresh"):
    """Fetch the lists of addresses with a reputation."""

    results = (ListsRefreshed,)


class Scores(Struct, frozen=True):
    """How many accounts were measured, scored, flagged anew, and found in a cohort."""

    measured: int
    scored: int = 0
    flagged: int = 0
    in_cohorts: int = 0


class AccountsScored(Result, frozen=True):
    """How far the scores of a day have come."""

    scores: Scores


class ScoreAccounts(Action, frozen=True, tag="accounts.score"):
    """Score what accounts did up to a UTC day that is over."""

    results = (AccountsScored,)

    day: date


class Sample(Struct, frozen=True):
    """How many people did enough; nothing where no model can be trained."""

    people: int | UnsetType = UNSET


class ModelTrained(Result, frozen=True):
    """On whom a model was trained, or would have been."""

    model: Sample


class TrainModel(Action, frozen=True, tag="model.train"):
    """Train the model that scores are made with."""

    results = (ModelTrained,)

    day: date


class FlagUser(Action, frozen=True, tag="fraud.flag"):
    """Something that no single intent shows: too many accounts on a device, a high score."""

    results = (Nothing,)

    event: str
    severity: str
    details: dict[str, Any]
    hold: str | None = None
    level: int = 0
