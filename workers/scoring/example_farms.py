"""Farms of polite programs, to try cohorts on: one program run for many accounts.

Each rests at night, leaves some tasks out, errs now and then and pauses as people do; what gives it
away is only that the others do the same.
"""

from random import Random

from engine.fraud.anomaly.acts import AD_DONE, MINE, TASK, TASK_ANSWER, TASK_READ, Act
from workers.scoring.example_world import (
    DAYS,
    OPEN_SECONDS,
    Diary,
    draw_tasks,
    make_device,
    make_ip,
    openings,
    pick_group,
)


class Program:
    """What one program does, whoever runs it."""

    def __init__(self, random: Random) -> None:
        self.pause = (random.gauss(1.6, 0.5), random.uniform(0.4, 0.9))
        self.answer = (random.gauss(1.5, 0.4), random.uniform(0.3, 0.7))
        self.read = (random.gauss(1.8, 0.6), random.uniform(0.4, 0.9))
        self.lag = (random.gauss(0.2, 0.5), random.uniform(0.3, 0.8))
        self.late = random.choice((60.0, 200.0, 500.0))
        self.left = random.uniform(0.04, 0.12)
        self.each = random.randrange(3, 7)


def farm(random: Random, size: int, *, networks: int, drift: float = 0.0) -> list[list[list[Act]]]:
    """Fourteen days of each account of a farm on so many networks; `drift` sets them apart."""
    program = Program(random)
    prefixes = [make_ip(random).rpartition(".")[0] for _ in range(networks)]
    return [_account(random, program, f"{prefixes[n % networks]}.{n}", drift) for n in range(size)]


def _account(random: Random, program: Program, ip: str, drift: float) -> list[list[Act]]:
    device, group, skill = make_device(random), pick_group(random), random.uniform(0.75, 0.97)
    asleep = random.randrange(6)
    shift = {name: random.gauss(0, drift) for name in ("pause", "answer", "read", "lag")}

    def wait(name: str) -> float:
        centre, spread = getattr(program, name)
        return random.lognormvariate(centre + shift[name], spread)

    def day() -> list[Act]:
        diary, tasks, number = Diary(device, ip), draw_tasks(random), 0
        for turn, opened in enumerate(openings(group)):
            if turn in (asleep, (asleep + 1) % 6) or random.random() < 0.08:
                continue
            phase = min(random.expovariate(1 / program.late) + 3, OPEN_SECONDS - 1)
            lag = wait("lag")
            at = opened + phase + 30 + lag
            diary.add(MINE, opened + phase, phase)
            diary.add(AD_DONE, at, lag)
            for kind in tasks[number : number + program.each]:
                number += 1
                at += 1 + wait("pause")
                if random.random() < program.left:
                    continue
                diary.add(TASK, at, number=number)
                if kind == "quiz":
                    thought = 1 + wait("answer")
                    at += thought
                    is_right = random.random() < skill
                    diary.answer(TASK_ANSWER, at, thought, is_right, random, number)
                else:
                    beyond = wait("lag" if kind == "ad" else "read")
                    at += 20 + beyond
                    done = AD_DONE if kind == "ad" else TASK_READ
                    diary.add(done, at, beyond, number=number)
        return diary.acts

    return [day() for _ in range(DAYS)]
