"""What must hold of wallets and the ledger: who owns what, and where it came from and went."""

from collections.abc import Collection
from datetime import timedelta

from engine.core.transfer import EARNINGS, SPENDINGS, TransferType
from engine.ledger.vesting import ALLOWANCE_BEGINS

# The day whose allowance a spending took from (`engine.ledger.vesting.allowance_day`).
_HOURS = ALLOWANCE_BEGINS // timedelta(hours=1)
SPENT_ON = f"CAST((created_at - interval '{_HOURS} hours') AT TIME ZONE 'UTC' AS date)"


def _among(types: Collection[TransferType]) -> str:
    return f"IN ({', '.join(repr(str(type_)) for type_ in sorted(types))})"


_SPENT, _EARNED = _among(SPENDINGS), _among(EARNINGS)
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SIGNED = "CASE WHEN t.to_account = 'wallet:' || t.user_id THEN {0} ELSE -{0} END"
# Rows by funding: those that named none, or that a release before wrote, by their parts.
_BY_FUNDING = f"""
    SELECT t.bucket, t.user_id, t.type, COALESCE(p.funding, t.funding) AS funding,
           {_SIGNED.format("COALESCE(p.amount, t.amount)")} AS signed
    FROM transactions t
    LEFT JOIN entry_parts p ON p.bucket = t.bucket AND p.user_id = t.user_id AND p.entry_id = t.id
    WHERE t.bucket BETWEEN :first AND :last AND (t.is_posted OR p.entry_id IS NOT NULL)"""

