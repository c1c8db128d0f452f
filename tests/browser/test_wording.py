"""How the app words what has no words of its own: devices, countries, coins."""

from playwright.sync_api import expect

from tests.browser.member import Phones
from tests.kit.processes import Processes

MOZILLA = "Mozilla/5.0"
DEVICES = {
    f"{MOZILLA} (Linux; Android 14; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36": "Chrome on Android",
    f"{MOZILLA} (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/21.0 Chrome/110.0.5481.154 Mobile Safari/537.36": "Samsung Internet on Android",
    f"{MOZILLA} (iPhone; CPU iPhone OS 15_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/15.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
    f"{MOZILLA} (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) CriOS/126.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
    f"{MOZILLA} (Macintosh; Intel Mac OS X 14.5; rv:127.0) Gecko/20100101 Firefox/127.0": (
        "Firefox on Mac"
    ),
    f"{MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0": "Edge on Windows",
    "python-httpx/0.28.1": "python-httpx",
    "okhttp/4.12.0": "okhttp",
    "": "Unknown device",
}
ASK = """
async (agents) => {
  const { country, deviceOf } = await import("/app/format.js");
  const known = country("JO");
  delete Intl.DisplayNames;
  return [agents.map(deviceOf), known, country("EG")];
}
"""


def test_devices_and_countries_have_names(phone: Phones, processes: Processes) -> None:
    page = phone("en").new_page()
    page.goto(processes.url + "/")
    expect(page.locator("form")).to_be_visible()
    named, known, unknown = page.evaluate(ASK, list(DEVICES))
    assert dict(zip(DEVICES, named, strict=True)) == DEVICES
    assert (known, unknown) == ("Jordan", "EG")
