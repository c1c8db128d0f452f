"""Whatever is unique over all users, in one place (decision 0046).

A key that begins with a user's bucket holds within that bucket only: two users of two buckets could
have the same. So each of these has a table of its own, keyed by the value itself and claimed first
(`models.schema.citus: KEYED`), or is made from a user's id. A test reads the schema and holds this
list to it.
"""

from collections.abc import Mapping

# What is unique, its table, and the key that makes it so.
CLAIMED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "e-mail address, phone number": ("identities", ("kind", "value")),
    "canonical mailbox": ("mailboxes", ("value",)),
    "a phone's push token": ("device_owners", ("id",)),
    "a device and an account seen on it": ("fingerprints", ("fingerprint", "user_id")),
    "an identity or device of a banned account": ("bans", ("value", "user_id")),
    "guesses at one lock": ("guesses", ("key",)),
    "a registration's ticket": ("registrations", ("id",)),
    "a code on its way to an address": ("address_codes", ("value", "purpose")),
    "an ad network's event": ("ad_events", ("network", "event_id")),
    "an ad network's minute": ("ad_requests", ("ad_id", "minute")),
}
# Unique by being made from a user's id, which is unique itself: no two can be alike.
MADE_OF_THE_ID = {
    "referral code": "engine.referrals.codes: a permutation of the id",
    "nonce of an ad view": "engine.ads.state: names the view and its user",
}
# Keys within a bucket that name no user, and why a bucket is enough.
WITHIN_A_BUCKET: Mapping[str, str] = {
    "activity_logs_pkey": "an id of 128 bits, made by us",
    "ad_views_one_paid_view": "a session lies in its user's bucket",
    "adjustments_key": "repeats of one proposal, which is for one user",
    "credit_watermarks_pkey": "one for each piece",
    "devices_pkey": "claimed in device_owners first",
    "fraud_logs_pkey": "an id of 128 bits, made by us",
    "group_sizes_pkey": "one for each piece",
    "intents_origin_key": "origins name a user, or a network whose event is claimed in ad_events",
    "refresh_tokens_pkey": "256 random bits; a token names its user",
    "transactions_part_key": "names what is paid for, which lies in its user's bucket",
}
