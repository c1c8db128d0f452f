"""Changing one's address in the app, and taking it back."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.member import PASSWORD, Member, Phones, look
from tests.kit.accounts import last_code
from tests.kit.processes import Processes, until


def test_an_address_is_changed_and_taken_back(
    phone: Phones, processes: Processes, shot: Callable[[Page, str], None]
) -> None:
    member = Member(phone("en"), processes, "ann")
    page, outbox = member.page, Path(processes.config.outbox_dir)
    new = f"new.{member.email}"
    member.open()
    member.sign_up()
    member.go("me")
    page.get_by_role("button", name="Change the address").click()
    page.fill("input[name=contact]", new)
    page.fill("dialog input[type=password]", PASSWORD)
    look(member, shot, "1-change")
    page.get_by_role("button", name="Send the code").click()
    expect(page.locator("main")).to_contain_text(f"sent to {new}")
    until(lambda: (outbox / new).exists(), "a message to the new address")
    page.fill("input[name=contact-code]", last_code(processes.config, new))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(f"You sign in with {new} from")
    look(member, shot, "2-waiting")
    former = outbox / member.email
    until(lambda: "another address" in former.read_text(), "a message to the former address")
    message = former.read_text()
    [code] = re.findall(r"\b[0-9]{6}\b", message)
    [word] = re.findall(r"^[0-9]+\.\S{20,}$", message, re.MULTILINE)
    page.fill("input[name=contact-code]", code)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("can take that back until")
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    page.get_by_role("button", name="Undo a change of address").click()
    page.fill("input[name=token]", word)
    look(member, shot, "3-undo")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Your address is back")
    assert member.complaints == []
