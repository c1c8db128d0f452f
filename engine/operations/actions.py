from datetime import date

from msgspec import Struct

from engine.core.action import Action
from engine.core.outcome import Result


class FactsComputed(Result, frozen=True):
    """How many figures there are."""

    facts: int


class ComputeFacts(Action, frozen=True, tag="facts.compute"):
    """Compute the figures of a UTC day that is over."""

    results = (FactsComputed,)

    day: date


class IntentsPruned(Result, frozen=True):
    """How many rows are gone."""

    removed: int


class PruneIntents(Action, frozen=True, tag="intents.prune"):
    """Remove what was settled long ago."""

    results = (IntentsPruned,)


class PartitionsPrepared(Result, frozen=True):
    """What was done, by the names of partitions and files."""

    made: list[str]
    archived: list[str]
    written: list[str]
    dropped: list[str]


class PreparePartitions(Action, frozen=True, tag="partitions.prepare"):
    """Create the partitions of what comes, archive those whose time is over."""

    results = (PartitionsPrepared,)


class Violation(Struct, frozen=True):
    """A broken invariant, with some of the rows that break it."""

    invariant: str
    row_count: int
    examples: list[dict[str, str]]


class InvariantsChecked(Result, frozen=True):
    """What is broken, and what is late."""

    violations: list[Violation]
    overdue: list[Violation]


class CheckInvariants(Action, frozen=True, tag="invariants.check"):
    """Run the audit."""

    results = (InvariantsChecked,)


class AlertsChecked(Result, frozen=True):
    """The keys of what is wrong, and how many messages were sent."""

    wrong: list[str]
    told: int


class CheckAlerts(Action, frozen=True, tag="alerts.check"):
    """Look whether anything is wrong, and tell whom it concerns."""

    results = (AlertsChecked,)


class SummarySent(Result, frozen=True):
    """How many alerts it is about."""

    alerts: int


class SendSummary(Action, frozen=True, tag="alerts.summary"):
    """Send the day's summary of the alerts."""

    results = (SummarySent,)
