"""Events that nobody repeats any more, and minutes that are over."""

from models.ads.events import prune_events
from models.ads.inventory import prune_requests
from models.base.pruning import Prune

PRUNES: tuple[Prune, ...] = (prune_events, prune_requests)
