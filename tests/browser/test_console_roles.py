"""What each role finds at the console, wide and narrow, light and dark."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.desk import PAGES, Desk, sit_down
from tests.browser.member import Shot
from tests.browser.town import Town

__all__ = ["sit_down"]  # a fixture

MODERATED = ["users", "fraud", "reviews"]
CONTRAST = {"runOnly": ["color-contrast"]}


def test_each_role_finds_its_own_pages(
    town: Town, sit_down: Callable[..., Desk], shot: Shot
) -> None:
    console = f"{town.processes.url}/console"
    narrow = {"viewport": {"width": 400, "height": 800}, "color_scheme": "dark"}
    boss = sit_down("boss", **narrow)
    _look_at_all(boss, list(PAGES), shot)
    boss.page.goto(f"{console}#/users/{town.ids['bob']}/devices")
    boss.settle()
    boss.assert_accessible(CONTRAST)
    _assert_fits(boss.page)
    shot(boss.page, "narrow-user")
    moderator = sit_down("moderator", color_scheme="dark")
    links = moderator.page.locator("nav[aria-label=Pages] a")
    expect(links).to_have_count(len(MODERATED))
    for name in MODERATED:
        moderator.go(name)
        shot(moderator.page, f"moderator-{name}")
    moderator.page.goto(f"{console}#/configuration")  # what is not theirs is not shown
    expect(moderator.page.get_by_role("heading", level=1)).to_have_text("No such page")
    moderator.page.goto(f"{console}#/users/{town.ids['bob']}")
    expect(moderator.page.get_by_role("button", name="Suspend")).to_be_visible()
    expect(moderator.page.get_by_role("button", name="Disable")).to_have_count(0)
    expect(moderator.page.get_by_text("bob@example.com")).to_have_count(0)
    member = sit_down("dan")
    expect(member.page.get_by_text("Your role, user, has nothing to do here.")).to_be_visible()
    expect(member.page.locator("nav")).to_have_count(0)
    member.assert_accessible()
    shot(member.page, "member")


def _look_at_all(desk: Desk, names: list[str], shot: Shot) -> None:
    for name in names:
        desk.page.get_by_role("button", name="Menu").click()
        desk.go(name)
        desk.assert_accessible(CONTRAST)
        _assert_fits(desk.page)
        shot(desk.page, f"narrow-{name}")


def _assert_fits(page: Page) -> None:
    """Nothing is wider than the screen, but for what scrolls by itself."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
