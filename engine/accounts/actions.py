from engine.core.action import Action
from engine.core.outcome import Result


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
