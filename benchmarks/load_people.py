"""Members in every state that the mix asks for, and their requests as they go over the wire."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain, count, cycle, islice
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from api.identity.passwords import hash_password
from api.networks.house import SIGNATURE_HEADER, HouseEvent, sign
from api.web_base.tokens import issue_access_token
from benchmarks.load_mix import KINDS, share_of
from benchmarks.load_open import Shot
from engine.ads.actions import StartView
from engine.ads.state import encode_nonce
from engine.core.action import Action
from engine.core.timeline import (
    PRODUCTION,
    Timetable,
    current_window,
    timetable,
    user_id_of,
    utc_day,
)
from engine.mining.actions import StartMining
from engine.tasks.actions import StartTask
from engine.tasks.state import Category, draw_day
from models.accounts.register import Newcomer, register
from models.base.db import Database, connected, rows, run, sql
from models.base.encoding import encode
from models.base.partitions import prepare_partitions
from models.content.catalogue import Catalogue
from models.intents.record import Wish, record
from models.schema.migrate import migrate
from models.schema.seed import seed
from runtime.clock import utcnow
from runtime.environment import load_config

T = TypeVar("T")

# Of ten windows eight are open at any time, and an ad lasts a second, so that a run of minutes sees
# a whole day's doings. Everything else is as in production.
TIMING = msgspec.structs.replace(PRODUCTION, window_seconds=8 * 1_440, ad_seconds=1)
OPEN_FOR = timedelta(minutes=20)
PASSWORD = "correct horse battery staple"
SIGN_INS = 200
POLLERS = 2_000
# What a run asks for on two cores. Members enough that nobody begins or ends a thing twice, since
# to refuse a repetition costs less than to do what was asked.
REQUESTS, RECORDERS = 200_000, 8
UNDONE = sql(
    "SELECT EXISTS (SELECT FROM intents"
    " WHERE status = 'RECORDED' AND user_id IS NOT NULL) AS is_left"
)
PEOPLE = """(
    SELECT n, ((n - 1) / 4096 * 64 + (n - 1) % 64 + 1) * 64 + (n - 1) / 64 % 64 AS id,
           n / 46 % 10 + 1 AS group_number
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n)"""

USERS = sql(f"""
    INSERT INTO users (bucket, id, group_number, email, password_hash, is_active, version,
                       created_at, verified_at)
    SELECT id % 64, id, group_number, id || '@bench.example', '', true, 1, :now, :now
    FROM {PEOPLE} AS people ORDER BY n
""")

WALLETS = sql(f"""
    INSERT INTO wallets (bucket, user_id, balance, settled_balance, total_withdrawn, updated_at)
    SELECT id % 64, id, 0, 0, 0, :now FROM {PEOPLE} AS people ORDER BY n
""")

COUNT_MEMBERS = sql("""
    UPDATE group_sizes z SET member_count = u.size
    FROM (SELECT bucket, group_number, count(*) AS size FROM users GROUP BY 1, 2) u
    WHERE z.bucket = u.bucket AND z.group_number = u.group_number
