"""The model's boosts and daily tasks."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from trials.simulation.accounts import (
    LATE_COMMIT,
    PROOF,
    REWARD,
    TASK_AD_SECONDS,
    TWTC,
    Account,
    Boost,
    Intent,
    Session,
    Task,
    View,
    pay,
)
from trials.simulation.facts import Facts

BOOSTS_PER_DAY = 3
ANSWER = timedelta(seconds=30)
READING = timedelta(seconds=20)
INSTANT = timedelta(microseconds=1)
WAVE = 5
QUIZ_ATTEMPTS = 3
BONUS = 50 * TWTC
# Whose money a task pays: the network's that showed its ad, ours for what is ours.
FUNDINGS = {"ADS": "house", "CONTENT": "content", "QUIZ": "content", "SOCIAL": "promotion"}
OPEN = ("WATCHING", "WATCHED", "ASKED")

Rule = Callable[[Facts, Account, Intent], str]


def day_of(at: datetime) -> date:
    """The UTC day."""
    return at.astimezone(UTC).date()


def _running(account: Account, at: datetime) -> Session | None:
    for session in account.sessions.values():
        if session.started and session.ends and session.started <= at < session.ends:
            return session
    return None


def is_watching(account: Account, since: datetime, until: datetime) -> bool:
    """Whether an ad plays at any time between."""
    return any(
        view.started < until and since < view.started + timedelta(seconds=view.seconds)
        for view in account.views.values()
        if view.started and view.status != "FAILED"
    )


def start_boost(facts: Facts, account: Account, intent: Intent) -> str:
    """One video at a time, three questions a day, each video once a day, while mining."""
    at, video_id = intent.at, intent.body["video_id"]
    video = facts.video(video_id)
    if video is None:
        return "VIDEO_UNKNOWN"
    session = _running(account, at)
    if session is None or session.ends is None:
        return "NOT_MINING"
    todays = [b for b in account.boosts.values() if day_of(b.started) == day_of(at)]
    if sum(b.asked is not None for b in todays) >= BOOSTS_PER_DAY:
        return "BOOSTS_USED_UP"
    if any(b.video == video_id and b.watched for b in todays):
        return "VIDEO_USED"
    if video.seconds is None:
        return "DURATION_UNKNOWN"
    if at + timedelta(seconds=video.seconds) + ANSWER > session.ends:
        return "SESSION_ENDS"
    if is_watching(account, at, at + INSTANT):
        return "AD_IN_PROGRESS"
    seen = [b for b in account.boosts.values() if b.video == video_id and b.asked]
    question = facts.draw_question(
        account.user, video_id, day_of(at), Counter(b.question for b in seen)
    )
    reward = REWARD * video.percent // 100
    boost = Boost(intent.id, video_id, question, session, video.seconds, reward, started=at)
    for other in account.boosts.values():
        if other.status in OPEN and other.started <= at:
            other.status = "FAILED"
        elif other.started > at:
            boost.status = "FAILED"  # a later one was begun meanwhile
    over = at + timedelta(seconds=video.seconds)
    ads = [v.started for v in account.views.values() if v.started and v.status != "FAILED"]
    if any(at < started < over for started in ads):
        boost.status = "FAILED"
    account.boosts[intent.id] = boost
    return "APPLIED"


def on_boost(facts: Facts, account: Account, intent: Intent) -> str:
    """Watched, asked, answered."""
    boost, at = account.boosts.get(UUID(intent.body["boost_id"])), intent.at
    if boost is None:
        return "BOOST_UNKNOWN"
    too_early = at - boost.started < timedelta(seconds=boost.seconds)
    if boost.status not in OPEN:
        if intent.kind == "boost.ask" and not (too_early and boost.watched is None):
            _spend_closed(account, boost, at)
        return "BOOST_CLOSED"
    match intent.kind:
        case "boost.fail":
            if boost.status != "WATCHING":
                return "VIDEO_WATCHED"
            boost.status = "FAILED"
        case "boost.watch" if boost.watched is None:
            if too_early:
                return "WATCH_INCOMPLETE"
            boost.status, boost.watched = "WATCHED", at
        case "boost.ask" if boost.asked is None:
            if boost.watched is None and too_early:
                return "WATCH_INCOMPLETE"
            boost.status, boost.asked, boost.watched = "ASKED", at, boost.watched or at
        case "boost.answer":
            return _answer_boost(facts, account, boost, intent)
    return "APPLIED"


def _spend_closed(account: Account, boost: Boost, at: datetime) -> None:
    """Its question was shown while it was being given up."""
    day = day_of(boost.started)
    of_video = [b for b in account.boosts.values() if b.video == boost.video and b.asked]
    if not any(day_of(b.started) == day for b in of_video):
        boost.asked, boost.watched = at, boost.watched or at


def _answer_boost(facts: Facts, account: Account, boost: Boost, intent: Intent) -> str:
    at = intent.at
    if boost.asked is None or at < boost.asked:
        return "QUESTION_NOT_ASKED"
    if at >= boost.asked + ANSWER or _running(account, at) is not boost.session:
        boost.status = "FAILED"
        return "ANSWER_LATE" if at >= boost.asked + ANSWER else "NOT_MINING"
    if facts.is_right_of_boost(boost.id, boost.question, intent.body["option"]):
        boost.status = "PAID"
        pay(account, boost.reward, "content")
    else:
        boost.status = "WRONG"
    return "APPLIED"


def start_task(facts: Facts, account: Account, intent: Intent) -> str:
    """Wave after wave; an ad is served again if the last was not proved."""
    at, number = intent.at, intent.body["number"]
    day = day_of(at)
    drawn = facts.tasks(account.user, day)
    touched = {n: task for (d, n), task in account.tasks.items() if d == day}
    unsettled = [
        n for n in range(1, len(drawn) + 1) if n not in touched or touched[n].status == "PENDING"
    ]
    if unsettled and (number - 1) // WAVE > (min(unsettled) - 1) // WAVE:
        return "TASK_LOCKED"
    task = touched.get(number)
    if task is None:
        fact = drawn[number - 1]
        task = Task(day, number, fact.category, fact.reward, started=at)
    elif task.status != "PENDING":
        return "TASK_CLOSED"
    if task.category == "ADS":
        if task.expires is not None and at < task.expires + LATE_COMMIT:
            return "AD_IN_PROGRESS"
        if task.view is not None and account.views[task.view].status == "OPEN":
            account.views[task.view].status, account.views[task.view].expired = "FAILED", True
        task.view, task.expires = intent.id, at + PROOF
        account.views[intent.id] = View(task, TASK_AD_SECONDS)
    account.tasks[day, number] = task
    return "APPLIED"


def _pending(account: Account, intent: Intent, *categories: str) -> Task | str:
    task = account.tasks.get((day_of(intent.at), intent.body["number"]))
    if task is None:
        return "TASK_NOT_STARTED"
    if task.category not in categories:
        return "TASK_OF_ANOTHER_KIND"
    return task if task.status == "PENDING" else "TASK_CLOSED"


def complete_task(facts: Facts, account: Account, intent: Intent) -> str:
    """An article read for twenty seconds since the last, or a social task for a moderator."""
    task, at = _pending(account, intent, "CONTENT", "SOCIAL"), intent.at
    if isinstance(task, str):
        return task
    if task.category == "SOCIAL":
        task.status, task.submitted = "REVIEW", at
        return "APPLIED"
    read = [
        other.claimed
        for (day, _), other in account.tasks.items()
        if day == task.day and other.category == "CONTENT" and other.claimed
    ]
    if at - max([task.started, *read]) < READING:
        return "READ_TOO_SHORT"
    pay_task(facts, account, task, at)
    return "APPLIED"


def answer_task(facts: Facts, account: Account, intent: Intent) -> str:
    """Three attempts, each with a question of its own."""
    task = _pending(account, intent, "QUIZ")
    if isinstance(task, str):
        return task
    option = intent.body["option"]
    if facts.is_right_of_task(account.user, task.day, task.number, task.attempt, option):
        pay_task(facts, account, task, intent.at)
    elif task.attempt == QUIZ_ATTEMPTS:
        task.status = "FAILED"
    else:
        task.attempt += 1
    return "APPLIED"


def review_task(facts: Facts, account: Account, intent: Intent) -> str:
    """A verdict on what was handed in then."""
    body = intent.body
    task = account.tasks.get((date.fromisoformat(body["day"]), body["number"]))
    submitted = datetime.fromisoformat(body["submitted_at"])
    if task is None or task.status != "REVIEW" or task.submitted != submitted:
        return "TASK_CLOSED"
    if body["is_approved"]:
        pay_task(facts, account, task, intent.at)
    else:
        task.status = "PENDING"
    return "APPLIED"


def pay_task(facts: Facts, account: Account, task: Task, at: datetime) -> None:
    """Paid at once; the twentieth of a day brings the bonus."""
    task.status, task.claimed, task.expires = "CLAIMED", at, None
    pay(account, task.reward, FUNDINGS[task.category])
    done = [t for t in account.tasks.values() if t.day == task.day and t.status == "CLAIMED"]
    if len(done) == len(facts.tasks(account.user, task.day)):
        pay(account, BONUS, "promotion")


EARNING_RULES: dict[str, Rule] = {
    "boost.start": start_boost,
    "boost.fail": on_boost,
    "boost.watch": on_boost,
    "boost.ask": on_boost,
    "boost.answer": on_boost,
    "task.start": start_task,
    "task.complete": complete_task,
    "task.answer": answer_task,
    "task.review": review_task,
}
