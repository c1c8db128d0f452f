"""A small town for the console: staff, members, and something of everything to decide about."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import httpx
from msgspec import Struct
from redis.asyncio import Redis

from engine.core.role import Role
from engine.core.timeline import utc_day
from models.admin.roles import set_role
from models.base.db import Database, connected, run, sql, transaction
from models.base.trail import OPERATOR
from models.installation.settings import load_installation
from models.mining.snapshots import SnapshotCopies
from models.operations.facts import CLEAR, STORE, compute_facts, read_days
from runtime.clock import utcnow
from tests.browser.member import PASSWORD
from tests.kit.accounts import settle
from tests.kit.processes import SECONDS_MAX, Processes

DAYS = 30
SIGNALS = {
    "screen": "390x844@3",
    "timezone": "Asia/Amman",
    "language": "ar",
    "canvas": "c" * 64,
    "webgl": "w" * 64,
}
KILL = sql("""
    UPDATE intents SET status = 'FAILED', attempts = 5, applied_at = :now,
           error = 'Traceback (most recent call last):' || chr(10) || 'ValueError: boom'
    WHERE bucket = :bucket AND id = CAST(:id AS uuid) AND status = 'RECORDED'
""")
HAND_IN = sql("""
    INSERT INTO daily_tasks (bucket, day, user_id, number, task_type_id, category, reward_micro,
                             status, attempt, started_at, proof, submitted_at)
    SELECT :bucket, :day, :user_id, :number, id, 'SOCIAL', reward_micro, 'REVIEW', 1,
           CAST(:now AS timestamptz) - interval '1 minute', 'https://example.com/@ann/petra',
           CAST(:now AS timestamptz)
    FROM task_types WHERE category = 'SOCIAL' AND is_active ORDER BY id LIMIT 1
""")


class Town(Struct, frozen=True):
    """Who lives there, by name; and the intent that died."""

    processes: Processes
    ids: Mapping[str, int]
    letter_id: str
    tokens: Mapping[str, str]


async def build(processes: Processes, database: Database) -> Town:
    """Through the API, as everybody comes; only what takes days or accidents is written by hand."""
    async with httpx.AsyncClient(base_url=processes.url, timeout=20) as http:
        people = ("boss", "admin", "moderator", "ann", "bob", "cyd", "dan")
        tokens = await asyncio.to_thread(_settle, processes, people)
        ids = {}
        for name in people:
            ids[name] = (await http.get("/v1/me", headers=_of(tokens[name]))).json()["id"]
        roles = {"boss": Role.SUPERADMIN, "admin": Role.ADMIN, "moderator": Role.MODERATOR}
        redis = Redis.from_url(processes.config.redis_url)
        copies = SnapshotCopies(redis, (await load_installation(database)).id)
        for name, role in roles.items():
            await set_role(database, copies, OPERATOR, ids[name], role, "test", utcnow())
        await redis.aclose()
        for name in people:  # one device: four came when it had its three
            answer = await http.post("/v1/me/device", json=SIGNALS, headers=_of(tokens[name]))
            assert answer.status_code == 200, answer.text
        await _are_suspected(http, tokens["boss"], 4)
        day = (await http.get("/v1/tasks/today", headers=_of(tokens["boss"]))).json()
        await _watch_ads(http, tokens["boss"], day)
        await _write_days(database)
        letter_id = await _die(http, processes, database, tokens["boss"], ids["boss"], day)
        social = next(t for t in day["tasks"] if t["category"] == "SOCIAL")
    await _hand_in(database, ids["ann"], social["number"])
    return Town(processes, ids, letter_id, tokens)


def _of(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _settle(processes: Processes, people: Iterable[str]) -> dict[str, str]:
    with httpx.Client(base_url=processes.url, timeout=20) as http:
        return {
            name: settle(http, processes.config, f"{name}@example.com", PASSWORD) for name in people
        }


async def _are_suspected(http: httpx.AsyncClient, token: str, number: int) -> None:
    """Wait until the workers have noticed."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            answer = await http.get("/v1/admin/suspicions", headers=_of(token))
            if len(answer.json()["items"]) == number:
                return
            await asyncio.sleep(0.1)


