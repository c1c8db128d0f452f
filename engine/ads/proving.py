"""How long an ad may go unproved: the whole of it, for whatever it pays for.

What pays for an ad (`engine.ads.rules.Payee`) has an instant `expires_at`: one proof time after it
was begun. An ad reported as watched gives the network's callback one more, of a session never
beyond twice from its request. A proof counts by the instant with which it was recorded: before
`expires_at` it is in time, however late it is applied.

From `expires_at` on a proof is refused; but nothing is given up before it has lapsed (`lapses_at`),
since one that came in time may wait for its transaction. Then whoever starts anew gives up what was
left; and a session, for which nobody may ever ask again, is swept by the settlement
(`models/mining/settlement.py`): later still, for another server's clock, and not while a proof
recorded in time waits or is a dead letter.
"""

from datetime import datetime, timedelta

from engine.core.timeline import Timetable

# A proof has its instant before it is committed: it may wait so long for its transaction.
COMMIT_GRACE = timedelta(seconds=10)


def proof_time(table: Timetable) -> timedelta:
    """To watch an ad to its end; and again, for its callback to come."""
    return timedelta(seconds=table.timing.proof_seconds)


def lapses_at(expires_at: datetime | None) -> datetime | None:
    """From when on no proof that came before `expires_at` can still be on its way."""
    return None if expires_at is None else expires_at + COMMIT_GRACE
