"""Chromium, and the processes that it talks to. Screenshots are left in out/screenshots."""

import math
import os
import re
import struct
import wave
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from runtime.environment import Config
from tests.browser.member import Phones
from tests.browser.timing import TIMING
from tests.kit import films
from tests.kit.needed import needed_program
from tests.kit.processes import Processes, running
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
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program."""
    return needed_program(*CHROMIUMS, package="chromium")


@pytest.fixture
def playwright(processes: Processes) -> Iterator[Playwright]:
    """Playwright. Its event loop lets no fixture begin that needs another: it comes last."""
    with sync_playwright() as started:
        yield started


@pytest.fixture
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """A browser of its own."""
    options = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    opened = playwright.chromium.launch(executable_path=chromium, args=options)
    yield opened
    opened.close()


@pytest.fixture
def phone(playwright: Playwright, browser: Browser) -> Phones:
    """Makes a phone in a language."""

    def open_phone(language: str, **more: Any) -> BrowserContext:
        options: dict[str, Any] = playwright.devices["Pixel 7"] | {"locale": language} | more
        context = browser.new_context(**options)
        context.set_default_timeout(30_000)
        return context

    return open_phone


@pytest.fixture
def media(tmp_path: Path) -> Iterator[str]:
    """The address of videos of our own: a few seconds of a tone each, whatever is asked for."""
    file = tmp_path / "tone.wav"
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

    handler = partial(Media, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def timing() -> dict[str, int]:
    """How long things take."""
    return TIMING


@pytest.fixture
def parts() -> tuple[str, ...]:
    """Which processes a test needs."""
    return "web", "worker", "clock", "partner"


@pytest.fixture
def processes(
    config: Config, media: str, timing: dict[str, int], parts: tuple[str, ...]
) -> Iterator[Processes]:
    """What runs, with a short cycle."""
    started = Processes(config, timing, {"TWTC_OWN_VIDEOS_URL": media})
    with running(started, *parts):
        yield started


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
