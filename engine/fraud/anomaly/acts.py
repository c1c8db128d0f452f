"""What a user did on a UTC day, and the measures of it that are kept (decision 0031).

Only acts that a person decides on count as acts: callbacks of networks and beats of players do not.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from engine.ads.actions import CompleteView, FailView
from engine.boosts.actions import AnswerBoost, StartBoost
from engine.core.action import kind_of
from engine.mining.actions import StartMining
from engine.tasks.actions import AnswerTask, CompleteTask, StartTask

Result = Literal["DONE", "WRONG", "REFUSED", "FAILED", "LEFT"]

# After so long a pause the next act begins a new visit.
VISIT_PAUSE_SECONDS = 1800.0
MINE, BOOST, TASK = kind_of(StartMining), kind_of(StartBoost), kind_of(StartTask)
AD_DONE, AD_FAILED = kind_of(CompleteView), kind_of(FailView)
BOOST_ANSWER, TASK_ANSWER = kind_of(AnswerBoost), kind_of(AnswerTask)
TASK_READ = kind_of(CompleteTask)
# The pause before one is the person's own.
STARTS = frozenset({MINE, BOOST, TASK})
ANSWERS = frozenset({BOOST_ANSWER, TASK_ANSWER})
# Enough for any real day; a flood of requests is for the limits to stop.
KEPT_MAX = 120


class Act(Struct, frozen=True, array_like=True):
    """One act. `at` is in seconds of the UTC day.

    `latency`, in seconds: of a mining.start since its window opened, of an ad.complete or
    task.complete beyond the least time it takes, of an answer since its question was shown.
    `network` is what the address belongs to, and `choice` the option that was taken of a question,
    counted as the question is stored.
    """

    kind: str
    at: float
    result: Result
    latency: float | None = None
    number: int | None = None  # of the task
    device: str | None = None
    ip: str | None = None
    network: str | None = None
    question: str | None = None
    choice: int | None = None


class Day(Struct, frozen=True):
    """The measures of one user's UTC day. Times in seconds; devices and IPs as short hashes.

    `devices`, `ips` and `networks` are None for who does not want to be tracked, and where nothing
    is known. What came after the first release has a default, for days measured before.
    """

    acts: int
    gaps: list[float]  # pauses before the starts within visits
    visits: list[float]  # when each visit began, in seconds of the day
    hours: list[int]  # acts in each hour of the day
    phases: list[float]  # of session starts, since the window opened
    ad_lags: list[float]
    reads: list[float]
    answers: list[float]
    right: int
    wrong: int
    refused: int
    ads: int
    ads_failed: int
    boosts: int
    boosts_left: int
    tasks: int
    tasks_left: int
    steps: int  # from one task to another
    steps_in_order: int
    devices: list[str] | None
    ips: list[str] | None
    networks: list[str] | None = None


def measure(acts: Sequence[Act], *, is_tracked: bool = True) -> Day:
    """The measures of one day's acts of one user, in any order."""
    ordered = sorted(acts, key=lambda act: act.at)
    gaps, visits = _pauses(ordered)
    hours = [0] * 24
    for act in ordered:
        hours[min(int(act.at // 3600), 23)] += 1
    answered = [a for a in ordered if a.kind in ANSWERS and a.result in ("DONE", "WRONG")]
    ads = [a for a in ordered if a.kind in (AD_DONE, AD_FAILED)]
    boosts = [a for a in ordered if a.kind == BOOST and a.result != "REFUSED"]
    tasks = [a for a in ordered if a.kind == TASK and a.result != "REFUSED"]
    numbers = [a.number for a in tasks if a.number is not None]
    pairs = itertools.pairwise(numbers)
    steps = [after - before for before, after in pairs if after != before]
    return Day(
        acts=len(ordered),
        gaps=gaps[:KEPT_MAX],
        visits=visits[:KEPT_MAX],
        hours=hours,
        phases=_latencies(ordered, MINE),
        ad_lags=_latencies(ordered, AD_DONE),
        reads=_latencies(ordered, TASK_READ),
        answers=[_rounded(a.latency) for a in answered if a.latency is not None][:KEPT_MAX],
        right=sum(a.result == "DONE" for a in answered),
        wrong=sum(a.result == "WRONG" for a in answered),
        refused=sum(a.result == "REFUSED" for a in ordered),
        ads=len(ads),
        ads_failed=sum(a.kind == AD_FAILED or a.result == "FAILED" for a in ads),
        boosts=len(boosts),
        boosts_left=sum(a.result == "LEFT" for a in boosts),
        tasks=len(tasks),
        tasks_left=sum(a.result == "LEFT" for a in tasks),
        steps=len(steps),
        steps_in_order=sum(step == 1 for step in steps),
        devices=_known(act.device for act in ordered) if is_tracked else None,
        ips=_known(act.ip for act in ordered) if is_tracked else None,
        networks=_known(act.network for act in ordered) if is_tracked else None,
    )


def _pauses(ordered: Sequence[Act]) -> tuple[list[float], list[float]]:
    """The pauses before starts within visits, and when the visits began."""
    gaps: list[float] = []
    visits: list[float] = []
    before: float = -math.inf
    for act in ordered:
        pause = act.at - before
        if pause >= VISIT_PAUSE_SECONDS:
            visits.append(_rounded(act.at))
        elif act.kind in STARTS:
            gaps.append(_rounded(pause))
        before = act.at
    return gaps, visits


def _latencies(ordered: Sequence[Act], kind: str) -> list[float]:
    return [
        _rounded(act.latency)
        for act in ordered
        if act.kind == kind and act.result != "REFUSED" and act.latency is not None
    ][:KEPT_MAX]


def _known(values: Iterable[str | None]) -> list[str] | None:
    return sorted({value for value in values if value is not None}) or None


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
