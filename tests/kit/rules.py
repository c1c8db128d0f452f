"""A member whom rules decide about, one intent after the other, without a database."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from uuid import UUID

from engine.ads.state import AdOffer, AdUnit, Proof, Purpose
from engine.content.library import Library, Question, Video
from engine.core.action import Action, Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member
from engine.core.outcome import Applied, Reason, Rejected
from engine.core.timeline import GROUP_COUNT, PRODUCTION, timetable
from engine.core.versions import Rates, Version
from engine.decide import decide
from tests.kit.words import START

USER, GROUP = 64, 1
UNIT = AdUnit(1, "house", "house-rewarded", Purpose.MINING, 1, 1, 60, Proof.BOTH, 0)
OPTIONS = {"en": ["one", "two", "three", "four"]}
QUESTIONS = {key: Question(key, {"en": key}, OPTIONS, 0) for key in ("first", "second")}
VIDEOS = {
    name: Video(name, 50, length, tuple(QUESTIONS))
    for name, length in {"a": 60, "b": 60, "c": 60, "d": 60, "unknown": None}.items()
}


class Life:
    """One member, and what became of each intent so far."""

    def __init__(self, *units: AdUnit, is_active: bool = True) -> None:
        self.member = Member(USER, is_active)
        self.conditions = Conditions(
            timetable(PRODUCTION),
            dict.fromkeys(range(1, GROUP_COUNT + 1), START),
            versions=(Version(1, datetime.min.replace(tzinfo=START.tzinfo), Rates()),),
            offers={AdOffer: AdOffer(units or (UNIT,)), Library: Library(VIDEOS, QUESTIONS)},
        )
        self._ids: Iterator[int] = count(1)

    def decide(self, action: Action, at: datetime) -> Decision:
        """Decide about an intent recorded at an instant; later ones see what it changed."""
        intent = Intent(USER % 64, UUID(int=next(self._ids)), GROUP, USER, action, at)
        decision = decide(self.member, intent, self.conditions)
        for entity in decision.changed:
            self.member.put(entity)
        return decision

    def applied(self, action: Action, at: datetime) -> Decision:
        """Decide about what must be granted."""
        decision = self.decide(action, at)
        assert isinstance(decision.outcome, Applied), decision.outcome
        return decision

    def refused(self, action: Action, at: datetime) -> tuple[Reason, datetime | None]:
        """Why it is refused, and when to come back."""
        decision = self.decide(action, at)
        assert isinstance(decision.outcome, Rejected), decision.outcome
        return decision.outcome.reason, decision.outcome.retry_at
