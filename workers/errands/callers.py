"""All kinds of calls, each with who makes them."""

from workers.errands.contract import Caller
from workers.push.tell import TELL_PHONES

CALLERS: tuple[Caller, ...] = (TELL_PHONES,)
