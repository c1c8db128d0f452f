"""What is usual in a population."""

from collections.abc import Sequence

from engine.fraud.anomaly.acts import Day
from engine.fraud.anomaly.features import NORMED, Norm, norm_of, own_centre


def norms_of(accounts: Sequence[Sequence[Day]]) -> dict[str, Norm]:
    """What is usual in a population, by feature that is compared with it."""
    norms = {}
    for name in NORMED:
        centres = [own_centre([v for day in days for v in getattr(day, name)]) for days in accounts]
        norm = norm_of([centre for centre in centres if centre is not None])
        if norm is not None:
            norms[name] = norm
    return norms
