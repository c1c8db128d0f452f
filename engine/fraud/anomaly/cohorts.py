"""Cohorts: young accounts that do the same, more of them than chance brings together.

One account that pauses like another is nothing. In a group of accounts that came together (on one
network, by one referrer, in the same days) a person has as many who are like them as the group is
large and as people like them are common elsewhere. An account of a farm has all others of its farm.
So each account's likes within a group are counted, and compared with those outside it (decision
0049).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from engine.fraud.anomaly.figures import mean, median
from engine.fraud.anomaly.traits import NAMES, WIDTH, WORDS, Gallery, Trait, variety

# Fewer are a family, a shared flat, friends who told each other.
LIKES_MIN = 8
# So many times more than expected, and so improbable by chance (in natural logarithms).
EXCESS_MIN = 4.0
IMPROBABLE = 16.0
# Without so many outside of a group nobody can say what is usual.
OUTSIDE_MIN = 60
# How much likelier two accounts are one program than two people (in natural logarithms).
LIKENESS_MIN = 2.0
# Who is in a cohort is nearer to its middle than chance lets its accounts lie, and so much likelier
# its program's than one of the people of the group.
APART_MAX = 2.0
SURE = 3.0
_HOPELESS = 50.0  # lost so much, nothing that follows makes up for it
_CELL = 0.6
_CELL_USUAL = 40  # accounts of a cell, about, by which the number of its sides is chosen
_CELL_MAX = 120  # of a cell, that each is compared with
_SIDES_MAX = 6

Cell = tuple[int | None, ...]


class Group(Struct, frozen=True):
    """Young accounts that have something in common: what it is, and their places."""

    shared: str
    places: Sequence[int]


class Cohort(Struct, frozen=True):
    """Accounts of a group that are alike, and how many of them each would have by chance.

    `shared` is what they have in common besides: "network", "referrer", "day" or "week".
    """

    shared: str
    users: tuple[int, ...]
    expected: float
    alike: tuple[str, ...]


class _Crowded(Struct, frozen=True):
    """How many likes an account has in a group, and how many it would have by chance."""

    likes: float
    expected: float


Row = Sequence[tuple[float, float]]  # values with their variances


def keys_of(found: Trait) -> list[tuple[str, object]]:
    """The groups that a young account belongs to."""
    day = int(found.registered)
    keys: list[tuple[str, object]] = [("network", network) for network in found.networks]
    keys += [("day", day), ("week", day // 7)]
    return [*keys, ("referrer", found.referrer)] if found.referrer is not None else keys


def groups_of(keys: Mapping[tuple[str, object], Sequence[int]]) -> list[Group]:
    """The groups that are large enough for a cohort."""
    return [Group(key[0], places) for key, places in keys.items() if len(places) > LIKES_MIN]


def find_cohorts(
    gallery: Gallery, groups: Iterable[Group], sample: Sequence[int]
) -> Iterator[Cohort]:
    """The cohorts of each group, in comparison with a sample of everybody."""
    if len(sample) < OUTSIDE_MIN:
        return
    everybody = _Everybody(gallery, sample)
    for group in groups:
        yield from _Search(gallery, group, everybody).cohorts()


def likeness(one: Row, other: Row, between: Sequence[float]) -> float:
    """How much likelier two accounts are one program than two people, as a logarithm.

    What is not known of either says nothing; what could be anything says little.
    """
    gain, loss = 1.0, 0.0
    for (value, variance), (other_value, other_variance), people in zip(
        one, other, between, strict=True
    ):
        error = variance + other_variance
        if error == math.inf or not people:
            continue
        apart = error + 2 * people
        gain *= apart / error
        loss += (value - other_value) ** 2 * (1 / error - 1 / apart)
        if loss > _HOPELESS:
            break
    return (math.log(gain) - loss) / 2


def is_excess(likes: float, expected: float) -> bool:
    """Whether so many are more than chance brings together (Chernoff's bound)."""
    if likes < max(LIKES_MIN, EXCESS_MIN * expected):
        return False
    return likes * math.log(likes / expected) - (likes - expected) >= IMPROBABLE


def _cells(gallery: Gallery, places: Iterable[int], sides: int, turn: int) -> dict[Cell, list[int]]:
    """Accounts by the cell that they are in, in a grid; the second lies half a cell apart."""
    cells: dict[Cell, list[int]] = defaultdict(list)
    values, variances, half = gallery.values, gallery.variances, turn / 2
    for place in places:
        first = place * WIDTH
        cell = tuple(
            math.floor(values[at] / _CELL + half) if variances[at] < math.inf else None
            for at in range(first, first + sides)
        )
        cells[cell].append(place)
    return cells


class _Everybody:
    """A sample of all accounts: how unlike they are, and what cells they are in."""

    def __init__(self, gallery: Gallery, sample: Sequence[int]) -> None:
        self.gallery, self.sample = gallery, sample
        self.between = variety(gallery, sample)
        self._grids: dict[tuple[int, int], dict[Cell, list[int]]] = {}

    def grid(self, sides: int, turn: int) -> dict[Cell, list[int]]:
        """The sample by its cells, sorted once."""
        if (sides, turn) not in self._grids:
            self._grids[sides, turn] = _cells(self.gallery, self.sample, sides, turn)
        return self._grids[sides, turn]


class _Search:
    """The search of one group. Only accounts in one cell, in either of two grids, are compared."""

    def __init__(self, gallery: Gallery, group: Group, everybody: _Everybody) -> None:
        self.gallery, self.group, self.everybody = gallery, group, everybody
        self.between = everybody.between
        self.members = set(group.places)
        inside = sum(place in self.members for place in everybody.sample)
        self.outside_count = len(everybody.sample) - inside
        cells = len(group.places) / _CELL_USUAL
        self.sides = min(_SIDES_MAX, max(1, math.ceil(math.log(max(cells, 1), 3))))

    def cohorts(self) -> list[Cohort]:
        """The group's cohorts."""
        if self.outside_count < OUTSIDE_MIN:
            return []
        found: dict[int, _Crowded] = {}
        joined: dict[int, int] = {}
        for turn in (0, 1):
            outside = self.everybody.grid(self.sides, turn)
            for cell, places in _cells(self.gallery, self.group.places, self.sides, turn).items():
                if len(places) > LIKES_MIN:
                    crowd = self._crowd(places, outside.get(cell, []))
                    for place, each in crowd.items():
                        if place not in found or found[place].likes < each.likes:
                            found[place] = each
                    _join(joined, list(crowd))
        sets: dict[int, list[int]] = defaultdict(list)
        for place in sorted(found, key=lambda place: -found[place].likes):
            sets[_root(joined, place)].append(place)
        return [self._cohort(kept, found) for each in sets.values() for kept in self._split(each)]

    def _crowd(self, places: list[int], outside: list[int]) -> dict[int, _Crowded]:
        """Those of a cell who have too many likes in the group."""
        row_of = {place: self.gallery.row(place) for place in places}
        others = [row_of[place] for place in _some(places)]
        outside = [place for place in outside if place not in self.members]
        strangers = [self.gallery.row(place) for place in _some(outside)]
        crowd: dict[int, _Crowded] = {}
        for place, row in row_of.items():
            likes = self._likes(row, others, len(places))
            if likes < LIKES_MIN:
                continue
            usual = sum(self._is_like(row, stranger) for stranger in strangers)
            # What a sample of them shows may be more: an error's worth, and one for what it lacks.
            share = (usual + math.sqrt(usual) + 1) / max(1, len(strangers))
            rate = max(share * len(outside), 1) / self.outside_count
            expected = rate * len(self.group.places)
            if is_excess(likes, expected):
                crowd[place] = _Crowded(likes, expected)
        return crowd

    def _split(self, left: list[int]) -> Iterator[list[int]]:
        """The programs among accounts whose likes are too many, from who has most of them on."""
        while len(left) > LIKES_MIN:
            rows = {place: self.gallery.row(place) for place in left}
            first = rows[left[0]]
            around = [
                row for row in rows.values() if likeness(first, row, self.between) >= LIKENESS_MIN
            ]
            centre = _centre([first, *around])
            rest = max(1, len(self.group.places) - len(around))
            odds = math.log(len(around) / rest) if around else -math.inf
            kept = {
                place
                for place, row in rows.items()
                if _apart(row, centre) <= APART_MAX
                and likeness(row, centre, self.between) + odds >= SURE
            }
            if len(kept) > LIKES_MIN:
                yield sorted(kept)
            left = [place for place in left[1:] if place not in kept]

    def _likes(self, row: Row, others: Sequence[Row], of: int) -> float:
        """How many of so many are like an account, by some of them; without itself."""
        like = sum(other is not row and self._is_like(row, other) for other in others)
        return like * of / len(others)

    def _is_like(self, one: Row, other: Row) -> bool:
        return likeness(one, other, self.between) >= LIKENESS_MIN

    def _cohort(self, places: list[int], found: Mapping[int, _Crowded]) -> Cohort:
        users = tuple(sorted(self.gallery.users[place] for place in places))
        expected = max(found[place].expected for place in places)
        own = variety(self.gallery, places)
        alike = dict.fromkeys(
            WORDS[name.removesuffix(".spread")]
            for name, inside, between in zip(NAMES, own, self.between, strict=True)
            if inside < between / 4
        )
        return Cohort(self.group.shared, users, round(expected, 2), tuple(alike))


def _some(places: Sequence[int]) -> Sequence[int]:
    """As many as each is compared with, at even distances."""
    return places[:: -(-len(places) // _CELL_MAX) or 1]


def _centre(rows: Sequence[Row]) -> Row:
    """The middle of accounts, with its error."""
    centre = []
    for column in zip(*rows, strict=True):
        known = [(value, variance) for value, variance in column if variance < math.inf]
        value, variance = median([v for v, _ in known]), mean([e for _, e in known])
        if value is None or variance is None:
            centre.append((0.0, math.inf))
        else:
            centre.append((value, 1.57 * variance / len(known)))
    return centre


def _apart(row: Row, centre: Row) -> float:
    """How far an account lies from a middle, as a multiple of what its errors let expect."""
    far = [
        (value - middle) ** 2 / (variance + error)
        for (value, variance), (middle, error) in zip(row, centre, strict=True)
        if variance + error < math.inf
    ]
    return mean(far) or 0.0


def _join(joined: dict[int, int], places: Sequence[int]) -> None:
    """Put accounts into one set."""
    for place in places[1:]:
        joined[_root(joined, place)] = _root(joined, places[0])


def _root(joined: dict[int, int], place: int) -> int:
    while joined.get(place, place) != place:
        place = joined[place]
    return place
