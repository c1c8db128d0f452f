"""One message per job on Celery: `celery -A benchmarks.peer_celery worker`."""

import os

from celery import Celery

from benchmarks.peer_work import QUEUE, work_blocking

app = Celery("twtc-bench", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    # Jobs are short: Celery's manual advises to fetch many at a time.
    worker_prefetch_multiplier=64,
)
work = app.task(work_blocking, name="work")
