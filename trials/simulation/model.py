"""The product once more, in few words and with none of its code: what everybody must own.

It is told what was recorded, with which instants, and in which order it took effect; never what
came of it. From this it says what becomes of each intent, and of each session, boost, task and
balance, to the micro-TWTC. It uses no rule of `engine/`, nor a constant: they are the blueprint's,
written down a second time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from trials.simulation.accounts import (
    AD_SECONDS,
    LATE_COMMIT,
    PROOF,
    REWARD,
    Account,
    Hold,
    Intent,
    Session,
    Task,
    View,
    give_up,
    lose,
    pay,
)
from trials.simulation.facts import Facts
from trials.simulation.model_earnings import EARNING_RULES, is_watching, pay_task
from trials.simulation.model_sendings import Transit, sending_rules

CYCLE = timedelta(hours=4)
GROUPS = 10
WINDOW = timedelta(minutes=24)
SWEPT_AFTER = timedelta(seconds=90)
HELD_FOR = {"COOLDOWN": timedelta(minutes=15), "CAPTCHA": timedelta(days=7)}
HELD_FOR |= {"SUSPENDED": timedelta(days=1)}
TRIES = 3
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)


class Model:
    """All accounts, and how far each piece has been credited."""

    def __init__(self, accounts: Sequence[Account], facts: Facts, since: datetime) -> None:
        self.accounts = {account.user: account for account in accounts}
        self.facts = facts
        self.verdicts: dict[UUID, str] = {}
        self.transit: Transit = {}
        self._since = since
        self._credited: dict[tuple[int, int], datetime] = {}
        self._rules = (
            EARNING_RULES
            | sending_rules(self.transit)
            | {
                "mining.start": start_mining,
                "ad.start": on_view,
                "ad.complete": on_view,
                "ad.confirm": on_view,
                "ad.fail": on_view,
            }
        )

    def record(self, place: int, intent: Intent) -> None:
        """An intent was committed."""
        if intent.user is not None:
            self._account(intent.user).waiting[intent.id] = place, intent

    def hold(self, user: int, hold: str, until: datetime) -> None:
        """What looks wrong is not the model's business: it is told, just before the batch."""
        self.accounts[user].hold = Hold(until - HELD_FOR[hold], until)

    def complete(self, intents: Sequence[Intent], sweeps: Sequence[int]) -> None:
        """A batch took effect: members' intents, then ticks and settlements, in their order."""
        cuts = iter(sweeps)
        for intent in intents:
            piece = intent.bucket, intent.group
            if intent.user is not None:
                rule = self._rules[intent.kind]
                self.verdicts[intent.id] = rule(self.facts, self._account(intent.user), intent)
            elif intent.kind == "mining.credit":
                self._tick(piece, datetime.fromisoformat(intent.body["boundary"]))
            elif intent.kind == "mining.settle":
                self._settle(piece, datetime.fromisoformat(intent.body["boundary"]), next(cuts))
        for intent in intents:
            if intent.user is not None:
                account = self._account(intent.user)
                account.waiting.pop(intent.id, None)
                if account.hold is not None:
                    account.hold = Hold(MIDNIGHT, account.hold.until)

    def _account(self, user: int) -> Account:
        """Somebody's; or of an id that nobody has."""
        return self.accounts.get(user) or Account(user, 0, is_somebody=False)

    def _tick(self, piece: tuple[int, int], boundary: datetime) -> None:
        bucket, group = piece
        stands_for_all = group == 1 + bucket % GROUPS
        for paid in range(1, GROUPS + 1) if stands_for_all else [group]:
            through = self._credited.get((bucket, paid), self._since)
            self._credited[bucket, paid] = max(boundary, through)

    def balance(self, account: Account) -> int:
        """The ledger's sum, and what running sessions have earned by the last tick."""
        earned = 0
        for session in account.sessions.values():
            if session.status == "ACTIVE" and session.started is not None:
                at = self._credited.get((account.bucket, session.group), self._since)
                elapsed = min(max(at - session.started, timedelta(0)), CYCLE)
                earned += REWARD * (elapsed // US) // (CYCLE // US)
        return sum(account.held.values()) + earned

    def _settle(self, piece: tuple[int, int], boundary: datetime, seen: int) -> None:
        for account in self.accounts.values():
            for session in account.sessions.values():
                if (account.bucket, session.group) != piece:
                    continue
                if session.status == "ACTIVE" and session.ends and session.ends <= boundary:
                    session.status = "COMPLETED"
                    pay(account, REWARD, "house")
                expires = session.expires
                if expires is None or expires > boundary - SWEPT_AFTER:
                    continue
                if not any(
                    place < seen and intent.at < expires and intent.group == session.group
                    for place, intent in account.waiting.values()
                ):
                    give_up(account, session)


def window_of(group: int, at: datetime) -> datetime | None:
    """When the group's open window opened; None while it is closed."""
    phase = (group - 1) * WINDOW
    opened = at - (at - MIDNIGHT - phase) % CYCLE
    return opened if at < opened + WINDOW else None


def start_mining(facts: Facts, account: Account, intent: Intent) -> str:
    """In the window, one session at a time; what was never proved makes room."""
    at, sessions = intent.at, account.sessions.values()
    if any(s.expires is not None and at < s.expires + LATE_COMMIT for s in sessions):
        return "AD_IN_PROGRESS"
    window = window_of(intent.group, at)
    if window is None:
        return "WINDOW_CLOSED"
    has_one = any(s.window == window and s.started for s in sessions)
    if has_one or any(s.ends and s.ends > window + WINDOW + 2 * PROOF for s in sessions):
        return "ALREADY_MINING"
    for session in sessions:
        if session.expires is not None:
            give_up(account, session)
    session = Session(intent.id, intent.group, window, at, at + PROOF, intent.id)
    account.sessions[intent.id] = session
    account.views[intent.id] = View(session, AD_SECONDS)
    return "APPLIED"


def on_view(facts: Facts, account: Account, intent: Intent) -> str:
    """Reports on an ad, and its network's callback."""
    view = account.views.get(UUID(intent.body["view_id"]))
    if view is None:
        return "VIEW_UNKNOWN"
    if view.status != "OPEN":
        return "AD_EXPIRED" if view.expired else "VIEW_CLOSED"
    owner, at = view.owner, intent.at
    if owner.expires is not None and at >= owner.expires:
        if at >= owner.expires + LATE_COMMIT:
            give_up(account, owner)
        return "AD_EXPIRED"
    match intent.kind:
        case "ad.start":
            return _begin(account, view, at)
        case "ad.fail":
            return _show_another(account, view, intent)
        case "ad.confirm":
            if view.confirmed:
                return "VIEW_CLOSED"
            if (intent.body.get("seconds") or view.seconds) < view.seconds:
                return "AD_TOO_SHORT"
            view.confirmed = at
        case _:
            if view.started is None:
                return "AD_NOT_STARTED"
            if view.completed:
                return "APPLIED"
            if at - view.started < timedelta(seconds=view.seconds):
                view.status = "FAILED"
                lose(owner)
                return "AD_TOO_SHORT"
            view.completed = at
    if view.completed and view.confirmed:
        view.status = "VERIFIED"
        _earn(facts, account, owner, at)
    elif view.completed:
        owner.expires = at + PROOF
        if isinstance(owner, Session):
            owner.expires = min(at + PROOF, owner.requested + 2 * PROOF)
    return "APPLIED"


def _begin(account: Account, view: View, at: datetime) -> str:
    """One ad after the other; a video is given up for it."""
    if view.started is None:
        if is_watching(account, at, at + timedelta(seconds=view.seconds)):
            return "AD_IN_PROGRESS"
        view.started = at
        for boost in account.boosts.values():
            over = boost.started + timedelta(seconds=boost.seconds)
            if boost.status == "WATCHING" and boost.started <= at < over:
                boost.status = "FAILED"
    return "APPLIED"


def _show_another(account: Account, view: View, intent: Intent) -> str:
    view.status = "FAILED"
    if view.tries == TRIES:
        lose(view.owner)
        return "AD_UNAVAILABLE"
    account.views[intent.id] = View(view.owner, view.seconds, view.tries + 1)
    view.owner.view = intent.id
    return "APPLIED"


def _earn(facts: Facts, account: Account, owner: Session | Task, at: datetime) -> None:
    if isinstance(owner, Task):
        pay_task(facts, account, owner, at)
        return
    ends = [s.ends for s in account.sessions.values() if s.ends]
    owner.started = max([at, *ends])
    owner.ends, owner.expires, owner.status = owner.started + CYCLE, None, "ACTIVE"
