"""Every figure that the processes export. Dashboard and alert rules may name no other."""

from runtime.telemetry.meter import Kind, Metric

_REQUEST_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)
_AGE_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 300, 900, 3600)

HTTP_SECONDS = Metric(
    "twtc_http_request_duration_seconds",
    Kind.HISTOGRAM,
    "From a request's arrival to the head of its answer, by route template.",
    ("route", "method", "status"),
    _REQUEST_BOUNDS,
)
POLL_ANSWERS = Metric(
    "twtc_poll_answers",
    Kind.COUNTER,
    "Answers to the poll: from what the process held, or read from Redis or PostgreSQL.",
    ("source",),
)
STREAMS_OPEN = Metric("twtc_event_streams_open", Kind.GAUGE, "Event streams that are open now.")
INTENTS_RECORDED = Metric(
    "twtc_intents_recorded", Kind.COUNTER, "Intents recorded, repeats left out.", ("kind",)
)
INTENTS_DONE = Metric(
    "twtc_intents_done",
    Kind.COUNTER,
    "What became of intents: applied, rejected by a rule, failed and tried again, or dead.",
    ("kind", "outcome"),
)
INTENT_AGE = Metric(
    "twtc_intent_age_seconds",
    Kind.HISTOGRAM,
    "From the recording of an intent to the commit of its effects.",
    ("kind",),
    _AGE_BOUNDS,
)
TICK_LAG = Metric(
    "twtc_tick_lag_seconds",
    Kind.HISTOGRAM,
    "From a boundary of the timetable to the commit of its tick, for each piece.",
    ("kind",),
    _AGE_BOUNDS,
)
LEDGER_COINS = Metric(
    "twtc_ledger_coins", Kind.COUNTER, "TWTC transferred in the ledger, by type.", ("type",)
)
LEDGER_TRANSFERS = Metric(
    "twtc_ledger_transfers", Kind.COUNTER, "Transfers written to the ledger, by type.", ("type",)
)
RELAY_RINGS = Metric(
    "twtc_relay_rings",
    Kind.COUNTER,
    "Bells that the relay rang for intents whose own bell was lost or not answered in time.",
)
ERRANDS_DONE = Metric(
    "twtc_errands_done",
    Kind.COUNTER,
    "What became of calls to the outside: done, later, failed, or unknown.",
    ("kind", "outcome"),
)
QUEUE_BELLS = Metric("twtc_queue_bells", Kind.GAUGE, "Bells that wait at the broker.", ("queue",))
QUEUE_UNDONE = Metric(
    "twtc_queue_undone_intents",
    Kind.GAUGE,
    "Recorded intents that nobody has applied yet, at most 1,000 counted a bucket.",
    ("queue",),
)
QUEUE_OLDEST = Metric(
    "twtc_queue_oldest_intent_seconds", Kind.GAUGE, "How long the oldest of them waits.", ("queue",)
)
TICKS_MISSED = Metric(
    "twtc_ticks_missed",
    Kind.GAUGE,
    "Boundaries through which a group that earns has not been paid.",
    ("group",),
)
DEAD_LETTERS = Metric("twtc_dead_letters", Kind.GAUGE, "Intents and errands that failed too often.")
WORKERS_LIVE = Metric("twtc_workers_live", Kind.GAUGE, "Workers whose heartbeat is fresh.")
STATE_READ = Metric(
    "twtc_state_read_timestamp_seconds",
    Kind.GAUGE,
    "When the clock process last read queues, ticks and dead letters.",
    is_max=True,
)
POOL_CONNECTIONS = Metric(
    "twtc_database_connections",
    Kind.GAUGE,
    "Connections to PostgreSQL: busy or idle.",
    ("process", "state"),
)
POOL_MAX = Metric(
    "twtc_database_connections_max", Kind.GAUGE, "How many there may be.", ("process",)
)
PROCESSES = Metric("twtc_processes", Kind.GAUGE, "Processes that share an exporter.", ("process",))
LOOP_LAG = Metric(
    "twtc_event_loop_lag_seconds",
    Kind.GAUGE,
    "How late the event loop runs what is due, at its worst since the last look.",
    ("process",),
    is_max=True,
)

METRICS = tuple(value for value in globals().copy().values() if isinstance(value, Metric))
