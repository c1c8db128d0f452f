"""An operator's day at the console, by role."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Locator, Page, expect

from models.base.db import Database
from tests.browser.member import PASSWORD
from tests.browser.town import Town, build, is_applied, trail_of
from tests.kit.processes import Processes, until

Shot = Callable[[Page, str], None]
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
MODERATED = ["users", "fraud", "reviews"]
CONTRAST = {"runOnly": ["color-contrast"]}
SECONDS_MAX = 20
_AXE = Axe()
expect.set_options(timeout=SECONDS_MAX * 1_000)


@pytest.fixture
async def town(processes: Processes, database: Database) -> Town:
    """Staff and members, and something of everything to decide about."""
    return await build(processes, database)


class Desk:
    """Somebody at the console."""

    def __init__(self, browser: Browser, processes: Processes, name: str, **options: Any) -> None:
        screen = {"viewport": {"width": 1280, "height": 860}, "locale": "en"}
        still = {"reduced_motion": "reduce"}  # colours on their way to another are not judged
        context = browser.new_context(**screen | still | options)
        context.set_default_timeout(SECONDS_MAX * 1_000)
        self.page = context.new_page()
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
def sit_down(town: Town, processes: Processes, browser: Browser) -> Iterator[Callable[..., Desk]]:
    """Signs somebody in at the console; nothing may have gone wrong on any of the pages."""
    desks: list[Desk] = []

    def open_desk(name: str, **options: Any) -> Desk:
        desks.append(Desk(browser, processes, name, **options))
        return desks[-1]

    yield open_desk
    assert [desk.complaints for desk in desks] == [[] for _ in desks]


def test_an_operators_day(
    town: Town, processes: Processes, sit_down: Callable[..., Desk], shot: Shot, tmp_path: Path
) -> None:
    boss = sit_down("boss")
    boss.page.wait_for_selector("nav[aria-label=Pages]")
    _look_around(boss, shot)
    _requeue(boss, processes, town, shot)
    _look_up(boss, processes, town, shot)
    _decide(boss, processes, town, shot)
    _approve_task(boss, processes, town)
    _change_an_ad_unit(boss, shot)
    admin = sit_down("admin")
    admin.page.wait_for_selector("nav[aria-label=Pages]")
    _write_content(boss, admin, shot)
    _make_a_version(boss, admin, shot)
    _move_coins(boss, admin, processes, town, shot)
    _change_an_address(boss, admin, processes, town, shot)
    _download(boss, tmp_path)
    boss.go("log")
    expect(boss.row("adjustment.approve").first).to_be_visible()
    older, rows = boss.page.get_by_role("button", name="Older"), boss.page.get_by_role("row")
    while older.count():
        before = rows.count()
        older.click()
        expect(rows).not_to_have_count(before)
    done = ["letter.requeue", "task.review", "ad.change", "ad.add", "video.write"]
    done += ["question.write", "configuration.change", "pay.propose", "pay.approve"]
    for action in done:
        expect(boss.row(action).first).to_be_visible()
    shot(boss.page, "trail-at-the-end")


def _look_around(boss: Desk, shot: Shot) -> None:
    for name in PAGES:
        boss.go(name)
        boss.page.evaluate("() => document.fonts.ready")
        boss.assert_accessible()
        shot(boss.page, f"page-{name}")
        assert boss.page.title() == f"{PAGES[name]} · TWTC console"


def _requeue(boss: Desk, processes: Processes, town: Town, shot: Shot) -> None:
    boss.go("operations")
    expect(boss.page.get_by_text("1 dead letter to look at.")).to_be_visible()
    until(lambda: boss.page.get_by_text("alive", exact=True).count() > 0, "a live worker")
    row = boss.row("ValueError: boom")
    row.get_by_role("button", name="Requeue").click()
    boss.assert_accessible()
    shot(boss.page, "requeue")
    boss.page.keyboard.press("Escape")
    expect(row.get_by_role("button", name="Requeue")).to_be_focused()
    boss.act("Requeue", "mended in 1.2.3", row)
    until(lambda: is_applied(processes, town.tokens["boss"], town.letter_id), "the dead letter")
    expect(boss.page.get_by_text("No dead letters.")).to_be_visible()


def _look_up(boss: Desk, processes: Processes, town: Town, shot: Shot) -> None:
    boss.go("users")
    boss.page.fill("input[name=find]", "Ann@example.com")
    boss.page.keyboard.press("Enter")
    user_id = town.ids["ann"]
    expect(boss.page.get_by_role("heading", level=1)).to_have_text(f"User {user_id}")
    expect(boss.page.get_by_text("ann@example.com")).to_be_visible()
    for name, text in (
        ("Devices", "Recognised devices"),
        ("Activity", "Details"),
        ("Suspicions", "Multi account"),
        ("Who looked, who acted", "user.activity"),
    ):
        boss.page.get_by_role("link", name=name, exact=True).click()
        expect(boss.page.get_by_text(text).first).to_be_visible()
        boss.settle()
        boss.assert_accessible()
        shot(boss.page, f"user-{name.split(',')[0].lower().replace(' ', '-')}")
    looked = trail_of(processes, town.tokens["boss"], user_id)
    assert looked == ["fraud.view", "user.activity", "user.devices", "user.view", "user.find"]
    boss.act("Disable", "asked by telephone")
    expect(boss.page.get_by_text("disabled", exact=True)).to_be_visible()
    boss.act("Enable", "called back")
    expect(boss.page.get_by_text("in use", exact=True)).to_be_visible()


def _decide(boss: Desk, processes: Processes, town: Town, shot: Shot) -> None:
    boss.go("fraud")
    expect(boss.row("Multi account")).to_have_count(4 - 1)  # disabling Ann decided hers
    bob = boss.page.get_by_role("row").filter(
        has=boss.page.get_by_role("link", name=str(town.ids["bob"]), exact=True)
    )
    boss.act("Release", "a family with one phone", bob)
    expect(boss.row("Multi account")).to_have_count(2)
    boss.page.get_by_role("link", name="Everything").click()
    expect(boss.page.get_by_text("released by")).to_be_visible()
    boss.settle()
    shot(boss.page, "fraud-everything")
    assert trail_of(processes, town.tokens["boss"], town.ids["bob"])[0] == "fraud.release"


def _approve_task(boss: Desk, processes: Processes, town: Town) -> None:
    boss.go("reviews")
    expect(boss.page.get_by_role("link", name="https://example.com/@ann/petra")).to_be_visible()
    boss.page.get_by_role("button", name="Approve").click()
    boss.page.get_by_role("button", name="Approve and pay").click()
    expect(boss.page.get_by_text("Nothing waits for a verdict.")).to_be_visible()
    assert trail_of(processes, town.tokens["boss"], town.ids["ann"])[0] == "task.review"

    def is_paid() -> bool:
        boss.page.goto(f"{processes.url}/console#/users/{town.ids['ann']}/activity")
        boss.page.get_by_role("link", name="Ledger", exact=True).click()
        boss.settle()
        return boss.row("task:").count() == 1

    until(is_paid, "the task's coins")


def _change_an_ad_unit(boss: Desk, shot: Shot) -> None:
    boss.go("ads")
    row = boss.row("house-rewarded")
    row.get_by_role("button", name="Change").click()
    boss.assert_accessible()
    shot(boss.page, "ad-unit")
    boss.page.keyboard.press("Escape")
    boss.act("Change", "a longer spot", row, weight="25", usd="0.0045")
    expect(row).to_contain_text("25")
    expect(row).to_contain_text("0.0045")
    boss.act("Add a unit", "a second placement", network="admob", unit="ca-app-pub-1/2", weight="5")
    expect(boss.row("ca-app-pub-1/2")).to_be_visible()


def _write_content(boss: Desk, admin: Desk, shot: Shot) -> None:
    boss.go("content")
    for kind in ("Articles", "Questions", "Kinds of tasks", "Videos"):
        boss.page.get_by_role("link", name=kind, exact=True).click()
        expect(boss.page.get_by_role("region", name=kind)).to_be_visible()
        boss.settle()
        shot(boss.page, f"content-{kind.lower().replace(' ', '-')}")
    boss.page.get_by_label("Filter").fill("petra")
    boss.page.get_by_role("link", name="Add a video").click()
    page = boss.page
    page.get_by_label("Provider").first.select_option("own")
    given = {"provider_id": "petra-2", "title": "Petra by night", "channel": "TWTC"}
    for name, value in (given | {"country": "JO", "reason": "for the season"}).items():
        page.fill(f"[name={name}]", value)
    boss.assert_accessible()
    shot(page, "content-form")
    page.get_by_role("button", name="Add", exact=True).click()
    boss.settle()
    _approve(boss, admin, "own:petra-2")
    boss.go("content")
    expect(boss.row("Petra by night")).to_contain_text("150 %")
    _ask_about(boss, "own:petra-2")
    page.get_by_role("link", name="Questions", exact=True).click()
    expect(page.get_by_role("link", name="Change video:petra-2")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Change").first.click()
    question = page.input_value("[name='text.en']")
    page.fill("[name='text.en']", f"Now: {question}")
    page.fill("[name=reason]", "clearer")
    boss.assert_accessible()
    page.get_by_role("button", name="Change", exact=True).click()
    expect(boss.row(f"Now: {question}")).to_be_visible()


def _ask_about(boss: Desk, video: str) -> None:
    """Give a video another question, from its own row."""
    page, row = boss.page, boss.row("Petra by night")
    expect(row).to_contain_text("0 Add")
    row.get_by_role("link", name=f"Add a question to {video}").click()
    expect(page.locator("[name=video_id]")).to_have_value(video)
    given = {"key": "video:petra-2", "country": "JO", "reason": "to draw from"}
    given |= {"text.en": "What lights Petra by night?", "text.ar": "بم تُضاء البتراء ليلًا؟"}
    for place in range(4):
        given |= {f"options.{language}.{place}": f"{language} {place}" for language in ("en", "ar")}
    for name, value in given.items():
        page.fill(f"[name='{name}']", value)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(boss.row("What lights Petra by night?")).to_be_visible()
    page.get_by_role("link", name="Videos", exact=True).click()
    expect(row).to_contain_text("1 Add")


def _approve(boss: Desk, admin: Desk, what: str) -> None:
    """A colleague approves what is paid; who proposed it cannot."""
    boss.go("adjustments")
    expect(boss.row(what)).to_contain_text("A colleague decides.")
    expect(boss.row(what).get_by_role("button", name="Approve")).to_have_count(0)
    admin.go("operations")
    admin.go("adjustments")
    admin.act("Approve", "I looked it up", admin.row(what))
    expect(admin.row(what)).to_contain_text("Approved")


def _make_a_version(boss: Desk, admin: Desk, shot: Shot) -> None:
    boss.go("configuration")
    page = boss.page
    page.get_by_role("link", name="Propose the next version").click()
    page.fill("[name='mix.ADS']", "9")  # twenty-one in all
    page.fill("[name=base_rate_micro_per_hour]", "30")
    page.fill("[name=reason]", "the high season")
    boss.assert_accessible()
    page.get_by_role("button", name="Propose the version").click()
    expect(page.get_by_role("alert")).to_contain_text("task_mix must name 20 tasks")
    shot(page, "configuration-refused")
    page.fill("[name='mix.ADS']", "8")
    page.get_by_role("button", name="Propose the version").click()
    expect(boss.row("the high season")).to_contain_text("25 → 30 TWTC an hour")
    boss.assert_accessible()
    shot(page, "pay-proposed")
    _approve(boss, admin, "the high season")
    boss.go("configuration")
    expect(boss.row("the high season")).to_contain_text("to come")
    expect(boss.row("the high season")).to_contain_text("25 → 30 TWTC an hour")
    shot(page, "configuration-changed")


def _move_coins(boss: Desk, admin: Desk, processes: Processes, town: Town, shot: Shot) -> None:
    boss.go("adjustments")
    boss.act(
        "Propose an adjustment", "an outage on Monday", user=str(town.ids["cyd"]), amount="12.5"
    )
    mine = boss.row("an outage on Monday")
    expect(mine).to_contain_text("A colleague decides.")
    expect(mine.get_by_role("button", name="Approve")).to_have_count(0)
    expect(admin.page.locator("nav a[href='#/log']")).to_have_count(0)
    admin.page.get_by_role("button", name="Read again").click()
    admin.act("Approve", "I saw it too", admin.row("an outage on Monday"))

    def is_applied_now() -> bool:
        boss.page.get_by_role("button", name="Read again").click()
        return boss.row("an outage on Monday").get_by_text("Applied").count() == 1

    until(is_applied_now, "the adjustment")
    shot(boss.page, "adjustments-applied")
    shown = trail_of(processes, town.tokens["boss"], town.ids["cyd"])
    assert shown[:2] == ["adjustment.approve", "adjustment.propose"]


def _change_an_address(
    boss: Desk, admin: Desk, processes: Processes, town: Town, shot: Shot
) -> None:
    boss.page.goto(f"{processes.url}/console#/users/{town.ids['cyd']}")
    boss.settle()
    boss.act("Propose another address", "came with papers", address="cyd.new@example.com")
    admin.go("contacts")
    row = admin.row("came with papers")
    expect(row).to_contain_text("cyd.new@example.com")
    admin.act("Approve", "compared the papers", row)
    expect(admin.row("came with papers")).to_contain_text("Waiting")
    shot(admin.page, "contacts-approved")
    boss.go("contacts")
    expect(boss.row("came with papers").get_by_role("button", name="Approve")).to_have_count(0)


def _download(boss: Desk, tmp_path: Path) -> None:
    boss.go("facts")
    boss.page.get_by_role("button", name="Week").click()
    expect(boss.page.get_by_label("Day by day").get_by_role("row")).to_have_count(1 + 7)
    with boss.page.expect_download() as started:
        boss.page.get_by_role("button", name="Download CSV").click()
    file = tmp_path / "facts.csv"
    started.value.save_as(file)
    lines = file.read_text().splitlines()
    assert lines[0] == "day,name,label,value"
    assert len({line.split(",")[0] for line in lines[1:]}) == 7
    assert started.value.suggested_filename.startswith("twtc-")


def test_each_role_finds_its_own_pages(
    town: Town, processes: Processes, sit_down: Callable[..., Desk], shot: Shot
) -> None:
    narrow = {"viewport": {"width": 400, "height": 800}, "color_scheme": "dark"}
    boss = sit_down("boss", **narrow)
    _look_at_all(boss, list(PAGES), shot)
    boss.page.goto(f"{processes.url}/console#/users/{town.ids['bob']}/devices")
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
    moderator.page.goto(
        f"{processes.url}/console#/configuration"
    )  # what is not theirs is not shown
    expect(moderator.page.get_by_role("heading", level=1)).to_have_text("No such page")
    moderator.page.goto(f"{processes.url}/console#/users/{town.ids['bob']}")
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
