"""The thread that writes a worker's journal to the board, in batches.

The board may be slow, away or emptied at any time. Then notes are dropped, and what runs is shown
again as soon as it answers; the worker does not notice.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Worker
from rq.executions import Execution
from rq.worker import WorkerStatus
from rq.worker_registration import register

from runtime.clock import utcnow
from workers.dashboard.board import ALIVE_SECONDS, SOCKET_SECONDS_MAX, Board
from workers.dashboard.cards import Card
from workers.dashboard.journal import Finished, Journal, Note, Retried

log = logging.getLogger(__name__)

WRITE_SECONDS = 0.5
BEAT_SECONDS = 2
# Of more than these in a turn only the newest are shown: what it costs does not grow with load.
NOTES_A_TURN_MAX = 8
REST_SECONDS_MIN = 1
REST_SECONDS_MAX = 30


class Writer:
    """Writes every half second what has happened since."""

    def __init__(self, board: Board, journal: Journal, queues: Sequence[str]) -> None:
        self._board = board
        self._journal = journal
        self._worker = Worker(
            list(queues),
            name=f"{socket.gethostname()}-{os.getpid()}",
            connection=board.redis,
            worker_ttl=ALIVE_SECONDS,
            prepare_for_work=False,
        )
        # RQ's workers wait long for work; this one only writes.
        board.redis.connection_pool.connection_kwargs["socket_timeout"] = SOCKET_SECONDS_MAX
        self._worker.hostname, self._worker.pid = socket.gethostname(), os.getpid()
        self._worker.birth_date = utcnow()
        self._executions: dict[str, tuple[Card, Execution]] = {}
        self._beats_at = 0.0
        self._rests_until = 0.0
        self._rest_seconds = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dashboard", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Write the rest, and that the worker is gone."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping.wait(WRITE_SECONDS):
            self._guarded_turn()
        self._guarded_turn()
        try:
            self._worker.register_death()  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            log.info("the dashboard will notice by itself that this worker is gone")
        self._board.redis.close()

    def _guarded_turn(self) -> None:
        notes = self._journal.take()
        if time.monotonic() < self._rests_until:
            return
        try:
            self._turn(notes)
        except (RedisError, OSError) as error:
            self._rest(f"{type(error).__name__}: {error}")
        except Exception:
            log.exception("the dashboard's writer is wrong")
            self._rest("see above")
        else:
            if self._rest_seconds:
                log.info("the dashboard shows this worker again")
            self._rest_seconds = 0

    def _rest(self, why: str) -> None:
        if not self._rest_seconds:
            log.warning("the dashboard cannot be told what happens; jobs run on (%s)", why)
        self._rest_seconds = min(max(self._rest_seconds * 2, REST_SECONDS_MIN), REST_SECONDS_MAX)
        self._rests_until = time.monotonic() + self._rest_seconds
        self._executions.clear()
        self._beats_at = 0.0

    def _turn(self, notes: list[Note]) -> None:
        running = dict(self._journal.running)
        is_beat = time.monotonic() >= self._beats_at
        if is_beat and not self._board.redis.exists(self._worker.key):
            self._executions.clear()  # a new board, or one that was emptied
        with self._board.redis.pipeline() as pipeline:
            self._write_ends(notes, running, pipeline)
            self._write_running(running, pipeline, is_beat=is_beat)
            self._count(notes, pipeline)
            if is_beat:
                self._beat(pipeline)
            if pipeline.command_stack:
                busy = WorkerStatus.BUSY if running else WorkerStatus.IDLE
                self._worker.set_state(busy, pipeline=pipeline)
                pipeline.execute()
        if is_beat:
            self._beats_at = time.monotonic() + BEAT_SECONDS

    def _write_ends(
        self,
        notes: Sequence[Note],
        running: Mapping[str, tuple[Card, datetime]],
        pipeline: Pipeline,
    ) -> None:
        """What a message came to last; not if it runs again already."""
        last = {note.card.id: note for note in notes}
        newest = set(islice(reversed(last), NOTES_A_TURN_MAX))
        for job_id, note in last.items():
            if job_id in running or not (job_id in newest or job_id in self._executions):
                continue
            match note:
                case Finished(card, started_at, ended_at):
                    self._board.finished(card, started_at, ended_at, pipeline)
                case Retried(card, due_at, traceback):
                    self._board.scheduled(card, due_at, traceback, pipeline)
                case _:
                    self._board.failed(
                        note.card, note.letter, note.traceback, note.ended_at, pipeline
                    )

    def _write_running(
        self, running: Mapping[str, tuple[Card, datetime]], pipeline: Pipeline, *, is_beat: bool
    ) -> None:
        for job_id in self._executions.keys() - running.keys():
            self._board.ended(*self._executions.pop(job_id), pipeline)
        for job_id, (card, started_at) in running.items():
            if job_id not in self._executions:
                execution = self._board.started(card, started_at, self._worker.name, pipeline)
                self._executions[job_id] = card, execution
            elif is_beat:
                self._board.beat(*self._executions[job_id], pipeline)

    def _count(self, notes: Sequence[Note], pipeline: Pipeline) -> None:
        """The worker's figures count every message, shown or not."""
        finished = [note for note in notes if isinstance(note, Finished)]
        if finished:
            pipeline.hincrby(self._worker.key, "successful_job_count", len(finished))
            seconds = sum((note.ended_at - note.started_at for note in finished), timedelta())
            self._worker.increment_total_working_time(seconds, pipeline)
        if len(notes) > len(finished):
            pipeline.hincrby(self._worker.key, "failed_job_count", len(notes) - len(finished))

    def _beat(self, pipeline: Pipeline) -> None:
        self._worker.last_heartbeat = utcnow()
        pipeline.hset(self._worker.key, mapping=self._worker.serialize())
        pipeline.expire(self._worker.key, ALIVE_SECONDS)
        pipeline.expire(self._worker.executions_key, ALIVE_SECONDS)
        register(self._worker, pipeline)
        self._board.name_queues(pipeline)
