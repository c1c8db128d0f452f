"""Forms: Enter sends them, what is wrong is said at the field, and what has to be kept can be."""

from pathlib import Path

import pyotp
from playwright.sync_api import expect

from tests.browser.member import PASSWORD, Member, Phones, Shot, look, wrong_at
from tests.kit.processes import Processes


def test_a_second_factor_is_set_up_and_asked_for(
    phone: Phones, processes: Processes, shot: Shot, tmp_path: Path
) -> None:
    context = phone("en", permissions=["clipboard-read", "clipboard-write"])
    member = Member(context, processes, "two")
    page = member.page
    member.open()
    member.sign_up()
    page.wait_for_selector("#balance")
    member.go("me")
    page.get_by_role("button", name="Authenticator app").click()
    page.locator("dialog [name=password]").press("Enter")
    expect(wrong_at(page, "password")).to_have_text("This is needed.")
    page.fill("dialog [name=password]", "not my password")
    page.locator("dialog [name=password]").press("Enter")
    expect(wrong_at(page, "password")).to_have_text("The password is wrong.")
    look(member, shot, "wrong-password")
    page.fill("dialog [name=password]", PASSWORD)
    page.locator("dialog [name=password]").press("Enter")
    expect(page.locator(".qr path")).to_be_attached()
    look(member, shot, "enrolment")
    secret = page.inner_text("#secret")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.fill("dialog [name=code]", "000")
    page.locator("dialog [name=code]").press("Enter")
    expect(wrong_at(page, "code")).to_contain_text("six digits")
    page.fill("dialog [name=code]", pyotp.TOTP(secret).now())
    page.locator("dialog [name=code]").press("Enter")
    expect(page.locator(".codes code")).to_have_count(10)
    look(member, shot, "recovery")
    with page.expect_download() as download:
        page.locator("dialog").get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "codes.txt")
    codes = page.locator(".codes code").all_inner_texts()
    assert (tmp_path / "codes.txt").read_text().split() == codes
    page.locator("dialog header button").click()
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    page.fill("[name=username]", member.email)
    page.fill("[name=password]", PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.get_by_role("button", name="Use another way").click()
    page.get_by_label("Recovery code").fill(codes[0])
    look(member, shot, "second-step")
    page.get_by_label("Recovery code").press("Enter")
    page.wait_for_selector("nav")
    member.go("me")
    page.get_by_role("button", name="Authenticator app").click()
    page.fill("dialog [name=password]", PASSWORD)
    page.locator("dialog [name=password]").press("Enter")
    expect(page.locator("dialog [name=code]")).to_be_visible()
    page.locator("dialog").get_by_role("button", name="Use another way").click()
    page.fill("dialog [name=code]", codes[1])
    page.locator("dialog [name=code]").press("Enter")
    expect(page.locator("dialog").get_by_role("button", name="Set up")).to_be_visible()
    expect(page.locator("dialog [name=code]")).to_have_count(0)
    assert member.complaints == []


def test_the_profile_names_countries_and_devices(
    phone: Phones, processes: Processes, shot: Shot
) -> None:
    member = Member(phone("ar"), processes, "you")
    page = member.page
    member.open()
    member.sign_up()
    page.wait_for_selector("#balance")
    member.go("me")
    country = page.locator("[name=country]")
    assert country.evaluate("box => [...box.options].some((one) => one.text === 'الأردن')")
    country.select_option("JO")
    page.fill("[name=display_name]", "سلمى")
    page.locator("[name=display_name]").press("Enter")
    expect(page.locator(".good")).to_be_visible()
    expect(page.locator(".rows strong")).to_have_text("Chrome على Android")
    look(member, shot, "profile")
    page.reload()
    expect(country).to_have_value("JO")
    assert member.complaints == []
