"""Coming back: what was typed once is kept, Enter sends every form, and errors stand at fields."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.member import Member, Phones, Shot, look, wrong_at
from tests.kit.accounts import last_code
from tests.kit.processes import Processes, until

ANOTHER = "another horse battery"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_forgotten_password(
    phone: Phones, processes: Processes, shot: Shot, language: str
) -> None:
    member = Member(phone(language, color_scheme="dark"), processes, f"back-{language}")
    page = member.page
    address, password = page.locator("[name=username]"), page.locator("[name=password]")
    member.open()
    address.press("Enter")
    expect(wrong_at(page, "username")).to_be_visible()
    address.fill("nobody at nowhere@")
    password.fill("correct horse")
    password.press("Enter")
    said = {"en": "not an e-mail address", "ar": "ليس بريدًا إلكترونيًا"}
    expect(wrong_at(page, "username")).to_contain_text(said[language])
    look(member, shot, "wrong-address")
    member.sign_up()
    page.wait_for_selector("#balance")
    member.go("me")
    page.locator("main > section > .button").click()  # out
    expect(page.get_by_role("heading", level=1)).to_have_text(
        {"en": "Sign in", "ar": "تسجيل الدخول"}[language]
    )
    address.fill(member.email)
    forgotten = {"en": "Forgot your password?", "ar": "نسيت كلمة المرور؟"}
    page.get_by_role("button", name=forgotten[language]).click()
    expect(address).to_have_value(member.email)
    outbox = Path(processes.config.outbox_dir) / member.email
    before = outbox.read_text()
    address.press("Enter")
    page.wait_for_selector("[name=code]")
    until(lambda: outbox.read_text() != before, "the message")
    page.fill("[name=code]", last_code(processes.config, member.email))
    password.fill(ANOTHER)
    look(member, shot, "forgotten")
    password.press("Enter")
    expect(page.locator("[name=code]")).to_have_count(0)
    expect(address).to_have_value(member.email)
    password.fill(ANOTHER)
    password.press("Enter")
    page.wait_for_selector("nav")
    assert member.complaints == []
