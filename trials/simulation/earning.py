"""What members do besides mining: boosts, and the day's tasks; and the moderators who judge."""

from datetime import date
from typing import Any
from uuid import UUID

from engine.core.piece import Piece
from models.base.db import DATABASE_ERRORS
from models.tasks.reviews import awaiting_review, record_review
from runtime.clock import utcnow
from trials.simulation.members import Phone
from trials.simulation.processes import Network, Process
from trials.simulation.seed import Seed

BEAT_SECONDS = 20
RUSHES_OFTEN = 0.5
RIGHT_OFTEN = 0.85
LOOKS_SECONDS = (60, 600), (600, 3600)


async def boost(phone: Phone) -> None:
    """Watch a video, fetch its question, answer it: mostly rightly and in time."""
    seed, random = phone.seed, phone.random
    await phone.pause(2, 40)
    videos = seed.facts.library.videos
    films = sorted(name for name, video in videos.items() if video.duration_seconds)
    others = sorted(videos.keys() - set(films))
    video_id = random.choice(films if random.random() < 0.9 else others)
    begun = await phone.ask("/v1/boosts", {"video_id": video_id})
    if begun is None or begun["status"] != "APPLIED":
        return
    watched = begun["result"]
    if watched["duration_seconds"] > 600 or not await _watch(phone, watched):
        return
    path = f"/v1/boosts/{watched['boost_id']}"
    for _ in range(6):
        await phone.pause(0.5, 3)
        question = await phone.get(f"{path}/question")
        if question is not None and question.status == 200:
            break
    await phone.pause(1, 40 if random.random() < 0.1 else 20)
    if question is None or question.status != 200:
        return
    key = seed.facts.question_of(video_id, question.json()["text"])
    option = _choose(
        phone, lambda o: seed.facts.is_right_of_boost(UUID(watched["boost_id"]), key, o)
    )
    answer = await phone.ask(f"{path}/answer", {"option": option}, is_awaited=random.random() < 0.5)
    if answer is None and random.random() < 0.3:
        await phone.ask(f"{path}/answer", {"option": (option + 1) % 4})


async def _watch(phone: Phone, watched: dict[str, Any]) -> bool:
    path, reached = f"/v1/boosts/{watched['boost_id']}/progress", 0.0
    token, last = watched["watch_token"], phone.seed.scheduler.now
    for _ in range(watched["duration_seconds"] // BEAT_SECONDS + 20):
        if phone.random.random() < 0.02:
            return False  # another app calls
        if phone.random.random() < 0.03:
            failed = path.replace("/progress", "/failed")
            await phone.ask(failed, {"cause": "UNPLAYABLE"}, is_awaited=False)
            if phone.random.random() < 0.5:
                return False  # or it plays after all
        await phone.seed.scheduler.sleep(BEAT_SECONDS)
        now = phone.seed.scheduler.now
        reached += min((now - last).total_seconds(), 29)
        last = now
        body = {
            "watch_token": token,
            "position_seconds": reached,
            "state": "PLAYING",
            "muted": phone.random.random() < 0.02,
            "visible": True,
        }
        reply = await phone.post(path, body, "-")
        if reply is None or reply.status != 200:
            return False
        shown = reply.json()
        token, reached = shown["watch_token"], shown["reached_seconds"]
        if shown["is_complete"]:
            return True
    return False


def _choose(phone: Phone, is_right: Any) -> int:
    right = next(option for option in range(4) if is_right(option))
    return right if phone.random.random() < RIGHT_OFTEN else (right + 1) % 4


async def work(phone: Phone, *, diligent: bool) -> None:
    """Some of the day's tasks, or all of them, wave after wave."""
    rounds = 14 if diligent else 1
    for _ in range(rounds):
        reply = await phone.get("/v1/tasks/today")
        if reply is None or reply.status != 200:
            return
        shown = reply.json()
        open_ones = [t for t in shown["tasks"] if t["status"] in ("AVAILABLE", "STARTED")]
        if not open_ones and not any(t["status"] == "REVIEW" for t in shown["tasks"]):
            return
        if not diligent:
            open_ones = open_ones[: phone.random.randrange(1, 5)]
        if phone.random.random() < RUSHES_OFTEN:
            await _rush(phone, [t["number"] for t in open_ones if t["category"] == "ADS"])
        for task in open_ones:
            await phone.pause(1.1, 4)
            await _do(phone, task["number"])
        if not open_ones:
            await phone.pause(60, 300)  # a moderator has to look


async def _rush(phone: Phone, numbers: list[int]) -> None:
    """Several ads at once, and a video beside them."""
    begun = [await phone.ask(f"/v1/tasks/{number}/started") for number in numbers]
    ads = [b["result"]["ad"] for b in begun if b is not None and b["status"] == "APPLIED"]
    for ad in ads:
        await phone.ask(f"/v1/ads/views/{ad['view_id']}/started")
    if ads and phone.random.random() < RUSHES_OFTEN:
        await boost(phone)
    for ad in ads:
        await phone.watch_ad(ad)


async def _do(phone: Phone, number: int) -> None:
    path = f"/v1/tasks/{number}"
    begun = await phone.ask(f"{path}/started")
    if begun is None or begun["status"] != "APPLIED":
        return
    task = begun["result"]
    await phone.pause(1.1, 4)
    match task["category"]:
        case "ADS":
            await phone.watch_ad(task["ad"])
        case "CONTENT":
            await phone.pause(15, 40)
            done = await phone.ask(f"{path}/completed")
            if done is not None and done["status"] == "REJECTED":
                await phone.pause(20, 30)
                await phone.ask(f"{path}/completed")
        case "SOCIAL":
            await phone.ask(f"{path}/completed", {"proof": "@traveller"})
        case _:
            day = date.fromisoformat(task["day"])
            await _answer_quiz(phone, day, number, task["attempts_left"])


async def _answer_quiz(phone: Phone, day: date, number: int, attempts_left: int) -> None:
    facts, left = phone.seed.facts, attempts_left
    while left > 0:
        attempt = 4 - left
        option = _choose(
            phone,
            lambda o, a=attempt: facts.is_right_of_task(phone.user_id, day, number, a, o),
        )
        answered = await phone.ask(f"/v1/tasks/{number}/answer", {"option": option})
        if answered is None or answered["status"] != "APPLIED":
            return
        if answered["result"]["status"] != "PENDING":
            return
        left = answered["result"]["attempts_left"]
        await phone.pause(1.1, 4)


class Moderator(Process):
    """Judges what was handed in. Two of them do not know of each other."""

    def __init__(self, name: str, connections: Any, seed: Seed, network: Network) -> None:
        self._network = network
        super().__init__(name, connections, seed)

    async def work(self) -> None:
        """Look now and then; mostly approve."""
        while True:
            seconds = self.seed.random.uniform(*LOOKS_SECONDS[self.seed.is_idle])
            await self.seed.scheduler.sleep(seconds)
            try:
                for row in await awaiting_review(self.database):
                    await self._judge(row)
            except DATABASE_ERRORS as error:
                self.seed.note(f"{self.name}: {type(error).__name__}")

    async def _judge(self, row: Any) -> None:
        recorded = await record_review(
            self.database,
            row.user_id,
            row.day,
            row.number,
            row.submitted_at,
            is_approved=self.seed.random.random() < 0.85,
            reviewer=self.name,
            now=utcnow(),
        )
        await self._network.ring(Piece(recorded.group_number, recorded.bucket))
