"""Invariants of wallets and the ledger: who owns what, and where it came from and went.

Each is a query of the rows that break it (see `models.operations.invariants`).
"""

from datetime import timedelta

from engine.core.transfer import SPENDINGS
from engine.ledger.vesting import ALLOWANCE_BEGINS
from models.mining.credit import accrued_sql

# The day whose allowance a spending took from (`engine.ledger.vesting.allowance_day`).
_HOURS = ALLOWANCE_BEGINS // timedelta(hours=1)
SPENT_ON = f"CAST((created_at - interval '{_HOURS} hours') AT TIME ZONE 'UTC' AS date)"

_SPENT = f"IN ({', '.join(repr(str(spent)) for spent in sorted(SPENDINGS))})"
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SIGNED = "CASE WHEN t.to_account = 'wallet:' || t.user_id THEN {0} ELSE -{0} END"
# Rows by funding: those that named none, or that a release before wrote, by their parts.
_BY_FUNDING = f"""
    SELECT t.bucket, t.user_id, t.type, COALESCE(p.funding, t.funding) AS funding,
           {_SIGNED.format("COALESCE(p.amount, t.amount)")} AS signed
    FROM transactions t
    LEFT JOIN entry_parts p ON p.bucket = t.bucket AND p.user_id = t.user_id AND p.entry_id = t.id
    WHERE t.bucket BETWEEN :first AND :last AND (t.is_posted OR p.entry_id IS NOT NULL)"""

LEDGER = {
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
                    CAST(sum(CASE WHEN e.type {_SPENT} THEN 0 ELSE e.signed END) AS bigint)
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
    "balance = settled balance + what live sessions earned by their watermark": f"""
        SELECT w.user_id, w.balance, w.settled_balance, a.accrued FROM wallets w
        LEFT JOIN (
            SELECT s.bucket, s.user_id,
                   CAST(sum({accrued_sql("m.credited_through")}) AS bigint) AS accrued
            FROM mining_sessions s
            JOIN credit_watermarks m
              ON m.bucket = s.bucket AND m.group_number = s.group_number
            WHERE s.bucket BETWEEN :first AND :last AND s.status = 'ACTIVE'
            GROUP BY s.bucket, s.user_id) a
          ON a.bucket = w.bucket AND a.user_id = w.user_id
        WHERE w.bucket BETWEEN :first AND :last
          AND w.balance <> w.settled_balance + COALESCE(a.accrued, 0)
    """,
    "a completed session is paid once, exactly its reward": """
        SELECT s.id, s.reward_micro, t.amount FROM mining_sessions s
        LEFT JOIN transactions t ON t.bucket = s.bucket AND t.reference = 'mining:' || s.id
        WHERE s.bucket BETWEEN :first AND :last AND s.status = 'COMPLETED'
          AND (t.amount IS NULL OR t.amount <> s.reward_micro OR t.user_id <> s.user_id)
    """,
    "a mining payment belongs to a completed session": """
        SELECT t.reference FROM transactions t
        LEFT JOIN mining_sessions s
          ON s.bucket = t.bucket AND t.reference = 'mining:' || s.id AND s.status = 'COMPLETED'
        WHERE t.bucket BETWEEN :first AND :last AND t.type = 'MINING' AND s.id IS NULL
    """,
    "an applied adjustment has its payment, and a payment its adjustment": """
        SELECT a.id, t.reference FROM
            (SELECT bucket, id, user_id, amount_micro, direction FROM adjustments
             WHERE bucket BETWEEN :first AND :last AND status = 'APPLIED') a
        FULL JOIN
            (SELECT bucket, reference, user_id, to_account, CAST(sum(amount) AS bigint) AS amount
             FROM transactions
             WHERE bucket BETWEEN :first AND :last AND type = 'ADJUSTMENT'
             GROUP BY bucket, reference, user_id, to_account) t
          ON t.bucket = a.bucket AND t.reference = 'adjustment:' || a.id AND t.user_id = a.user_id
         AND t.amount = a.amount_micro
         AND (a.direction = 'CREDIT') = (t.to_account = 'wallet:' || a.user_id)
        WHERE a.id IS NULL OR t.reference IS NULL
    """,
    "an adjustment was proposed and approved by two, neither the wallet's owner": """
        SELECT id, proposer_id, decider_id FROM adjustments
        WHERE bucket BETWEEN :first AND :last AND status IN ('APPROVED', 'APPLIED', 'REFUSED')
          AND (decider_id IS NULL OR decider_id = proposer_id OR user_id = proposer_id
               OR user_id = decider_id)
    """,
    "whoever has a role that approves is known as staff, as they are": """
        SELECT u.id, u.role, u.is_active, s.role AS staff_role FROM users u
        LEFT JOIN staff s ON s.user_id = u.id
        WHERE u.bucket BETWEEN :first AND :last AND u.role IN ('admin', 'superadmin')
          AND u.closed_at IS NULL
          AND (s.user_id IS NULL OR s.role <> u.role OR s.is_active <> u.is_active
               OR s.suspended_until IS DISTINCT FROM
                  CASE WHEN u.hold = 'SUSPENDED' THEN u.hold_until END)
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
}
