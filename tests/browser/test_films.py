"""Boosts in a real browser: a film of our own to its end, a video that YouTube does not show."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from models.content.library import films
from partner.hosting import VIDEOS_PATH
from runtime.environment import Config
from tests.browser.house import PARTS
from tests.browser.member import Member, Phones, answer_right
from tests.browser.timing import TIMING
from tests.kit.processes import Processes, running, until

# A session that is long enough for a film of 24 s and the time for its answer.
LONG_SESSION = TIMING | {"CYCLE": 80, "STAGGER": 8, "WINDOW": 16}
FILM = films()[0]
# YouTube's part of the IFrame API for a video that may not be embedded.
REFUSING_PLAYER = """
    <!doctype html><title>YouTube</title><script>
    addEventListener("message", ({ data }) => {
      const told = JSON.parse(data);
      const tell = (event, info) => parent.postMessage(JSON.stringify({ event, info, id: 1 }), "*");
      if (told.event === "listening") {
        tell("initialDelivery", { playerState: -1, currentTime: 0, duration: 0, muted: false });
      }
      if (told.func === "addEventListener" && told.args[0] === "onError") tell("onError", 150);
    });
    </script>
"""


@pytest.fixture
def long(config: Config) -> Iterator[Processes]:
    """What runs with films, of which the partner is the host, as in `./run`."""
    started = Processes(config, LONG_SESSION)
    started.env["TWTC_OWN_VIDEOS_URL"] = started.env["TWTC_PARTNER_URL"] + VIDEOS_PATH
    with running(started, *PARTS):
        yield started


def miner(phone: Phones, processes: Processes, name: str) -> Member:
    """Somebody whose session mines, looking at the boosts."""
    member = Member(phone("en"), processes, name)
    member.open()
    member.sign_up()
    member.page.wait_for_selector("#start", timeout=120_000)
    member.start()
    member.watch_ad()
    until(lambda: member.balance() > 0, "the first coins")
    member.go("boosts")
    return member


def test_a_film_is_played_to_its_end_and_its_question_pays(phone: Phones, long: Processes) -> None:
    member = miner(phone, long, "films")
    page = member.page
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
    answer_right(page, {q.text_en: q.options_en[q.correct_index] for q in FILM.questions})
    expect(page.locator("#boost-result.good")).to_contain_text("150")
    assert member.complaints == []


def test_a_video_that_youtube_does_not_show_is_said_at_once_and_costs_nothing(
    phone: Phones, processes: Processes
) -> None:
    member = miner(phone, processes, "refused")
    page = member.page
    page.route("https://www.youtube-nocookie.com/**", _refuse)
    page.wait_for_selector(".video")  # the list is there, and how many are left
    before = page.locator("main .quiet").first.inner_text()
    with page.expect_response(lambda response: response.url.endswith("/failed")) as told:
        page.locator(".video", has_text="Expedia").first.locator("button").click()
        expect(page.locator("#watch-failed")).to_contain_text("cannot be played", timeout=10_000)
    assert told.value.request.post_data_json == {"cause": "UNPLAYABLE"}
    assert told.value.json()["status"] in ("APPLIED", "RECORDED")
    member.close_sheet()
    expect(page.locator("main .quiet").first).to_have_text(before)
    assert member.complaints == []


def _refuse(route: Route) -> None:
    route.fulfill(body=REFUSING_PLAYER, content_type="text/html")
