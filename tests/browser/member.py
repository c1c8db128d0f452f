"""What a member does on a phone, as steps that stories are made of."""

from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from runtime.environment import Config
from tests.kit.accounts import last_code
from tests.kit.processes import Processes, until

PASSWORD = "correct horse battery"
_PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
_AXE = Axe()


class Member:
    """Somebody with a phone."""

    def __init__(self, context: BrowserContext, processes: Processes, name: str) -> None:
        self.context = context
        self.processes = processes
        self.email = f"{name}.a{token_hex(3)}@example.com"  # others may have lived here
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.route("https://i.ytimg.com/**", _thumbnail)

    def _heard(self, message: Any) -> None:
        # A browser logs every answer of 4xx as an error; the app shows what it means.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def open(self) -> None:
        """Open the app."""
        self.page.goto(self.processes.url + "/")

    def sign_up(self) -> None:
        """Register, and create the account with the code of the message."""
        self.page.fill("input[name=username]", self.email)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("form .button.primary")
        self.page.wait_for_selector("input[name=code]")
        self.verify(self.processes.config)

    def verify(self, config: Config) -> None:
        """Send the code of the message."""
        until((Path(config.outbox_dir) / self.email).exists, "the message")
        self.page.fill("input[name=code]", last_code(config, self.email))
        self.page.click("form .button.primary")

    def go(self, view: str) -> None:
        """Open one of the views."""
        self.page.click(f"a[href='#/{view}']")

    def start(self) -> None:
        """Wait for the window, and ask to mine."""
        self.page.click("#start", timeout=90_000)

    def watch_ad(self) -> None:
        """Watch the ad to its end."""
        expect(self.page.locator("iframe.ad")).to_be_visible(timeout=60_000)
        self.page.wait_for_selector("#ad-done", timeout=60_000)
        self.close_sheet()

    def close_sheet(self) -> None:
        """Press the sheet's last button."""
        self.page.click("dialog .button.primary")
        expect(self.page.locator("dialog")).to_have_count(0)

    def balance(self) -> float:
        """What the ring shows."""
        return float(self.page.inner_text("#balance").replace(",", ""))

    def assert_accessible(self) -> None:
        """axe finds nothing to complain about."""
        self.page.wait_for_timeout(50)
        found = _AXE.run(self.page).response["violations"]
        told = [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found]
        assert told == []


def _thumbnail(route: Route) -> None:
    route.fulfill(body=_PIXEL, content_type="image/gif")


def answer_right(page: Page, answers: dict[str, str]) -> None:
    """Choose the right option of the question that is shown."""
    asked = page.inner_text(".ask")
    page.get_by_role("button", name=answers[asked], exact=True).click()


Phones = Callable[..., BrowserContext]


# Everything that the app has loaded is there without a network.
ALL_KEPT = """
  Promise.all(performance.getEntriesByType("resource")
    .map(({ name }) => name).filter((name) => new URL(name).pathname.startsWith("/app/"))
    .map((name) => caches.match(name))).then((kept) => kept.length > 9 && kept.every(Boolean))
"""


def until_all_is_kept(page: Page) -> None:
    """A promise is true for `wait_for_function`, whatever becomes of it."""
    until(lambda: page.evaluate(ALL_KEPT), "all of the app in the cache")


Shot = Callable[[Page, str], None]


def look(member: Member, shot: Shot, name: str) -> None:
    """A picture, and what axe says of it."""
    member.assert_accessible()
    shot(member.page, name)


def wrong_at(page: Page, name: str) -> Locator:
    """What is said to be wrong at a field; the field says so too, and has the focus."""
    field = page.locator(f"[name={name}]")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    described = (field.get_attribute("aria-describedby") or "").split()
    return page.locator(f"#{described[-1]}")
