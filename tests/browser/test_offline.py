"""A network that says nothing or is not there, and storage that is full or forbidden."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.member import Member, Phones, Shot, look, until_all_is_kept
from tests.browser.way import Way, way_to
from tests.kit.processes import Processes, until

IS_SERVED = "navigator.serviceWorker.ready.then(() => true)"
NO_CACHES = b"""
Object.defineProperty(self, "caches", { get() { throw new DOMException("no", "SecurityError"); } });
"""
NO_STORAGE = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError"); } });
}
"""
RELEASE = b"document.documentElement.dataset.release = 'next';\n"
HAS_NEXT = """
  caches.match("/app/main.js").then((kept) => kept.text()).then((text) => text.includes("release"))
"""
CAN_KEEP = """
  caches.open("twtc-shell-1").then((cache) => cache.put("/app/x", new Response("x".repeat(9999))))
    .then(() => true, () => false)
"""
LAST = "localStorage.getItem('twtc.last')"


@pytest.fixture
def way(processes: Processes) -> Iterator[Way]:
    """Between the browser and the server."""
    with way_to(processes.url) as opened:
        processes.url = opened.url
        yield opened
        processes.url = f"http://127.0.0.1:{processes.port}"


def opened(page: Page, way: Way) -> None:
    """Open the app. It is there, whatever the network and the storage do."""
    page.goto(way.url + "/", wait_until="commit")
    # It asks who is signed in first, and waits before it says that nobody answers.
    expect(page.locator("form")).to_be_visible(timeout=60_000)


def keeps_next_release(page: Page, way: Way) -> None:
    """What the server has now is what is shown now."""
    way.changes["/app/main.js"] = RELEASE
    opened(page, way)
    expect(page.locator("html")).to_have_attribute("data-release", "next")


def test_full_storage_neither_closes_the_app_nor_makes_it_old(
    phone: Phones, processes: Processes, way: Way
) -> None:
    page = phone("en").new_page()
    opened(page, way)
    page.evaluate(IS_SERVED)
    until_all_is_kept(page)
    tools = page.context.new_cdp_session(page)
    tools.send("Storage.overrideQuotaForOrigin", {"origin": way.url, "quotaSize": 1})
    assert not page.evaluate(CAN_KEEP), "the storage is not full"
    keeps_next_release(page, way)


def test_forbidden_storage_closes_nothing(phone: Phones, processes: Processes, way: Way) -> None:
    way.changes["/sw.js"] = NO_CACHES
    context = phone("en")
    context.add_init_script(NO_STORAGE)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    opened(page, way)
    page.evaluate(IS_SERVED)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    keeps_next_release(page, way)
    assert errors == []


def test_a_silent_network_opens_what_was_kept(
    phone: Phones, processes: Processes, way: Way
) -> None:
    page = phone("en").new_page()
    opened(page, way)
    page.evaluate(IS_SERVED)
    until_all_is_kept(page)
    way.changes["/app/main.js"] = RELEASE
    way.speaks.clear()
    opened(page, way)
    expect(page.locator("html")).not_to_have_attribute("data-release", "next")
    way.speaks.set()  # late, but kept for the next time
    until(lambda: page.evaluate(HAS_NEXT), "the next release in the cache")
    way.speaks.clear()
    opened(page, way)
    expect(page.locator("html")).to_have_attribute("data-release", "next")


def test_what_was_known_last_is_shown_while_nobody_answers(
    phone: Phones, processes: Processes, way: Way, shot: Shot
) -> None:
    member = Member(phone("en"), processes, "eve")
    page = member.page
    member.open()
    member.sign_up()
    member.start()
    member.watch_ad()
    until(lambda: member.balance() > 0, "the first coins")
    member.go("tasks")
    page.wait_for_selector(".task")
    member.go("wallet")
    expect(page.locator("#pending")).to_contain_text("+")
    expect(page.locator("#spendable")).to_contain_text("when the session has ended")
    expect(page.get_by_text("No coins yet")).to_have_count(0)
    assert float(page.inner_text("#total")) > 0
    shot(page, "wallet")
    until_all_is_kept(page)
    member.go("mine")
    way.speaks.clear()
    page.reload(wait_until="commit")
    expect(page.locator(".as-of")).to_be_visible(timeout=60_000)  # the app waits before it says so
    assert member.balance() > 0
    expect(page.locator("#left")).to_be_visible()
    member.context.set_offline(True)
    expect(page.locator("#again")).to_be_visible()
    assert page.locator("#start, #watch").count() == 0
    look(member, shot, "offline")
    member.go("tasks")
    expect(page.locator(".task").first).to_be_visible()
    expect(page.locator(".task button:not([disabled])")).to_have_count(0)
    for view in ("wallet", "boosts", "me"):
        member.go(view)
        expect(page.locator("main .problem")).to_be_visible()
        expect(page.get_by_text("Loading")).to_have_count(0)
    way.speaks.set()
    member.context.set_offline(False)
    page.click("#again")
    expect(page.locator("#again")).to_have_count(0)
    expect(page.locator(".as-of")).to_have_count(0)
    expect(page.get_by_text(member.email)).to_be_visible()  # by itself
    assert page.evaluate(LAST)
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(page.locator("h1")).to_have_text("Sign in")  # somebody has an account here
    assert page.evaluate(LAST) is None
    assert member.complaints == []