INVARIANTS = {
    "settled balance = sum of the holdings, and of what is not folded in yet": f"""
        SELECT w.user_id, w.settled_balance, f.held, u.unposted FROM wallets w
        LEFT JOIN (SELECT bucket, user_id, CAST(sum(balance) AS bigint) AS held
                   FROM wallet_funds WHERE bucket BETWEEN :first AND :last
                   GROUP BY bucket, user_id) f
          ON f.bucket = w.bucket AND f.user_id = w.user_id
        LEFT JOIN (SELECT t.bucket, t.user_id,
                          CAST(sum({_SIGNED.format("t.amount")}) AS bigint) AS unposted
                   FROM transactions t
                   LEFT JOIN entry_parts p
                     ON p.bucket = t.bucket AND p.user_id = t.user_id AND p.entry_id = t.id
                   WHERE t.bucket BETWEEN :first AND :last
                     AND NOT t.is_posted AND p.entry_id IS NULL
                   GROUP BY t.bucket, t.user_id) u
          ON u.bucket = w.bucket AND u.user_id = w.user_id
        WHERE w.bucket BETWEEN :first AND :last
          AND w.settled_balance <> COALESCE(f.held, 0) + COALESCE(u.unposted, 0)
    """,
    "what is held and was earned of a funding = sum of its rows in the ledger": f"""
        SELECT f.user_id, f.funding, f.balance, f.earned, t.user_id AS of_ledger, t.held, t.earnings
        FROM (SELECT bucket, user_id, funding, balance, earned FROM wallet_funds
              WHERE bucket BETWEEN :first AND :last) f
        FULL JOIN
            (SELECT e.bucket, e.user_id, e.funding, CAST(sum(e.signed) AS bigint) AS held,
                    CAST(sum(CASE WHEN e.type {_EARNED} THEN e.signed ELSE 0 END) AS bigint)
                      AS earnings
             FROM ({_BY_FUNDING}) e GROUP BY e.bucket, e.user_id, e.funding) t
          ON t.bucket = f.bucket AND t.user_id = f.user_id AND t.funding = f.funding
        WHERE f.balance IS DISTINCT FROM t.held OR f.earned IS DISTINCT FROM t.earnings
    """,
    "what stands for a row of the ledger is as much, and a row without a funding has it": """
        SELECT t.id, t.amount, p.total FROM transactions t
        LEFT JOIN (SELECT bucket, user_id, entry_id, CAST(sum(amount) AS bigint) AS total
                   FROM entry_parts WHERE bucket BETWEEN :first AND :last
                   GROUP BY bucket, user_id, entry_id) p
          ON p.bucket = t.bucket AND p.user_id = t.user_id AND p.entry_id = t.id
        WHERE t.bucket BETWEEN :first AND :last
          AND (p.total <> t.amount OR p.total IS NULL AND t.is_posted
               AND t.funding IN ('adjustment', 'wallet'))
    """,
    "settled balance = sum of the ledger": """
        SELECT w.user_id, w.settled_balance, t.total FROM wallets w
        LEFT JOIN (SELECT bucket, user_id,
                          CAST(sum(CASE WHEN to_account = 'wallet:' || user_id THEN amount
                                        ELSE -amount END) AS bigint) AS total FROM transactions
                   WHERE bucket BETWEEN :first AND :last
                   GROUP BY bucket, user_id) t
          ON t.bucket = w.bucket AND t.user_id = w.user_id
        WHERE w.bucket BETWEEN :first AND :last AND w.settled_balance <> COALESCE(t.total, 0)
    """,
    "what was withdrawn = sum of the ledger's withdrawals": """
        SELECT w.user_id, w.total_withdrawn, t.total FROM wallets w
        LEFT JOIN (SELECT bucket, user_id, CAST(sum(amount) AS bigint) AS total
                   FROM transactions
                   WHERE bucket BETWEEN :first AND :last AND type = 'WITHDRAWAL'
                   GROUP BY bucket, user_id) t
          ON t.bucket = w.bucket AND t.user_id = w.user_id
        WHERE w.bucket BETWEEN :first AND :last AND w.total_withdrawn <> COALESCE(t.total, 0)
    """,
    "a day's spending is counted, and no other": f"""
        SELECT s.user_id, s.day, s.amount_micro, t.user_id AS spender_id, t.total FROM
            (SELECT bucket, user_id, day, amount_micro FROM spent_days
             WHERE bucket BETWEEN :first AND :last) s
        FULL JOIN
            (SELECT bucket, user_id, {SPENT_ON} AS day,
                    CAST(sum(amount) AS bigint) AS total
             FROM transactions
             WHERE bucket BETWEEN :first AND :last AND type {_SPENT}
               AND from_account = 'wallet:' || user_id
             GROUP BY bucket, user_id, {SPENT_ON}) t
          ON t.bucket = s.bucket AND t.user_id = s.user_id AND t.day = s.day
         AND t.total = s.amount_micro
        WHERE s.user_id IS NULL OR t.user_id IS NULL
    """,
    "what goes between members says which way, and of which sending": f"""
        SELECT user_id, reference, from_account FROM transactions
        WHERE bucket BETWEEN :first AND :last AND type = 'TRANSFER'
          AND (reference !~ '^xfer:(out|in|back):{_UUID}$'
               OR (reference LIKE 'xfer:out:%') <> (from_account = 'wallet:' || user_id))
    """,
    "what was sent, received or given back by an applied intent stands in the ledger": """
        SELECT i.id, i.kind, i.payload, t.total FROM
            (SELECT bucket, id, user_id, kind, payload,
                    CASE kind WHEN 'coins.send' THEN 'xfer:out:' || id
                              WHEN 'coins.receive' THEN 'xfer:in:' || (payload ->> 'sending_id')
                              ELSE 'xfer:back:' || (payload ->> 'sending_id') END AS reference
             FROM intents
             WHERE bucket BETWEEN :first AND :last AND status = 'APPLIED'
               AND kind IN ('coins.send', 'coins.receive', 'coins.return')) i
        LEFT JOIN (SELECT bucket, user_id, reference, CAST(sum(amount) AS bigint) AS total
                   FROM transactions
                   WHERE bucket BETWEEN :first AND :last AND type = 'TRANSFER'
                   GROUP BY bucket, user_id, reference) t
          ON t.bucket = i.bucket AND t.user_id = i.user_id AND t.reference = i.reference
        WHERE t.reference IS NULL
           OR i.kind = 'coins.send' AND t.total <> CAST(i.payload ->> 'amount_micro' AS bigint)
    """,
    "every user has a wallet": """
        SELECT u.id FROM users u
        LEFT JOIN wallets w ON w.bucket = u.bucket AND w.user_id = u.id
        WHERE u.bucket BETWEEN :first AND :last AND w.user_id IS NULL
    """,
}