async def _watch_ads(http: httpx.AsyncClient, token: str, day: Any) -> None:
    for task in day["tasks"]:
        if (task["category"], task["status"]) == ("ADS", "AVAILABLE"):
            headers = _of(token) | {"Idempotency-Key": f"ad-{task['number']}", "Prefer": "wait=10"}
            await http.post(f"/v1/tasks/{task['number']}/started", headers=headers)


async def _die(
    http: httpx.AsyncClient,
    processes: Processes,
    database: Database,
    token: str,
    user_id: int,
    day: Any,
) -> str:
    """An intent that failed five times while the workers were broken."""
    processes.kill("worker")
    wanted = ("CONTENT", "QUIZ")
    task = next(t for t in day["tasks"] if t["status"] == "AVAILABLE" and t["category"] in wanted)
    headers = _of(token) | {"Idempotency-Key": "doomed"}
    answer = await http.post(f"/v1/tasks/{task['number']}/started", headers=headers)
    intent_id: str = answer.json()["id"]
    async with connected(database) as connection:
        params = {"now": utcnow(), "bucket": user_id % 64, "id": intent_id}
        assert await run(connection, KILL, params) == 1
    processes.start("worker")
    return intent_id


async def _hand_in(database: Database, user_id: int, number: int) -> None:
    now = utcnow()
    params = {"bucket": user_id % 64, "user_id": user_id, "day": utc_day(now), "number": number}
    async with connected(database) as connection:
        assert await run(connection, HAND_IN, params | {"now": now}) == 1


async def _write_days(database: Database) -> None:
    """A month that grew; its last day as it really was."""
    now = utcnow()
    today = utc_day(now)
    # The clock has the last seven days computed that are over; afterwards nobody touches them.
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            if len(await read_days(database, today - timedelta(days=8), today)) >= 7:
                break
            await asyncio.sleep(0.1)
    async with transaction(database) as connection:
        for before in range(1, DAYS):
            people = 40 + 3 * (DAYS - before) + 7 * (before % 4)
            figures = {
                ("users", "active"): people,
                ("users", "active_month"): 2 * people,
                ("users", "registered"): 5 + before % 4,
                ("users", "total"): 400 - 6 * before,
                ("sessions", "mined"): 5 * people,
                ("sessions", "requested"): 5 * people + 9,
                ("boosts", "begun"): 2 * people,
                ("boosts", "paid"): people + people // 2,
                ("tasks_begun", "ADS"): 7 * people,
                ("tasks_claimed", "ADS"): 6 * people,
                ("ads_served", "admob"): 8 * people,
                ("ads_completed", "admob"): 5 * people,
                ("ads_completed", "house"): 2 * people,
                ("coins_micro", "MINING:admob"): 500_000_000 * people,
                ("coins_micro", "BOOST:content"): 225_000_000 * people,
                ("revenue_micro_usd", "admob"): 50_000 * people,
                ("revenue_micro_usd", "house"): 6_000 * people,
            }
            params = {
                "day": today - timedelta(days=before),
                "names": [name for name, _ in figures],
                "labels": [label for _, label in figures],
                "values": list(figures.values()),
                "now": now,
            }
            await run(connection, CLEAR, params)
            await run(connection, STORE, params)
    await compute_facts(database, today, now)


def trail_of(processes: Processes, token: str, user_id: int) -> list[str]:
    """What was done to a user, and who looked, the latest first."""
    path = f"{processes.url}/v1/admin/log?user={user_id}"
    return [entry["action"] for entry in httpx.get(path, headers=_of(token)).json()["items"]]


def is_applied(processes: Processes, token: str, intent_id: str) -> bool:
    """Whether a worker has applied an intent of one's own."""
    answer = httpx.get(f"{processes.url}/v1/intents/{intent_id}", headers=_of(token))
    return bool(answer.json()["status"] == "APPLIED")
