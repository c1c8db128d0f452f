"""Somebody at the console."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Locator, expect

from tests.browser.member import PASSWORD
from tests.browser.town import Town
from tests.kit.processes import Processes

PAGES = {
    "operations": "Operations",
    "load": "Ad load",
    "facts": "Figures",
    "users": "Users",
    "fraud": "Suspicious activity",
    "reviews": "Task reviews",
    "adjustments": "Adjustments",
    "contacts": "Changes of address",
    "content": "Content",
    "ads": "Ads and networks",
    "configuration": "Configuration",
    "log": "Trail",
}
SECONDS_MAX = 20
_AXE = Axe()
expect.set_options(timeout=SECONDS_MAX * 1_000)


class Desk:
    """Somebody at the console."""

    def __init__(self, browser: Browser, processes: Processes, name: str, **options: Any) -> None:
        screen = {"viewport": {"width": 1280, "height": 860}, "locale": "en"}
        still = {"reduced_motion": "reduce"}  # colours on their way to another are not judged
        self.context = browser.new_context(**screen | still | options)
        self.context.set_default_timeout(SECONDS_MAX * 1_000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.goto(f"{processes.url}/console")
        self.page.fill("input[name=username]", f"{name}@example.com")
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("form .button.primary")

    def _heard(self, message: Any) -> None:
        # A browser logs every answer of 4xx as an error; the console shows what it means.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def go(self, name: str) -> None:
        """Open one of the pages, and wait until it is there."""
        self.page.click(f"nav[aria-label=Pages] a[href='#/{name}']")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(PAGES[name])
        self.settle()

    def settle(self) -> None:
        """Wait until everything is loaded; and what is loaded stands in its place."""
        expect(self.page.get_by_text("Loading…")).to_have_count(0)
        first = self.page.locator("main").get_by_role("heading").first
        assert first.evaluate("heading => heading.tagName") == "H1"

    def act(self, button: str, reason: str, within: Locator | None = None, **fields: str) -> None:
        """Press a button, fill its form in, and send it."""
        (within or self.page).get_by_role("button", name=button, exact=True).first.click()
        box = self.page.get_by_role("dialog")
        for name, value in fields.items():
            field = box.locator(f"[name={name}]")
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        box.locator("[name=reason]").fill(reason)
        box.get_by_role("button", name=button, exact=True).click()
        expect(box).to_have_count(0)

    def assert_accessible(self, options: Any = None) -> None:
        """axe finds nothing to complain about."""
        more = {"options": options} if options else {}
        found = _AXE.run(self.page, **more).response["violations"]
        told = [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found]
        assert told == []

    def row(self, text: str) -> Locator:
        """The row of a table that says something."""
        return self.page.get_by_role("row").filter(has_text=text)


@pytest.fixture
def sit_down(town: Town, browser: Browser) -> Iterator[Callable[..., Desk]]:
    """Signs somebody in at the console; nothing may have gone wrong on any of the pages."""
    desks: list[Desk] = []

    def open_desk(name: str, **options: Any) -> Desk:
        desks.append(Desk(browser, town.processes, name, **options))
        return desks[-1]

    yield open_desk
    for desk in desks:
        desk.context.close()
    assert [desk.complaints for desk in desks] == [[] for _ in desks]