OVERDUE = {
    "what a release before wrote is in the holdings in time": """
        SELECT t.id, t.user_id, t.created_at FROM transactions t
        LEFT JOIN entry_parts p
          ON p.bucket = t.bucket AND p.user_id = t.user_id AND p.entry_id = t.id
        WHERE t.bucket BETWEEN :first AND :last AND NOT t.is_posted AND t.created_at < :before
          AND p.entry_id IS NULL
    """,
}

# What is between members, by the sending (`engine.ledger.rules`): the last word of its reference.
_SENDING = "split_part(reference, ':', 3)"
_BETWEEN = """transactions
             WHERE bucket BETWEEN 0 AND 63 AND type = 'TRANSFER'
               AND created_at >= :since AND created_at < :until"""


def _going(way: str) -> str:
    return f"CAST(sum(CASE WHEN reference LIKE 'xfer:{way}:%' THEN amount ELSE 0 END) AS bigint)"


def _who(way: str, who: str) -> str:
    """The least and the greatest of those who are named: they are the same."""
    return f"min({who}) AS first_{way}, max({who}) AS last_{way}"


_SENDER = "CASE WHEN reference NOT LIKE 'xfer:in:%' THEN user_id END"
_RECEIVER = """CASE WHEN reference LIKE 'xfer:in:%' THEN CAST(user_id AS text)
                    WHEN reference LIKE 'xfer:out:%' THEN COALESCE(metadata ->> 'to_user_id', '')
                    END"""


def _undone(status: str) -> str:
    """By one status: each has its index."""
    return f"""
             SELECT split_part(key, ':', 3), 0, 1 FROM intents
             WHERE bucket BETWEEN 0 AND 63 AND status = '{status}' AND origin = 'follow-up'
               AND key LIKE 'xfer:%'"""


GLOBAL = {
    # Each funding for itself: all of them have come in, or all back, or none is there yet. In, to
    # whom they were sent; back, to whoever sent them.
    "what was sent to a member has arrived or come back, whole and once": f"""
        SELECT t.sending, sum(t.sent) AS sent, sum(t.received) AS received,
               sum(t.returned) AS returned
        FROM (SELECT {_SENDING} AS sending, funding, {_going("out")} AS sent,
                     {_going("in")} AS received, {_going("back")} AS returned,
                     {_who("sender", _SENDER)}, {_who("receiver", _RECEIVER)}
              FROM {_BETWEEN}
              GROUP BY {_SENDING}, funding) t
        GROUP BY t.sending
        HAVING NOT (bool_and(t.received = 0 AND t.returned = 0)
                    OR bool_and(t.received = t.sent AND t.returned = 0)
                    OR bool_and(t.received = 0 AND t.returned = t.sent))
            OR min(t.first_sender) <> max(t.last_sender)
            OR min(t.first_receiver) <> max(t.last_receiver)
    """,
    # Presence, not sums: for a moment both the follow-up and its intent are there.
    "what has left for a member and is not there is on its way": f"""
        SELECT x.sending FROM
            (SELECT {_SENDING} AS sending,
                    CASE WHEN reference LIKE 'xfer:out:%' THEN 1 ELSE 0 END AS sent,
                    CASE WHEN reference LIKE 'xfer:out:%' THEN 0 ELSE 1 END AS found
             FROM {_BETWEEN}
             UNION ALL
             SELECT split_part(e.entry ->> 2, ':', 3), 0, 1 FROM follow_ups f
             CROSS JOIN LATERAL jsonb_array_elements(f.entries) AS e (entry)
             WHERE f.bucket BETWEEN 0 AND 63 AND e.entry ->> 2 LIKE 'xfer:%'
             UNION ALL {_undone("RECORDED")}
             UNION ALL {_undone("FAILED")}) x
        GROUP BY x.sending HAVING sum(x.sent) > 0 AND sum(x.found) = 0
    """,
}
