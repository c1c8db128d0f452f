"""What workers do with accounts: settling changed addresses, closing, forgetting."""

from datetime import timedelta

from engine.accounts.actions import (
    CloseInactive,
    ContactsSettled,
    ForgetPeople,
    InactiveClosed,
    PeopleForgotten,
    SettleContacts,
)
from engine.core.action import Action
from engine.core.outcome import Result
from models.accounts.address_codes import prune_address_codes
from models.accounts.registrations import prune_registrations
from models.contacts.upkeep import settle_changes
from models.privacy.erasure import close_inactive, erase_due
from workers.chores import Chore, Work


async def _forget_people(action: ForgetPeople, work: Work) -> Result:
    await prune_registrations(work.database, work.now)
    await prune_address_codes(work.database, work.now)
    return PeopleForgotten(await erase_due(work.database, work.now))


async def _close_inactive(action: CloseInactive, work: Work) -> Result:
    return InactiveClosed(await close_inactive(work.database, work.shop.copies, work.now))


async def _settle_contacts(action: SettleContacts, work: Work) -> Result:
    settings = await work.shop.configurations.at(work.now)
    back_for = timedelta(days=settings.contact_back_days)
    copies = work.shop.copies
    return ContactsSettled(await settle_changes(work.database, copies, back_for, work.now))


CHORES: dict[type[Action], Chore] = {
    SettleContacts: _settle_contacts,
    ForgetPeople: _forget_people,
    CloseInactive: _close_inactive,
}
