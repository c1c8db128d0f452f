"""Keeps the board true: compares what it shows with what Dramatiq holds, every second.

So it shows what waits, finds what a dead worker held, repairs a board that was emptied, tidies up,
and hands to Dramatiq what somebody has requeued.
"""

import logging
import threading
from collections.abc import Mapping
from datetime import datetime

from redis.client import Pipeline
from redis.exceptions import RedisError, WatchError
from rq.job import Job, JobStatus

from runtime.clock import utcnow
from workers.dashboard.board import DEAD_LETTER, Board, Shelf, text
from workers.dashboard.cards import card_of, traceback_of
from workers.dashboard.holdings import HeldMessage, Holdings, Place

log = logging.getLogger(__name__)

LOOK_SECONDS = 1
FINISHED_KEPT = 100

_SHOWN_AS = {
    Place.WAITING: JobStatus.QUEUED,
    Place.DELAYED: JobStatus.SCHEDULED,
    Place.DEAD: JobStatus.FAILED,
    Place.LOST: JobStatus.DEFERRED,
}

# These cannot be a matter of a moment; others are changed when they are seen twice.
_CERTAIN = {
    (None, Place.WAITING),
    (None, Place.DELAYED),
    (None, Place.DEAD),
    (None, Place.LOST),
    (JobStatus.QUEUED, Place.DEAD),
    (JobStatus.QUEUED, Place.LOST),
    (JobStatus.SCHEDULED, Place.WAITING),
    (JobStatus.SCHEDULED, Place.LOST),
    (JobStatus.DEFERRED, Place.WAITING),
    (JobStatus.DEFERRED, Place.DELAYED),
    (JobStatus.DEFERRED, Place.DEAD),
}
# Of what runs a live worker tells by itself, and Dramatiq holds it among what waits.
_LEFT_TO_WORKERS = {(JobStatus.STARTED, place) for place in (Place.WAITING, Place.LOST, None)}

# (queue, job id) -> what is shown, where the message is
Differences = dict[tuple[str, str], tuple[JobStatus | None, Place | None]]


