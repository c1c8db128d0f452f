"""Chromium, and the processes that it talks to. Screenshots are left in out/screenshots."""

import itertools
import math
import os
import re
import struct
import wave
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser.house import PARTS, SHARED, settled
from tests.browser.member import Phones
from tests.browser.town import Town, build
from tests.kit import films
from tests.kit.databases import cloned, on_database
from tests.kit.needed import needed_program
from tests.kit.processes import Processes
from tests.kit.root import ROOT

SCREENSHOTS = ROOT / "out" / "screenshots"
# What the guides show; renewed with KEEP_PICTURES=1.
GUIDE = ROOT / "docs" / "guide" / "images"
PICTURES = {
    "a_members_day-en-3-window-open": "app-window-open",
    "a_members_day-en-5-mining": "app-mining",
    "a_members_day-en-6-question": "app-question",
    "a_members_day-ar-7-tasks": "app-tasks-ar",
    "an_operators_day-page-operations": "console-operations",
    "an_operators_day-page-load": "console-load",
    "an_operators_day-page-fraud": "console-suspicions",
    "an_operators_day-page-facts": "console-figures",
}
_HEIGHTS = itertools.count()
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program."""
    return needed_program(*CHROMIUMS, package="chromium")


@pytest.fixture(scope=SHARED)
def playwright(template: str) -> Iterator[Playwright]:
    """Playwright. Its loop has this thread as long as it is there: others run aside."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope=SHARED)
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """A browser. What it keeps, each test's context keeps for itself."""
    options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    opened = playwright.chromium.launch(executable_path=chromium, args=options)
    yield opened
    opened.close()


@pytest.fixture
def phone(playwright: Playwright, browser: Browser) -> Iterator[Phones]:
    """Makes a phone in a language. By its screen, no two are the same device."""
    made: list[BrowserContext] = []

    def open_phone(language: str, **more: Any) -> BrowserContext:
        screen = {"width": 412, "height": 915 + next(_HEIGHTS)}
        options: dict[str, Any] = playwright.devices["Pixel 7"] | {"locale": language}
        made.append(browser.new_context(**options | {"screen": screen} | more))
        made[-1].set_default_timeout(30_000)
        return made[-1]

    yield open_phone
    for context in made:
        context.close()


@pytest.fixture(scope=SHARED)
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of videos of our own: a few seconds of a tone each, whatever is asked for."""
    folder = tmp_path_factory.mktemp("media")
    file = folder / "tone.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8_000)
        tone = (int(3_000 * math.sin(n / 5)) for n in range(8_000 * films.SECONDS))
        out.writeframes(b"".join(struct.pack("<h", value) for value in tone))

    class Media(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(file)

        def guess_type(self, path: Any) -> str:
            return "audio/wav"

        def log_message(self, *args: object) -> None:
            pass

    handler = partial(Media, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def database_url(template: str, worker_id: str) -> Iterator[str]:
    """A test's own, as elsewhere."""
    with cloned(f"twtc_test_{worker_id}", template) as url:
        yield url


@pytest.fixture(scope=SHARED)
def house(
    template: str,
    worker_id: str,
    redis_numbers: Callable[[int], tuple[str, str]],
    media: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Processes]:
    """What runs for all who need nothing of their own."""
    folder, name = tmp_path_factory.mktemp("house"), f"twtc_house_{worker_id}"
    with settled(name, template, redis_numbers(64), folder, media) as processes:
        yield processes


@pytest.fixture(scope=SHARED)
def town(
    template: str,
    worker_id: str,
    redis_numbers: Callable[[int], tuple[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    """Staff and members, and something of everything to decide about."""
    folder, name = tmp_path_factory.mktemp("town"), f"twtc_town_{worker_id}"
    with settled(name, template, redis_numbers(96), folder) as processes:
        yield on_database(processes.config.database_url, partial(build, processes))


@pytest.fixture
def processes(house: Processes) -> Iterator[Processes]:
    """What runs. Whatever a test has killed is there again for the next one."""
    yield house
    for name in PARTS:
        if name not in house.running:
            house.start(name)


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keep a picture of what is seen."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    test = re.sub(r"\W+", "-", request.node.name).strip("-").removeprefix("test_")

    def take(page: Page, name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{test}-{name}.png")
        kept = PICTURES.get(f"{test}-{name}")
        if kept and os.environ.get("KEEP_PICTURES"):
            page.screenshot(path=GUIDE / f"{kept}.png", scale="css")

    return take
