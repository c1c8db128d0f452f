"""The projection's database: RQ's model, written by RQ's own classes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry
from rq import Queue
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.registry import (
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)
from rq.results import Result

from runtime.broker.bells import QUEUES
from runtime.clock import utcnow
from workers.dashboard.cards import Card

SOCKET_SECONDS_MAX = 1
# A job that nobody touches any more leaves by itself, whoever has died.
OPEN_SECONDS = 24 * 3600
FAILED_SECONDS = 7 * 24 * 3600  # as long as Dramatiq keeps a dead letter
FINISHED_SECONDS = 600
# Of a running job and of a worker, renewed at every beat.
ALIVE_SECONDS = 10

# Beside RQ's own fields of a job: which of Dramatiq's dead letters it is.
DEAD_LETTER = "dead_letter"


def open_client(url: str) -> Redis:
    """A client that gives up at once: whoever uses it tries again by itself."""
    return Redis.from_url(
        url,
        socket_timeout=SOCKET_SECONDS_MAX,
        socket_connect_timeout=SOCKET_SECONDS_MAX,
        retry=Retry(NoBackoff(), 0),
    )


class Shelf:
    """The lists of one queue."""

    def __init__(self, name: str, redis: Redis) -> None:
        self.queue = Queue(name, connection=redis)
        self.scheduled = ScheduledJobRegistry(queue=self.queue)  # type: ignore[no-untyped-call]
        self.deferred = DeferredJobRegistry(queue=self.queue)
        self.failed = FailedJobRegistry(queue=self.queue)
        self.finished = FinishedJobRegistry(queue=self.queue)
        self.started = StartedJobRegistry(queue=self.queue)

    def alive(self, now: datetime) -> set[str]:
        """Jobs that a live worker runs."""
        found = self.queue.connection.zrangebyscore(self.started.key, now.timestamp(), "+inf")
        return {text(entry).partition(":")[0] for entry in found}

    def take_off(self, job_id: str, pipeline: Pipeline) -> None:
        """Remove a job from every list but that of the running ones."""
        self.queue.remove(job_id, pipeline=pipeline)
        for registry in (self.scheduled, self.deferred, self.failed, self.finished):
            registry.remove(job_id, pipeline=pipeline)


class Board:
    """What is shown. Every method only adds to a pipeline."""

    def __init__(self, url: str) -> None:
        self.redis = open_client(url)
        self.shelves = {name: Shelf(name, self.redis) for name in QUEUES}

    def name_queues(self, pipeline: Pipeline) -> None:
        """Show every queue, even those where nothing has happened yet."""
        pipeline.sadd(Queue.redis_queues_keys, *(s.queue.key for s in self.shelves.values()))

    def queued(self, card: Card, pipeline: Pipeline) -> None:
        """It waits for a worker."""
        job, shelf = self._replace(card, JobStatus.QUEUED, pipeline)
        self._save(job, pipeline, OPEN_SECONDS)
        shelf.queue.push_job_id(job.id, pipeline=pipeline)

    def scheduled(self, card: Card, due_at: datetime, traceback: str, pipeline: Pipeline) -> None:
        """It waits for its time; a traceback says why it is tried again."""
        job, shelf = self._replace(card, JobStatus.SCHEDULED, pipeline)
        self._save(job, pipeline, OPEN_SECONDS)
        if traceback:
            Result.create_failure(job, OPEN_SECONDS, exc_string=traceback, pipeline=pipeline)
        shelf.scheduled.schedule(job, due_at, pipeline=pipeline)

    def deferred(self, card: Card, pipeline: Pipeline) -> None:
        """The worker that held it has died: it waits for being delivered again."""
        job, shelf = self._replace(card, JobStatus.DEFERRED, pipeline)
        self._save(job, pipeline, OPEN_SECONDS)
        shelf.deferred.add(job, pipeline=pipeline)

    def failed(
        self, card: Card, letter: str, traceback: str, ended_at: datetime | None, pipeline: Pipeline
    ) -> None:
        """It is a dead letter, with that id in Dramatiq."""
        job, shelf = self._replace(card, JobStatus.FAILED, pipeline)
        job.ended_at = ended_at
        shelf.failed.add(job, ttl=FAILED_SECONDS, exc_string=traceback, pipeline=pipeline)
        pipeline.hset(job.key, DEAD_LETTER, letter)
        Result.create_failure(job, FAILED_SECONDS, exc_string=traceback, pipeline=pipeline)

    def finished(
        self, card: Card, started_at: datetime, ended_at: datetime, pipeline: Pipeline
    ) -> None:
        """It succeeded. No result is kept: a stream for each would take more room than the rest."""
        job, shelf = self._replace(card, JobStatus.FINISHED, pipeline)
        job.started_at, job.ended_at = started_at, ended_at
        self._save(job, pipeline, FINISHED_SECONDS)
        shelf.finished.add(job, FINISHED_SECONDS, pipeline=pipeline)

    def started(
        self, card: Card, started_at: datetime, worker_name: str, pipeline: Pipeline
    ) -> Execution:
        """A worker runs it. The execution has to be renewed, and ended."""
        job, _ = self._replace(card, JobStatus.STARTED, pipeline)
        job.started_at, job.worker_name = started_at, worker_name
        job.last_heartbeat = utcnow()
        self._save(job, pipeline, OPEN_SECONDS)
        return Execution.create(job, ALIVE_SECONDS, pipeline=pipeline, worker_name=worker_name)

    def beat(self, card: Card, execution: Execution, pipeline: Pipeline) -> None:
        """It still runs."""
        registry = self.shelves[card.queue].started
        execution.heartbeat(registry, ALIVE_SECONDS, pipeline=pipeline)

    def ended(self, card: Card, execution: Execution, pipeline: Pipeline) -> None:
        """It runs no more, whatever became of it."""
        execution.delete(self._job(card, JobStatus.STARTED), pipeline=pipeline)

    def forget(self, queue: str, job_ids: Iterable[str], pipeline: Pipeline) -> None:
        """Show these no more."""
        for job_id in job_ids:
            self.shelves[queue].take_off(job_id, pipeline)
            pipeline.delete(Job.key_for(job_id), _results_key(job_id))

    def _replace(self, card: Card, status: JobStatus, pipeline: Pipeline) -> tuple[Job, Shelf]:
        """The job of a card, off the lists on which it stood."""
        shelf = self.shelves[card.queue]
        shelf.take_off(card.id, pipeline)
        pipeline.delete(Job.key_for(card.id), _results_key(card.id))
        return self._job(card, status), shelf

    def _job(self, card: Card, status: JobStatus) -> Job:
        job = Job.create(
            card.actor,
            args=card.arguments,
            connection=self.redis,
            status=status,
            description=card.description,
            id=card.id,
            origin=card.queue,
        )
        job.created_at = job.enqueued_at = card.created_at
        return job

    def _save(self, job: Job, pipeline: Pipeline, seconds: int) -> None:
        job.save(pipeline=pipeline, include_meta=False, include_result=False)
        pipeline.expire(job.key, seconds)


def _results_key(job_id: str) -> str:
    return str(Result.get_key(job_id))  # type: ignore[no-untyped-call]


def text(value: Any) -> str:
    """Redis answers in bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)