""")

SERVED = sql("SELECT id, user_id, unit FROM ad_views WHERE status = :status ORDER BY id")


class View(Struct, frozen=True):
    """An ad that was served."""

    id: UUID
    user_id: int
    unit: str


class Cohorts(Struct):
    """Who does what. Nobody is in two of them, since two decisions at once are held for fraud."""

    pollers: list[int]  # who ask over and over, as phones do
    sign_ins: list[str]
    starters: list[int]
    served: list[View]  # whose ads are to begin
    playing: list[View]  # whose ads are to end
    beginners: list[tuple[int, int]]  # of a task: member and number
    answerers: list[tuple[int, int]]


async def release(database: Database) -> None:
    """Tables, settings and content: what the processes start from."""
    await migrate(database.url)
    await seed(database, TIMING, utcnow())
    await prepare_partitions(database, utcnow().date())


async def settle_in(
    database: Database,
    environment: Mapping[str, str],
    drained: Callable[[], Awaitable[None]],
) -> Cohorts:
    """Make the members, enough for each kind of request; workers bring them into their state.

    `drained` waits until the workers have applied what was recorded.
    """
    now = utcnow()
    sign_ins = await _register(database, environment)
    sizes = share_of(REQUESTS)
    starters, begin, answer, serve, play = (
        sizes[kind]
        for kind in ("mining start", "task started", "task completed", "ad started", "ad completed")
    )
    # A third of the members have a closed window, or one that closes too soon.
    size = (starters + begin + answer + serve + play) * 3 // 2
    span = {"first": SIGN_INS + 1, "last": SIGN_INS + size, "now": now}
    async with connected(database) as connection:
        await run(connection, USERS, span)
        await run(connection, WALLETS, span)
        await run(connection, COUNT_MEMBERS)
        await run(connection, sql("VACUUM ANALYZE"))
    numbers = range(SIGN_INS + 1, SIGN_INS + size + 1)
    table = timetable(TIMING)
    rest = iter([user_id_of(number) for number in numbers if _is_open(table, number, now)])
    pollers = [user_id_of(number) for number in numbers[:POLLERS]]
    cohorts = Cohorts(pollers, sign_ins, list(islice(rest, starters)), [], [], [], [])
    waiting = [(member, StartMining()) for member in islice(rest, serve + play)]
    await _record_all(database, waiting)
    quizzes = await _quizzes(database, list(islice(rest, begin + answer)), now)
    assert len(quizzes) == begin + answer, "too few members with an open window"
    cohorts.beginners, cohorts.answerers = quizzes[:begin], quizzes[begin:]
    await _record_all(database, [(m, StartTask(number)) for m, number in cohorts.answerers])
    await drained()
    served = await _views(database, "SERVED")
    await _record_all(database, [(v.user_id, StartView(v.id)) for v in served[serve:]])
    await drained()
    cohorts.served, cohorts.playing = served[:serve], await _views(database, "STARTED")
    return cohorts


async def _register(database: Database, environment: Mapping[str, str]) -> list[str]:
    keyring, hashed = load_config(environment, signs=True).keyring, await hash_password(PASSWORD)
    emails = [f"member{number}@bench.example" for number in range(SIGN_INS)]
    for email in emails:
        newcomer = Newcomer("email", email, hashed, verified_at=utcnow())
        await register(database, keyring, timetable(TIMING), newcomer, utcnow())
    return emails


def _is_open(table: Timetable, number: int, now: datetime) -> bool:
    window = current_window(table, number // 46 % 10 + 1, now)
    return window is not None and now + OPEN_FOR < window.closes_at


async def _quizzes(
    database: Database, members: Sequence[int], now: datetime
) -> list[tuple[int, int]]:
    """A quiz of the first wave for each, where there is one; else the first task."""
    day = utc_day(now)
    catalogue = (await Catalogue(database).days([day], now))[day]
    found = []
    for member in members:
        first = [task for task in draw_day(member, day, catalogue) if task.wave == 0]
        quiz = next((t for t in first if t.type.category is Category.QUIZ), first[0])
        found.append((member, quiz.number))
    return found


async def _record_all(database: Database, wishes: Sequence[tuple[int, Action]]) -> None:
    async def some(part: Sequence[tuple[int, Action]]) -> None:
        for user_id, action in part:
            wish = Wish(
                user_id=user_id,
                action=action,
                origin=f"user:{user_id}",
                key=str(uuid4()),
                body_hash=sha256(encode(action).encode()).digest(),
                recorded_at=utcnow(),
                view_id=getattr(action, "view_id", None),
                is_own=True,
            )
            await record(database, wish)

    await asyncio.gather(*(some(wishes[first::RECORDERS]) for first in range(RECORDERS)))


async def _views(database: Database, status: str) -> list[View]:
    async with connected(database) as connection:
        found = await rows(connection, SERVED, {"status": status})
    return [View(row.id, row.user_id, row.unit) for row in found]


class Deck:
    """Requests of the mix, one after another; each member's in its turn.

    `repeats` counts those whose like the member has sent before, where once is all there is to do.
    """

    def __init__(self, cohorts: Cohorts, environment: Mapping[str, str], seed: int) -> None:
        self._secret = environment["TWTC_SECRET"].encode()
        self._house = environment["TWTC_HOUSE_SECRET"].encode()
        self._tokens: dict[int, str] = {}
        self._keys = count()
        self._chance = random.Random(seed)
        self._pollers = len(cohorts.pollers)
        self.repeats = 0
        members, emails = cycle(cohorts.pollers), cycle(cohorts.sign_ins)
        views = [self._once(v) for v in (cohorts.served, cohorts.playing, cohorts.playing)]
        begin, answer = self._once(cohorts.beginners), self._once(cohorts.answerers)
        starters = self._once(cohorts.starters)
        self._next: dict[str, Callable[[], bytes]] = {
            "poll": lambda: self._get("/v1/mining/status", next(members)),
            "wallet": lambda: self._get("/v1/wallet", next(members)),
            "today's tasks": lambda: self._get("/v1/tasks/today", next(members)),
            "mining start": lambda: self._post("/v1/mining/sessions", next(starters), wait=True),
            "ad started": lambda: self._report(next(views[0]), "started"),
            "ad completed": lambda: self._report(next(views[1]), "completed"),
            "callback": lambda: self._callback(next(views[2])),
            "task started": lambda: self._task(*next(begin), "started"),
            "task completed": lambda: self._task(*next(answer), "answer", {"option": 1}),
            "login": lambda: _login(next(emails)),
        }

    def draw(self, number: int) -> list[Shot]:
        """So many requests, in the proportions of the mix."""
        kinds = self._chance.choices(
            [kind.name for kind in KINDS], [kind.per_day for kind in KINDS], k=number
        )
        return [(kind, self._next[kind]()) for kind in kinds]

    def polls(self) -> list[Shot]:
        """One for everybody who polls: from then on the web process holds their answers."""
        return [("poll", self._next["poll"]()) for _ in range(self._pollers)]

    def _once(self, members: Sequence[T]) -> Iterator[T]:
        yield from members
        for member in cycle(members):
            self.repeats += 1
            yield member

    def _token(self, user_id: int) -> str:
        if user_id not in self._tokens:
            self._tokens[user_id] = issue_access_token(self._secret, user_id, utcnow())
        return self._tokens[user_id]

    def _get(self, path: str, user_id: int) -> bytes:
        return _request("GET", path, {"Authorization": f"Bearer {self._token(user_id)}"})

    def _post(self, path: str, user_id: int, body: Any = None, *, wait: bool = False) -> bytes:
        headers = {
            "Authorization": f"Bearer {self._token(user_id)}",
            "Idempotency-Key": f"load-{next(self._keys)}",
        }
        return _request("POST", path, headers | ({"Prefer": "wait=5"} if wait else {}), body)

    def _report(self, view: View, what: str) -> bytes:
        return self._post(f"/v1/ads/views/{view.id}/{what}", view.user_id)

    def _task(self, user_id: int, number: int, what: str, body: Any = None) -> bytes:
        return self._post(f"/v1/tasks/{number}/{what}", user_id, body, wait=what == "answer")

    def _callback(self, view: View) -> bytes:
        nonce, now = encode_nonce(view.id, view.user_id), utcnow()
        event = HouseEvent(f"house-{view.id.hex}", nonce, view.unit, now, TIMING.ad_seconds)
        body = msgspec.json.encode(event)
        signature = sign(self._house, int(now.timestamp()), body)
        return _request("POST", "/v1/ads/callbacks/house", {SIGNATURE_HEADER: signature}, body)


def _login(email: str) -> bytes:
    return _request("POST", "/v1/auth/login", {}, {"email": email, "password": PASSWORD})


def _request(method: str, path: str, headers: Mapping[str, str], body: Any = None) -> bytes:
    content = (
        body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
    )
    typed = {"Content-Type": "application/json"} if content else {}
    sized = {"Content-Length": str(len(content))} if method == "POST" else {}
    lines: Iterator[str] = chain(
        (f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"),
        (f"{name}: {value}" for name, value in {**headers, **typed, **sized}.items()),
    )
    return "\r\n".join((*lines, "", "")).encode() + content
