"""A film of our own, hosted by the partner: played to its end in a real browser, and answered."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from models.config import Config
from models.content import films, seed_films
from models.db import Database, transaction
from ops.partner_films import VIDEOS_PATH
from tests.browser.conftest import TIMING, Phones
from tests.browser.member import Member, answer_right
from tests.processes import Processes, running, until

# A session that is long enough for a film of 24 s and the time for its answer.
LONG_SESSION = TIMING | {"CYCLE": 180, "STAGGER": 18, "WINDOW": 36}
FILM = films()[0]


@pytest.fixture
def processes(config: Config) -> Iterator[Processes]:
    """What runs, with the partner as the host of our own videos, as in `./run`."""
    started = Processes(config, LONG_SESSION)
    started.env["TWTC_OWN_VIDEOS_URL"] = started.env["TWTC_PARTNER_URL"] + VIDEOS_PATH
    with running(started, "web", "worker", "clock", "partner"):
        yield started


@pytest.fixture
async def answers(database: Database) -> dict[str, str]:
    """The films are seeded, as `release` does; the right option of every question about them."""
    async with transaction(database) as connection:
        await seed_films(connection)
    asked = [question for film in films() for question in film.questions]
    return {q.text_en: q.options_en[q.correct_index] for q in asked}


def test_a_film_is_played_to_its_end_and_its_question_pays(
    answers: dict[str, str], phone: Phones, processes: Processes
) -> None:
    member = Member(phone("en"), processes, "films@example.com")
    page = member.page
    member.open()
    member.sign_up()
    page.wait_for_selector("#start", timeout=120_000)
    member.start()
    member.watch_ad()
    until(lambda: member.balance() > 0, "the first coins")
    member.go("boosts")
    card = page.locator(".video", has_text=FILM.title)
    expect(card.locator("img:not(.gone)")).to_be_visible()
    card.locator("button").click()
    page.wait_for_selector(".player video")
    film = page.locator(".player video")
    film.evaluate("film => film.play()")
    length = film.evaluate("film => film.duration")
    assert FILM.duration_seconds is not None
    assert abs(length - FILM.duration_seconds) < 0.2
    page.wait_for_selector(".question", timeout=90_000)
    answer_right(page, answers)
    expect(page.locator("#boost-result.good")).to_contain_text("150")
    assert member.complaints == []
