"""People and programs to measure the score with, made another way than those it learns from.

People live by a clock of their own body: a rate of visits over the day, reaction times that are the
sum of a bell curve and an exponential tail (ex-Gaussian), interruptions, tiredness, moods.
Programs follow tactics of auto-clickers, macro recorders, emulator farms and hired hands.
"""

import math
from collections.abc import Callable, Mapping
from random import Random

from engine.fraud.anomaly.acts import Act, Day, measure

DAYS = 7
_DAY = 86_400.0
_OPENS = tuple(hour * 3600.0 for hour in range(0, 24, 4))


def population(seed: int, per_kind: int) -> Mapping[str, list[list[Day]]]:
    """Seven days of that many accounts of each kind, by name; people's begin with "person"."""
    random = Random(seed)
    return {
        name: [[measure(day) for day in make(random)] for _ in range(per_kind)]
        for name, make in KINDS.items()
    }


def _reaction(random: Random, mood: float, centre: float, tail: float) -> float:
    """Ex-Gaussian, in seconds, with a distraction now and then."""
    seconds = max(1.0, random.gauss(centre, centre * 0.25)) + random.expovariate(1 / tail)
    if random.random() < 0.06:
        seconds += random.uniform(20, 400)
    return seconds * mood


def _person(
    random: Random,
    peaks: tuple[float, ...],
    visits: float,
    centre: float,
    tail: float,
    knows: float,
    diligence: float,
) -> list[list[Act]]:
    centre *= random.uniform(0.7, 1.4)
    device = f"phone{random.getrandbits(32)}"
    networks = [f"net{random.getrandbits(32)}" for _ in range(random.choice((1, 2, 2, 3)))]
    days = []
    for _ in range(DAYS):
        mood = random.uniform(0.8, 1.3)
        acts: list[Act] = []
        number = 0
        for _ in range(_poisson(random, visits * random.uniform(0.6, 1.3))):
            at = (random.choice(peaks) + random.gauss(0, 1.4)) % 24 * 3600
            ip = random.choice(networks)
            number = _sitting(random, acts, at, number, mood, centre, tail, knows, diligence)
            acts[:] = [
                act
                if act.device
                else Act(act.kind, act.at, act.result, act.latency, act.number, device, ip)
                for act in acts
            ]
        days.append([act for act in acts if act.at < _DAY])
    return days


def _reminded(random: Random) -> list[list[Act]]:
    """Somebody who opens the app when the phone says that the window is open."""
    phase = random.uniform(600, 13_000)
    awake = [opened for opened in _OPENS if random.random() < 0.6] or [_OPENS[2]]
    centre, days = random.uniform(3, 7), []
    who = (f"phone{random.getrandbits(32)}", f"net{random.getrandbits(32)}")
    for _ in range(DAYS):
        acts: list[Act] = []
        number = 0
        for opened in awake:
            if random.random() < 0.8:
                at = opened + phase + min(2_000, random.paretovariate(1.2) * 20)
                number = _sitting(random, acts, at, number, 1.0, centre, 3.0, 0.75, 0.7)
        days.append(
            [Act(a.kind, a.at, a.result, a.latency, a.number, *who) for a in acts if a.at < _DAY]
        )
    return days


def _sitting(
    random: Random,
    acts: list[Act],
    at: float,
    number: int,
    mood: float,
    centre: float,
    tail: float,
    knows: float,
    diligence: float,
) -> int:
    opened = max(opens for opens in _OPENS if opens <= at)
    acts.append(Act("mining.start", at, "DONE", at - opened))
    lag = random.expovariate(1 / 1.5) + 0.3
    at += 60 + lag
    acts.append(Act("ad.complete", at, "FAILED" if random.random() < 0.06 else "DONE", lag))
    while random.random() < diligence and number < 20:
        at += _reaction(random, mood, centre, tail)
        number += 1
        place = number if random.random() < 0.85 else random.randrange(1, 21)
        if random.random() < 0.1:
            acts.append(Act("task.start", at, "LEFT", number=place))
            continue
        acts.append(Act("task.start", at, "DONE", number=place))
        if random.random() < 0.45:
            read = _reaction(random, mood, centre * 2, tail * 4)
            at += 20 + read
            acts.append(Act("task.complete", at, "DONE", read, place))
        else:
            thought = min(28.0, _reaction(random, mood, centre, tail))
            at += thought
            right = "DONE" if random.random() < knows else "WRONG"
            acts.append(Act("task.answer", at, right, thought, place))  # type: ignore[arg-type]
        mood *= 1.01
    if random.random() < 0.4:
        at += _reaction(random, mood, centre * 2, tail)
        left = random.random() < 0.15
        acts.append(Act("boost.start", at, "LEFT" if left else "DONE"))
        if not left:
            at += random.uniform(45, 240)
            thought = min(28.0, _reaction(random, mood, centre, tail))
            right = "DONE" if random.random() < knows else "WRONG"
            acts.append(Act("boost.answer", at + thought, right, thought))  # type: ignore[arg-type]
    return number


def _poisson(random: Random, mean: float) -> int:
    count, product = 0, random.random()
    while product > math.exp(-mean):
        count += 1
        product *= random.random()
    return count


def _of(*habits: float | tuple[float, ...]) -> Callable[[Random], list[list[Act]]]:
    return lambda random: _person(random, *habits)  # type: ignore[arg-type]


