"""What the timetable asks for on behalf of the whole installation."""

from datetime import date

from engine.action import Action


class OpenDay(Action, frozen=True, tag="day.open"):
    """Freeze the catalogue of a UTC day."""

    day: date


class ComputeFacts(Action, frozen=True, tag="facts.compute"):
    """Compute the figures of a UTC day that is over."""

    day: date


class RebalanceGroups(Action, frozen=True, tag="groups.rebalance"):
    """Even out the groups' sizes."""


class PruneIntents(Action, frozen=True, tag="intents.prune"):
    """Remove what was settled long ago."""


class PreparePartitions(Action, frozen=True, tag="partitions.prepare"):
    """Create the partitions of what comes, archive those whose time is over."""


class SyncVideos(Action, frozen=True, tag="videos.sync"):
    """Ask the providers which videos can still be shown, and how long they are."""


class FoldLedger(Action, frozen=True, tag="ledger.fold"):
    """Bring into the holdings what a worker of the release before wrote into the ledger."""


class ForgetPeople(Action, frozen=True, tag="people.forget"):
    """Erase what tells who the owners of closed accounts were."""


class SettleContacts(Action, frozen=True, tag="contacts.settle"):
    """Let changes of addresses take effect and end whose time has come."""


class CloseInactive(Action, frozen=True, tag="accounts.close_inactive"):
    """Close the accounts that nobody has used for two years."""


class RecheckVideos(Action, frozen=True, tag="videos.recheck"):
    """Ask the providers about the videos that several members' players could not show."""


class RefreshLists(Action, frozen=True, tag="lists.refresh"):
    """Fetch the lists of addresses with a reputation."""


class ScoreAccounts(Action, frozen=True, tag="accounts.score"):
    """Score what accounts did up to a UTC day that is over."""

    day: date


class TrainModel(Action, frozen=True, tag="model.train"):
    """Train the model that scores are made with."""

    day: date


class CheckInvariants(Action, frozen=True, tag="invariants.check"):
    """Run the audit."""


class CheckAlerts(Action, frozen=True, tag="alerts.check"):
    """Look whether anything is wrong, and tell whom it concerns."""


class SendSummary(Action, frozen=True, tag="alerts.summary"):
    """Send the day's summary of the alerts."""


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
