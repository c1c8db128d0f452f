"""One job per session on Celery: `celery -A benchmarks.tick_peer_celery worker`."""

import os

from celery import Celery

from benchmarks.tick_peer_work import QUEUE, credit_blocking

app = Celery("twtc-bench", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    # Jobs are short: Celery's manual advises to fetch many at a time.
    worker_prefetch_multiplier=64,
)


def credit_session(bucket: int, session_id: str) -> None:
    """Pay one session."""
    credit_blocking(bucket, session_id)


credit_task = app.task(credit_session, name="credit_session")
