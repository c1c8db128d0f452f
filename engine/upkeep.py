"""What the timetable asks for on behalf of the whole installation."""

from datetime import date

from msgspec import UNSET, Struct, UnsetType

from engine.action import Action
from engine.outcome import Result


class DayOpened(Result, frozen=True):
    """Whether this was the first to open it."""

    opened: bool


class OpenDay(Action, frozen=True, tag="day.open"):
    """Freeze the catalogue of a UTC day."""

    results = (DayOpened,)

    day: date


class FactsComputed(Result, frozen=True):
    """How many figures there are."""

    facts: int


class ComputeFacts(Action, frozen=True, tag="facts.compute"):
    """Compute the figures of a UTC day that is over."""

    results = (FactsComputed,)

    day: date


class GroupsRebalanced(Result, frozen=True):
    """How many members changed their group."""

    moved: int


class RebalanceGroups(Action, frozen=True, tag="groups.rebalance"):
    """Even out the groups' sizes."""

    results = (GroupsRebalanced,)


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


class LookedUp(Struct, frozen=True):
    """What became of one provider's videos: why it was not asked, or why no further."""

    skipped: str | UnsetType = UNSET
    videos: int | UnsetType = UNSET
    stopped: str | UnsetType | None = UNSET
    checked: int | UnsetType = UNSET
    unclear: int | UnsetType = UNSET
    activated: int | UnsetType = UNSET
    deactivated: int | UnsetType = UNSET


class VideosChecked(Result, frozen=True):
    """What became of each provider's videos."""

    youtube: LookedUp | UnsetType = UNSET
    own: LookedUp | UnsetType = UNSET


class SyncVideos(Action, frozen=True, tag="videos.sync"):
    """Ask the providers which videos can still be shown, and how long they are."""

    results = (VideosChecked,)


class LedgerFolded(Result, frozen=True):
    """How many rows of the ledger were brought in."""

    folded: int


class FoldLedger(Action, frozen=True, tag="ledger.fold"):
    """Bring into the holdings what a worker of the release before wrote into the ledger."""

    results = (LedgerFolded,)


class PeopleForgotten(Result, frozen=True):
    """How many were erased."""

    forgotten: int


class ForgetPeople(Action, frozen=True, tag="people.forget"):
    """Erase what tells who the owners of closed accounts were."""

    results = (PeopleForgotten,)


class ContactsSettled(Result, frozen=True):
    """How many changes took effect or came to their end."""

    settled: int


class SettleContacts(Action, frozen=True, tag="contacts.settle"):
    """Let changes of addresses take effect and end whose time has come."""

    results = (ContactsSettled,)


class InactiveClosed(Result, frozen=True):
    """How many accounts were closed."""

    closed: int


class CloseInactive(Action, frozen=True, tag="accounts.close_inactive"):
    """Close the accounts that nobody has used for two years."""

    results = (InactiveClosed,)


class RecheckVideos(Action, frozen=True, tag="videos.recheck"):
    """Ask the providers about the videos that several members' players could not show."""

    results = (VideosChecked,)


class ListsRefreshed(Result, frozen=True):
    """The lengths of the lists that were fetched."""

    lists: dict[str, int]


class RefreshLists(Action, frozen=True, tag="lists.refresh"):
    """Fetch the lists of addresses with a reputation."""

    results = (ListsRefreshed,)


class Scores(Struct, frozen=True):
    """How many accounts were measured, scored, flagged anew, and found in a cohort."""

    measured: int
    scored: int = 0
    flagged: int = 0
    in_cohorts: int = 0


class AccountsScored(Result, frozen=True):
    """How far the scores of a day have come."""

    scores: Scores


class ScoreAccounts(Action, frozen=True, tag="accounts.score"):
    """Score what accounts did up to a UTC day that is over."""

    results = (AccountsScored,)

    day: date


class Sample(Struct, frozen=True):
    """How many people did enough; nothing where no model can be trained."""

    people: int | UnsetType = UNSET


class ModelTrained(Result, frozen=True):
    """On whom a model was trained, or would have been."""

    model: Sample


class TrainModel(Action, frozen=True, tag="model.train"):
    """Train the model that scores are made with."""

    results = (ModelTrained,)

    day: date


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


UpkeepAction = (
    OpenDay
    | ComputeFacts
    | RebalanceGroups
    | PruneIntents
    | PreparePartitions
    | SyncVideos
    | RecheckVideos
    | SettleContacts
    | FoldLedger
    | ForgetPeople
    | CloseInactive
    | RefreshLists
    | ScoreAccounts
    | TrainModel
    | CheckInvariants
    | CheckAlerts
    | SendSummary
)
