"""Invariants as SQL: each names what is wrong and returns the rows that break it; none may.

A domain's are in its `invariants`, by name: `INVARIANTS` hold in every share of the buckets,
`GLOBAL` over all of them at once, and of `OVERDUE` somebody should know, though no book is wrong.
Each is one statement, so it sees one snapshot also while workers are busy.

They are asked with: `:first` and `:last` bucket; `:since` and `:until` for `GLOBAL`; `:before`,
`:before_id` and `:sent_before` for `OVERDUE`.
"""

# What lies further back is archived, and was checked while it was here.
OLDEST_DAY = "(SELECT COALESCE(max(day), '-infinity') - 6 FROM days)"
