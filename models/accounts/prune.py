"""Sign-ins, guesses and bans that have run out."""

from datetime import timedelta

from models.accounts.bans import prune_bans
from models.accounts.guesses import prune_guesses
from models.base.pruning import Prune, old

TOKENS = old("refresh_tokens", "expires_at", timedelta(), key="token_hash")
SIGN_INS = old("sign_ins", "expires_at", timedelta())

PRUNES: tuple[Prune, ...] = (TOKENS, SIGN_INS, prune_guesses, prune_bans)
