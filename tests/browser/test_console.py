"""An operator's day at the console, by role."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.desk import PAGES, Desk, sit_down
from tests.browser.member import Shot
from tests.browser.town import Town, is_applied, trail_of
from tests.kit.processes import Processes, until

__all__ = ["sit_down"]  # a fixture


def test_an_operators_day(
    town: Town, sit_down: Callable[..., Desk], shot: Shot, tmp_path: Path
) -> None:
    processes = town.processes
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
