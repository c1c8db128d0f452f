"""What the domains keep of members, in the order in which it is loaded and stored."""

from models.ads.keep import KEEPS as OF_ADS
from models.boosts.keep import KEEPS as OF_BOOSTS
from models.fraud.keep import KEEPS as OF_FRAUD
from models.intents.batch import Keep
from models.mining.keep import KEEPS as OF_MINING
from models.tasks.keep import KEEPS as OF_TASKS

KEEPS: tuple[Keep, ...] = (*OF_MINING, *OF_ADS, *OF_BOOSTS, *OF_TASKS, *OF_FRAUD)
