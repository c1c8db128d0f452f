"""What the domains do in workers, found in `workers/<domain>.py` under fixed names."""

from engine.core.action import Action
from engine.core.found import found_in, gathered, merged
from engine.domains import DOMAINS
from workers.chores import Chore
from workers.offers import Offer
from workers.ticks import Tick

TICKS: dict[type[Action], Tick] = merged(found_in("workers", DOMAINS, None, "TICKS"))
CHORES: dict[type[Action], Chore] = merged(found_in("workers", DOMAINS, None, "CHORES"))
OFFERS: tuple[Offer, ...] = gathered(found_in("workers", DOMAINS, None, "OFFERS"))
AFTERWARDS: tuple[Offer, ...] = gathered(found_in("workers", DOMAINS, None, "AFTERWARDS"))