def _machine(
    random: Random,
    wait: Callable[[], float],
    *,
    opens: tuple[float, ...] = _OPENS,
    delay: Callable[[], float] = lambda: 1.0,
    right: float = 1.0,
    think: Callable[[], float] | None = None,
    tasks: int = 4,
    phones: int = 1,
    networks: int = 1,
) -> list[list[Act]]:
    think = think or wait
    who = [f"phone{random.getrandbits(32)}" for _ in range(phones)]
    where = [f"net{random.getrandbits(32)}" for _ in range(networks)]
    days = []
    for _ in range(DAYS):
        acts: list[Act] = []
        number = 0
        for opened in opens:
            late = delay()
            at, device, ip = opened + late, random.choice(who), random.choice(where)
            acts.append(Act("mining.start", at, "DONE", late, None, device, ip))
            lag = wait() / 4
            at += 60 + lag
            acts.append(Act("ad.complete", at, "DONE", lag, None, device, ip))
            for _ in range(tasks if number + tasks <= 20 else 0):
                number += 1
                at += wait()
                acts.append(Act("task.start", at, "DONE", None, number, device, ip))
                pause = think()
                if number % 2:
                    at += 20 + pause
                    acts.append(Act("task.complete", at, "DONE", pause, number, device, ip))
                else:
                    at += pause
                    result = "DONE" if random.random() < right else "WRONG"
                    acts.append(Act("task.answer", at, result, pause, number, device, ip))  # type: ignore[arg-type]
        days.append([act for act in acts if act.at < _DAY])
    return days


def _auto_clicker(random: Random) -> list[list[Act]]:
    """A tap every so many milliseconds, to the millisecond."""
    step = random.choice((1.5, 2.0, 2.5, 3.0))
    return _machine(random, lambda: step + random.gauss(0, 0.01))


def _randomised_clicker(random: Random) -> list[list[Act]]:
    """An auto-clicker with its "randomise" box ticked."""
    low = random.uniform(1.5, 4)
    return _machine(
        random, lambda: random.uniform(low, low * 1.8), delay=lambda: random.uniform(0, 45)
    )


def _macro(random: Random) -> list[list[Act]]:
    """A macro recorded once, replayed at the same times every day."""
    once = _person(random, (8.0, 13.0, 19.0), 3.0, 4.0, 4.0, 0.8, 0.8)[0]
    return [
        [
            Act(
                a.kind,
                a.at + random.uniform(-0.1, 0.1),
                a.result,
                a.latency,
                a.number,
                a.device,
                a.ip,
            )
            for a in once
        ]
        for _ in range(DAYS)
    ]


def _emulator_farm(random: Random) -> list[list[Act]]:
    """Emulators with changing identities behind residential proxies, day and night."""
    return _machine(
        random,
        lambda: random.triangular(1.2, 6, 2),
        delay=lambda: random.uniform(5, 300),
        right=0.95,
        phones=6,
        networks=20,
    )


def _answer_bot(random: Random) -> list[list[Act]]:
    """Reads the question from the screen and asks a language model: right, and always as fast."""
    return _machine(
        random,
        lambda: random.uniform(1.5, 5),
        right=0.98,
        think=lambda: random.gauss(2.2, 0.25),
        delay=lambda: random.uniform(0, 120),
        tasks=5,
    )


def _gaussian_bot(random: Random) -> list[list[Act]]:
    """Bell-curve delays and a night's sleep, to look like a person."""
    centre = random.uniform(3, 7)
    return _machine(
        random,
        lambda: abs(random.gauss(centre, centre * 0.15)) + 1,
        opens=_OPENS[2:],
        delay=lambda: abs(random.gauss(900, 200)),
        right=0.9,
    )


def _miner(random: Random) -> list[list[Act]]:
    """Only sessions, as each window opens, round the clock."""
    return _machine(random, lambda: 1.2, delay=lambda: random.uniform(0.2, 2.5), tasks=0)


def _hired_hand(random: Random) -> list[list[Act]]:
    """A person with a wall of phones: quick, practised, in shifts, always the same order."""
    start = random.choice(_OPENS[:3])
    return _machine(
        random,
        lambda: 1.1 + random.expovariate(1 / 1.3),
        opens=tuple(opens for opens in _OPENS if start <= opens < start + 12 * 3600),
        delay=lambda: random.uniform(20, 900),
        right=0.99,
        think=lambda: 0.8 + random.expovariate(1 / 0.7),
        tasks=7,
    )


KINDS: Mapping[str, Callable[[Random], list[list[Act]]]] = {
    "person: commuter": _of((8.0, 18.0), 2.5, 5.0, 3.0, 0.7, 0.75),
    "person: night owl": _of((22.0, 0.5, 2.0), 2.5, 4.5, 4.0, 0.75, 0.75),
    "person: keen": _of((7.0, 11.0, 15.0, 19.0, 22.0), 5.0, 3.2, 2.0, 0.9, 0.85),
    "person: slow": _of((10.0, 16.0), 1.8, 14.0, 10.0, 0.6, 0.6),
    "person: quick": _of((13.0, 17.0, 21.0), 3.5, 2.2, 1.5, 0.85, 0.85),
    "person: casual": _of((19.0,), 0.9, 6.0, 6.0, 0.65, 0.5),
    "person: reminded": _reminded,
    "program: auto-clicker": _auto_clicker,
    "program: randomised clicker": _randomised_clicker,
    "program: macro": _macro,
    "program: emulator farm": _emulator_farm,
    "program: answer bot": _answer_bot,
    "program: gaussian bot": _gaussian_bot,
    "program: miner": _miner,
    "program: hired hand": _hired_hand,
}
