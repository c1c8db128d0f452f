"""The night's work: measure yesterday, score who did anything, and train a new model."""

import asyncio
import importlib.util
import logging
from datetime import date, datetime
from pathlib import Path

from engine.anomaly.acts import Day
from engine.anomaly.features import features, is_enough
from engine.anomaly.model import Model, ModelError, Verdict, judge, read_model
from engine.anomaly.norms import norms_of
from engine.timeline import BUCKET_COUNT, Timetable
from models.db import Database
from models.scoring import (
    Trained,
    find_people,
    latest_model,
    measure_bucket,
    read_weeks,
    store_model,
    store_verdicts,
)
from workers.scoring.examples import examples

log = logging.getLogger(__name__)

# What `./run bench fraud --save` has written: trained on examples of people and programs.
FIRST_MODEL = Path(__file__).with_name("first_model.json")
# From so many people of its own on an installation needs no others to learn from.
PEOPLE_MIN = 2_100
PEOPLE_MAX = 6_300


async def score_day(
    database: Database, table: Timetable, day: date, now: datetime
) -> dict[str, int]:
    """Measure a UTC day, and score everybody who did enough in the seven days up to it."""
    measured = 0
    for bucket in range(BUCKET_COUNT):
        measured += await measure_bucket(database, table, bucket, day)
    trained = await model_in_use(database)
    if trained is None or not measured:
        return {"measured": measured, "scored": 0, "flagged": 0}
    norms = norms_of([week for _, week in await _sample(database, day)])
    scored = flagged = 0
    for bucket in range(BUCKET_COUNT):
        weeks = await read_weeks(database, bucket, day)
        verdicts: dict[int, Verdict] = {
            user_id: judge(trained.model, features(week, norms))
            for user_id, week in weeks.items()
            if is_enough(week)
        }
        if verdicts:
            scored += len(verdicts)
            flagged += await store_verdicts(database, bucket, day, verdicts, trained.version, now)
    return {"measured": measured, "scored": scored, "flagged": flagged}


async def model_in_use(database: Database) -> Trained | None:
    """The latest model, or the one that the installation began with. None if it is spoiled."""
    try:
        return await latest_model(database) or Trained(0, read_model(FIRST_MODEL.read_bytes()))
    except ModelError as error:
        log.critical("nobody is scored: %s", error)
        return None


async def train_model(database: Database, day: date, now: datetime) -> dict[str, int]:
    """Train on the installation's people, once there are enough; until then the first model serves.

    Nothing without scikit-learn, which is an optional group of dependencies.
    """
    people = [week for _, week in await _sample(database, day) if is_enough(week)]
    if len(people) < PEOPLE_MIN:
        return {"people": len(people)}
    if importlib.util.find_spec("sklearn") is None:
        log.error("no model is trained: install the dependency group fraud on a worker")
        return {}
    model = await asyncio.to_thread(_train, people, day.toordinal())
    await store_model(database, model, len(people), now)
    return {"people": len(people)}


def _train(people: list[list[Day]], seed: int) -> Model:
    from workers.scoring.training import learn  # scikit-learn takes a second to import

    programs, labels = examples(seed, 0, len(people[:PEOPLE_MAX]))
    own = people[:PEOPLE_MAX]
    return learn([*programs, *own], [*labels, *[False] * len(own)], seed)


async def _sample(database: Database, day: date) -> list[tuple[int, list[Day]]]:
    """Weeks of some people of each bucket whom nobody suspects."""
    sample: list[tuple[int, list[Day]]] = []
    for bucket in range(BUCKET_COUNT):
        people = await find_people(database, bucket, day)
        weeks = await read_weeks(database, bucket, day)
        sample += [(user_id, week) for user_id, week in weeks.items() if user_id in people]
    return sample
