"""A town of people and farms, scored night by night as `workers/scoring/nightly.py` does it."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from benchmarks.populations import population
from benchmarks.populations.contract import NIGHTS, Account
from engine.core.money import MICRO_PER_TWTC
from engine.fraud.anomaly.acts import Day, measure
from engine.fraud.anomaly.bands import FLOORS, Band
from engine.fraud.anomaly.features import DAYS_MAX, Features, Norm, features, is_enough
from engine.fraud.anomaly.model import Model, judge
from engine.fraud.anomaly.norms import norms_of
from engine.ledger.vesting import Holder, Vesting, spendable_micro
from models.fraud.scoring import Week
from workers.scoring.nightly import Crowd

FLAGGED = FLOORS[Band.REVIEW]
FIRST_DAY = date(2026, 3, 1)
# What is not known of an account, by its state: features, and whether networks are.
STATES: Mapping[str, tuple[str, ...]] = {
    "as they are": (),
    "untracked": ("devices", "ips_a_day"),
    "no device token": ("devices",),
}
KINDS_TO_STOP = ("farm (i)", "farm (ii)")
MINED_MICRO = 100 * MICRO_PER_TWTC
BOOSTED_MICRO = 150 * MICRO_PER_TWTC


class Town(Struct):
    """Who lived, and from which of its own nights on each was held up, by state."""

    accounts: list[Account]
    nights: dict[str, dict[int, int]]
    in_cohorts: set[int]  # whom a cohort held up first

    @property
    def kinds(self) -> list[str]:
        """The kind of each account."""
        return [account.kind for account in self.accounts]

    def held(self, state: str, kind: str, by_night: int = NIGHTS) -> float:
        """The share of a kind's accounts that is held up by a night."""
        nights = self.nights[state]
        of_kind = [n for n, each in enumerate(self.accounts) if each.kind.startswith(kind)]
        return sum(nights.get(n, math.inf) <= by_night for n in of_kind) / max(1, len(of_kind))

    def cohorts(self, kind: str) -> float:
        """The share of a kind's accounts that a cohort held up first."""
        of_kind = [n for n, each in enumerate(self.accounts) if each.kind.startswith(kind)]
        return sum(n in self.in_cohorts for n in of_kind) / max(1, len(of_kind))

    def coins(self, kind: str) -> float:
        """The coins that could have left an account of a kind until it was held up, on average."""
        nights = self.nights["as they are"]
        of_kind = [n for n, each in enumerate(self.accounts) if each.kind.startswith(kind)]
        left = [_coins(self.accounts[n], nights.get(n)) for n in of_kind]
        return sum(left) / len(left) if left else 0.0


def live(model: Model, seed: int, people: int, farms: int) -> Town:
    """Let a town live, and score it every night."""
    accounts = population(seed, people, farms)
    days = [[measure(acts) for acts in account.days] for account in accounts]
    town = Town(accounts, {state: {} for state in STATES}, set())
    last = max(account.first_day for account in accounts) + NIGHTS
    for today in range(last):
        _score(town, days, model, today)
    return town


def _score(town: Town, days: Sequence[Sequence[Day]], model: Model, today: int) -> None:
    weeks: dict[int, list[Day]] = {}
    for place, account in enumerate(town.accounts):
        last = today - account.first_day
        if 0 <= last < NIGHTS and days[place][last].acts:
            lived = days[place][max(0, last + 1 - DAYS_MAX) : last + 1]
            weeks[place] = [day for day in lived if day.acts]
    norms = norms_of(list(weeks.values()))
    crowd = Crowd(FIRST_DAY + timedelta(days=today), len(weeks))
    for place, week in weeks.items():
        _judge(town, place, today, model, week, norms)
        crowd.add(place, Week(week, _registered_at(town.accounts[place]), None))
    for user_id, cohorts in crowd.every_cohort().items():
        if user_id not in town.nights["as they are"]:
            town.in_cohorts.add(user_id)
        _note(town, "as they are", user_id, today)
        _note(town, "no device token", user_id, today)
        # Of who objects no network is known; the rest of what cohorts look at is as it was.
        if any(cohort.shared != "network" for cohort in cohorts):
            _note(town, "untracked", user_id, today)


def _judge(
    town: Town, place: int, today: int, model: Model, week: list[Day], norms: Mapping[str, Norm]
) -> None:
    if not is_enough(week):
        return
    found = features(week, norms)
    for state, unknown in STATES.items():
        known: Features = {name: None if name in unknown else v for name, v in found.items()}
        if judge(model, known).score >= FLAGGED:
            _note(town, state, place, today)


def _note(town: Town, state: str, place: int, today: int) -> None:
    town.nights[state].setdefault(place, today - town.accounts[place].first_day + 1)


def _registered_at(account: Account) -> datetime:
    midnight = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
    return midnight + timedelta(days=account.first_day, seconds=account.registered_at)


def _coins(account: Account, night: int | None) -> float:
    """What could have left an account with both addresses verified, each day all that may.

    The night's work is done before the next day's limit begins.
    """
    rules, settled, gone = Vesting(), 0, 0
    acts_of: dict[int, list[str]] = defaultdict(list)
    for day, acts in enumerate(account.days):
        acts_of[day] = [act.kind for act in acts if act.result == "DONE"]
    for day in range(NIGHTS if night is None else min(night, NIGHTS)):
        settled += MINED_MICRO * acts_of[day].count("mining.start")
        settled += BOOSTED_MICRO * acts_of[day].count("boost.answer")
        holder = Holder(settled, 0, day, has_email=True, has_phone=True, score=None)
        left = spendable_micro(holder, rules)
        settled, gone = settled - left, gone + left
    return gone / MICRO_PER_TWTC
