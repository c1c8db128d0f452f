"""A phone of 2021: what it does not have is taken from the browser, and the app does without."""

from playwright.sync_api import expect

from tests.browser.member import Member, Phones
from tests.kit.floor import WITHOUT
from tests.kit.processes import Processes, until


def test_a_phone_of_2021_mines(phone: Phones, processes: Processes) -> None:
    context = phone("en")
    context.add_init_script(WITHOUT)
    member = Member(context, processes, "old")
    page = member.page
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url))
    member.open()
    assert page.evaluate("[typeof AbortSignal.any, typeof crypto.randomUUID]") == ["undefined"] * 2
    member.sign_up()
    member.start()
    expect(page.locator("dialog.over")).to_be_visible()
    page.keyboard.press("Escape")
    member.assert_accessible()
    member.watch_ad()
    until(lambda: member.balance() > 0, "the first coins")
    member.go("tasks")
    expect(page.locator(".task").first).to_be_visible()
    member.go("me")
    expect(page.get_by_text(member.email)).to_be_visible()
    assert any(url.endswith("/v1/events") for url in streams), "it was not told, it asked"
    assert member.complaints == []


def test_a_fault_of_the_app_is_said_and_is_no_lost_connection(
    phone: Phones, processes: Processes
) -> None:
    context = phone("en")
    context.add_init_script("delete window.TextDecoder")
    member = Member(context, processes, "odd")
    member.open()
    member.sign_up()
    expect(member.page.locator("main .problem")).to_contain_text("TextDecoder")
    expect(member.page.locator("#offline")).to_have_count(0)
    expect(member.page.locator("#balance")).to_be_visible()  # it asks instead
