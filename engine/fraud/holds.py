"""What a held account is told."""

from datetime import datetime

from engine.core.outcome import Reason, Rejected
from engine.fraud.levels import Hold

_REFUSALS = {
    Hold.COOLDOWN: (Reason.COOLDOWN, "Too much at once. Wait a little."),
    Hold.CAPTCHA: (
        Reason.CAPTCHA_REQUIRED,
        "Solve the CAPTCHA of /v1/captcha and send it to /v1/me/captcha.",
    ),
    Hold.VERIFICATION: (
        Reason.VERIFICATION_REQUIRED,
        "Ask for a code at /v1/auth/verification-code and send it to /v1/auth/verify.",
    ),
    Hold.REAUTHENTICATION: (
        Reason.REAUTHENTICATION_REQUIRED,
        "Sign in again with your password.",
    ),
    Hold.SUSPENDED: (Reason.SUSPENDED, "This account is suspended. Write to support."),
}
_ENDS_BY_ITSELF = frozenset({Hold.COOLDOWN, Hold.SUSPENDED})


def refuse_held(hold: Hold, until: datetime | None) -> Rejected:
    """Why nothing can be started, and when or how that ends."""
    reason, detail = _REFUSALS[hold]
    return Rejected(reason, detail, until if hold in _ENDS_BY_ITSELF else None)
