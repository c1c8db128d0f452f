"""What nobody decided in time is ended."""

from models.admin.proposals import lapse_proposals
from models.base.pruning import Prune

PRUNES: tuple[Prune, ...] = (lapse_proposals,)
