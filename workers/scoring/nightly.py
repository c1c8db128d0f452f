"""The night's work: measure yesterday, score who did anything, and train a new model."""

import asyncio
import importlib.util
import logging
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from engine.core.timeline import BUCKET_COUNT, Timetable, bucket_of
from engine.fraud.actions import Sample, Scores
from engine.fraud.anomaly.acts import Day
from engine.fraud.anomaly.cohorts import Cohort, find_cohorts, groups_of, keys_of
from engine.fraud.anomaly.features import features, is_enough
from engine.fraud.anomaly.model import FORMAT, Model, ModelError, Verdict, judge, read_model
from engine.fraud.anomaly.norms import norms_of
from engine.fraud.anomaly.traits import Gallery, trait_of
from models.base.db import Database
from models.fraud.cohorts import store_cohorts
from models.fraud.scoring import (
    Trained,
    Week,
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
# Accounts are compared with each other while they are so young, and with a sample of everybody.
YOUNG = timedelta(days=30)
SAMPLE_MAX = 10_000


class Crowd:
    """What is known of a night's young accounts, and of a sample of all, to find cohorts in."""

    def __init__(self, day: date, expected: int) -> None:
        self.night = datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
        self.gallery = Gallery()
        self.keys: dict[tuple[str, object], list[int]] = defaultdict(list)
        self.sample: list[int] = []
        self.seen = 0
        self.stride = -(-expected // SAMPLE_MAX)

    def add(self, user_id: int, week: Week) -> None:
        """Look at an account. Whose is neither young nor in the sample is not kept."""
        self.seen += 1
        age = self.night - week.registered_at
        is_sampled, is_young = self.seen % self.stride == 0, age < YOUNG
        if not is_sampled and not is_young:
            return
        registered = week.registered_at.timestamp() / 86_400
        found = trait_of(user_id, week.days, registered, week.referrer)
        place = self.gallery.add(found)
        if is_sampled:
            self.sample.append(place)
        if is_young:
            for key in keys_of(found):
                self.keys[key].append(place)

    def every_cohort(self) -> dict[int, list[Cohort]]:
        """The cohorts of each user who is in any."""
        found: dict[int, list[Cohort]] = defaultdict(list)
        for cohort in find_cohorts(self.gallery, groups_of(self.keys), self.sample):
            for user_id in cohort.users:
                found[user_id].append(cohort)
        return found

    def cohorts(self) -> dict[int, dict[int, Cohort]]:
        """The largest cohort of each user who is in one, by bucket."""
        found: dict[int, dict[int, Cohort]] = defaultdict(dict)
        for user_id, cohorts in self.every_cohort().items():
            largest = max(cohorts, key=lambda cohort: len(cohort.users))
            found[bucket_of(user_id)][user_id] = largest
        return found


async def score_day(database: Database, table: Timetable, day: date, now: datetime) -> Scores:
    """Measure a UTC day, and score everybody who did enough in the seven days up to it."""
    measured = 0
    for bucket in range(BUCKET_COUNT):
        measured += await measure_bucket(database, table, bucket, day)
    trained = await model_in_use(database)
    if trained is None or not measured:
        return Scores(measured)
    norms = norms_of([week.days for week in await _sample(database, day)])
    crowd = Crowd(day, measured)
    scored = flagged = 0
    for bucket in range(BUCKET_COUNT):
        weeks = await read_weeks(database, bucket, day)
        verdicts: dict[int, Verdict] = {}
        for user_id, week in weeks.items():
            crowd.add(user_id, week)
            if is_enough(week.days):
                verdicts[user_id] = judge(trained.model, features(week.days, norms))
        if verdicts:
            scored += len(verdicts)
            flagged += await store_verdicts(database, bucket, day, verdicts, trained.version, now)
    cohorts = await asyncio.to_thread(crowd.cohorts)
    for bucket, of_users in cohorts.items():
        flagged += await store_cohorts(database, bucket, day, of_users, trained.version, now)
    return Scores(measured, scored, flagged, sum(map(len, cohorts.values())))


async def model_in_use(database: Database) -> Trained | None:
    """The latest model, or the one that the installation began with. None if it is spoiled.

    Models of an older format are left: the first one serves until the night trains another.
    """
    try:
        latest = await latest_model(database)
        if latest is not None and latest.model.format == FORMAT:
            return latest
        return Trained(0, read_model(FIRST_MODEL.read_bytes()))
    except ModelError as error:
        log.critical("nobody is scored: %s", error)
        return None


async def train_model(database: Database, day: date, now: datetime) -> Sample:
    """Train on the installation's people, once there are enough; until then the first model serves.

    Nothing without scipy, which is an optional group of dependencies.
    """
    weeks = [week.days for week in await _sample(database, day)]
    people = [days for days in weeks if is_enough(days)]
    if len(people) < PEOPLE_MIN:
        return Sample(len(people))
    if importlib.util.find_spec("scipy") is None:
        log.error("no model is trained: install the dependency group fraud on a worker")
        return Sample()
    model = await asyncio.to_thread(_train, people, day.toordinal())
    await store_model(database, model, len(people), now)
    return Sample(len(people))


def _train(people: list[list[Day]], seed: int) -> Model:
    from workers.scoring.training import learn  # scipy takes a second to import

    programs, labels = examples(seed, 0, len(people[:PEOPLE_MAX]))
    own = people[:PEOPLE_MAX]
    return learn([*programs, *own], [*labels, *[False] * len(own)], seed)


async def _sample(database: Database, day: date) -> list[Week]:
    """Weeks of some people of each bucket whom nobody suspects."""
    sample: list[Week] = []
    for bucket in range(BUCKET_COUNT):
        people = await find_people(database, bucket, day)
        weeks = await read_weeks(database, bucket, day)
        sample += [week for user_id, week in weeks.items() if user_id in people]
    return sample