class Keeper:
    """One of them is enough; two do no harm."""

    def __init__(self, board: Board, holdings: Holdings) -> None:
        self._board = board
        self._holdings = holdings
        self._differences: Differences = {}
        self._wake = threading.Event()
        self._is_away = False

    def wake(self) -> None:
        """Look at once: somebody has pressed a button."""
        self._wake.set()

    def run(self) -> None:
        """Look, for as long as the process lives."""
        while True:
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            try:
                self.look(utcnow())
            except (RedisError, OSError) as error:
                if not self._is_away:
                    log.warning("the dashboard's keeper waits for Redis: %s", error)
                self._is_away = True
            except Exception:
                log.exception("the dashboard's keeper is wrong")
            else:
                self._is_away = False

    def look(self, now: datetime) -> None:
        """Compare once. What may be a matter of a moment is changed at the second look."""
        shown = {name: self._shown(shelf, now) for name, shelf in self._board.shelves.items()}
        held = self._holdings.read(now)
        before, self._differences = self._differences, {}
        for queue, there in held.items():
            self._compare(queue, shown[queue], there, before)
        self._tidy(now)

    def _shown(self, shelf: Shelf, now: datetime) -> dict[str, JobStatus]:
        """What the lists say; of a job that runs, only that."""
        found: dict[str, JobStatus] = {}
        lists = (
            (JobStatus.SCHEDULED, shelf.scheduled.get_job_ids(cleanup=False)),
            (JobStatus.DEFERRED, shelf.deferred.get_job_ids(cleanup=False)),
            (JobStatus.FAILED, shelf.failed.get_job_ids(cleanup=False)),
            (JobStatus.QUEUED, shelf.queue.get_job_ids()),
            (JobStatus.STARTED, shelf.alive(now)),
        )
        for status, job_ids in lists:
            found.update(dict.fromkeys(job_ids, status))
        return found

    def _compare(
        self,
        queue: str,
        shown: Mapping[str, JobStatus],
        there: Mapping[str, HeldMessage],
        before: Differences,
    ) -> None:
        changes: dict[str, HeldMessage | None] = {}
        for job_id in shown.keys() | there.keys():
            held, status = there.get(job_id), shown.get(job_id)
            place = held.place if held is not None else None
            if place is not None and _SHOWN_AS[place] == status:
                continue
            difference = (status, place)
            if difference in _LEFT_TO_WORKERS:
                continue
            if difference in _CERTAIN or before.get((queue, job_id)) == difference:
                changes[job_id] = held
            else:
                self._differences[queue, job_id] = difference
        if changes:
            self._change(queue, shown, changes)

    def _change(
        self, queue: str, shown: Mapping[str, JobStatus], changes: Mapping[str, HeldMessage | None]
    ) -> None:
        """Show it as it is, unless a worker writes about one of them at this moment."""
        keys = {job_id: Job.key_for(job_id) for job_id in changes}
        with self._board.redis.pipeline() as pipeline:
            pipeline.watch(*keys.values())  # type: ignore[no-untyped-call]
            known = self._known(keys)
            pipeline.multi()
            for job_id, held in changes.items():
                status, letter = known[job_id]
                if held is None:
                    self._gone(queue, job_id, shown[job_id], status, pipeline)
                elif (status, letter) == (JobStatus.QUEUED, held.redis_id):
                    self._revive(queue, held, pipeline)
                elif status != JobStatus.FINISHED:
                    self._show(queue, held, pipeline)
            try:
                pipeline.execute()
            except WatchError:
                log.debug("something has happened meanwhile: at the next look")

    def _known(self, keys: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """What is written of these jobs: status and dead letter, empty if nothing is."""
        with self._board.redis.pipeline(transaction=False) as pipeline:
            for key in keys.values():
                pipeline.hmget(key, "status", DEAD_LETTER)
            answers = pipeline.execute()
        return {
            job_id: (text(status or b""), text(letter or b""))
            for job_id, (status, letter) in zip(keys, answers, strict=True)
        }

    def _revive(self, queue: str, held: HeldMessage, pipeline: Pipeline) -> None:
        """It was shown as this dead letter and RQ queued it: once, however often one pressed."""
        if self._holdings.revive(queue, held):
            log.info("requeued %s of %s", held.message.message_id, queue)
        pipeline.hdel(Job.key_for(held.message.message_id), DEAD_LETTER)

    def _show(self, queue: str, held: HeldMessage, pipeline: Pipeline) -> None:
        card = card_of(held.message)
        match held.place:
            case Place.WAITING:
                self._board.queued(card, pipeline)
            case Place.DELAYED:
                why = traceback_of(held.message)
                self._board.scheduled(card, held.due_at, why, pipeline)
            case Place.LOST:
                self._board.deferred(card, pipeline)
            case Place.DEAD:
                why = traceback_of(held.message)
                self._board.failed(card, held.redis_id, why, None, pipeline)

    def _gone(
        self, queue: str, job_id: str, shown: JobStatus, status: str, pipeline: Pipeline
    ) -> None:
        """Dramatiq has it no more: done, or lost with Dramatiq's Redis."""
        if status == shown:
            self._board.forget(queue, [job_id], pipeline)
        else:
            self._board.shelves[queue].take_off(job_id, pipeline)

    def _tidy(self, now: datetime) -> None:
        """Keep the newest of what succeeded, and name the queues."""
        shelves = self._board.shelves
        with self._board.redis.pipeline(transaction=False) as pipeline:
            for shelf in shelves.values():
                pipeline.zrange(shelf.finished.key, 0, -FINISHED_KEPT - 1)
            surplus = pipeline.execute()
        with self._board.redis.pipeline() as pipeline:
            self._board.name_queues(pipeline)
            for (queue, shelf), job_ids in zip(shelves.items(), surplus, strict=True):
                self._board.forget(queue, map(text, job_ids), pipeline)
                for registry in (shelf.finished, shelf.started):
                    pipeline.zremrangebyscore(registry.key, 0, now.timestamp())
            pipeline.execute()
