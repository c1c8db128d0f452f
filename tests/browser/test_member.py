"""A member's day on a phone, in both languages; and a bad day."""

from collections.abc import Sequence

import msgspec
import pytest
from playwright.sync_api import Request, expect

from api.networks.house import page_url
from models.base.db import Database, Row, connected, rows, sql
from tests.browser.member import Member, Phones, Shot, answer_right, look, until_all_is_kept
from tests.kit.databases import on_database
from tests.kit.processes import Processes, until
from tests.kit.programs import is_listening

QUESTIONS = sql("SELECT text, options, correct_index FROM questions")


OPENS = {"en": "Opens when part 1 is finished", "ar": "تُفتح عند إنهاء الجزء 1"}

Answers = dict[str, str]


@pytest.fixture
def answers(processes: Processes) -> dict[str, Answers]:
    """The right option of every question, by language."""
    known: dict[str, Answers] = {"en": {}, "ar": {}}
    for row in on_database(processes.config.database_url, _questions):
        texts, options = msgspec.json.decode(row.text), msgspec.json.decode(row.options)
        for language, right in known.items():
            right[" ".join(texts[language].split())] = options[language][row.correct_index]
    return known


async def _questions(database: Database) -> Sequence[Row]:
    async with connected(database) as connection:
        return await rows(connection, QUESTIONS)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_members_day(
    processes: Processes,
    answers: dict[str, Answers],
    phone: Phones,
    shot: Shot,
    language: str,
) -> None:
    scheme = "dark" if language == "ar" else "light"
    member = Member(phone(language, color_scheme=scheme), processes, language)
    page = member.page
    member.open()
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    page.wait_for_selector("form")
    look(member, shot, "1-sign-up")
    member.sign_up()
    expect(page.locator(".facts")).to_be_visible()
    look(member, shot, "2-waiting")
    _mine(member, shot)
    _boost(member, shot, answers[language])
    _tasks(member, shot, answers[language], is_patient=language == "en")
    for view in ("wallet", "inbox", "me"):
        member.go(view)
        page.wait_for_selector("main .rows li")
        if view == "wallet":  # more than an account that is not proven may spend in a day
            expect(page.locator("#spendable li").first).to_be_visible()
        look(member, shot, f"8-{view}")
        if view == "inbox":
            expect(page.locator("main .rows")).to_contain_text("+150 TWTC")
    page.reload()  # the cookie remembers who is signed in
    expect(page.locator("nav")).to_be_visible()
    assert member.complaints == []


def _mine(member: Member, shot: Shot) -> None:
    page = member.page
    page.wait_for_selector("#start", timeout=90_000)
    look(member, shot, "3-window-open")
    member.start()
    page.wait_for_selector("dialog .seconds")
    shot(page, "4-ad")
    assert page.locator("dialog header button").count() == 0, "the ad can be skipped"
    member.watch_ad()
    until(lambda: member.balance() > 0, "the first coins")
    look(member, shot, "5-mining")


def _boost(member: Member, shot: Shot, answers: Answers) -> None:
    page = member.page
    member.go("boosts")
    film = page.locator(".video", has_text="Petra by night").locator(".button")
    film.wait_for()
    look(member, shot, "6-boosts")
    film.click()
    page.wait_for_selector(".player video")
    page.evaluate("document.querySelector('.player video').play()")
    page.wait_for_selector(".question")
    look(member, shot, "6-question")
    answer_right(page, answers)
    expect(page.locator("#boost-result.good")).to_contain_text("150")
    shot(page, "6-boost-paid")
    member.close_sheet()
    expect(film).to_be_disabled()


def _tasks(member: Member, shot: Shot, answers: Answers, *, is_patient: bool) -> None:
    """One task of each kind; who is impatient opens an article and does not read it to its end."""
    page = member.page
    member.go("tasks")
    page.wait_for_selector(".task")
    look(member, shot, "7-tasks")
    locked = page.locator(".task.locked")
    expect(locked).to_have_count(15)
    expect(locked.first.locator("small")).to_contain_text(
        OPENS[str(page.get_attribute("html", "lang"))]
    )
    done: set[str] = set()
    for place in range(5):  # the first wave
        row = page.locator(".task").nth(place)
        kind = _kind(row.locator("path").get_attribute("d"))
        if kind in done or kind == "SOCIAL":
            continue
        row.locator("button").click()
        if kind == "ADS":
            page.wait_for_selector("#ad-done", timeout=60_000)
        elif kind == "QUIZ":
            page.wait_for_selector(".question")
            look(member, shot, "7-quiz")
            answer_right(page, answers)
            page.wait_for_selector("#task-paid")
        else:
            page.wait_for_selector("article p")
            look(member, shot, "7-reading")
            if not is_patient:
                page.click("dialog header button")
                expect(page.locator("dialog")).to_have_count(0)
                done.add(kind)
                continue
            page.click("dialog .button.primary:not([disabled])")
            page.wait_for_selector("#task-paid")
        member.close_sheet()
        expect(page.locator(".task").nth(place)).to_have_class("task completed")
        done.add(kind)
    assert done


def _kind(path: str | None) -> str:
    starts = {"M8 5": "ADS", "M12 6": "CONTENT", "M9 9": "QUIZ", "M12 20": "SOCIAL"}
    return next(kind for start, kind in starts.items() if (path or "").startswith(start))


def test_the_worker_dies_meanwhile(phone: Phones, processes: Processes, shot: Shot) -> None:
    member = Member(phone("en"), processes, "ann")
    member.open()
    member.sign_up()
    member.page.wait_for_selector("#start", timeout=90_000)
    processes.kill("worker")
    member.page.click("#start")
    expect(member.page.get_by_text("Waiting for the server to apply it")).to_be_visible(
        timeout=20_000
    )
    shot(member.page, "waiting")
    processes.start("worker")
    member.watch_ad()
    until(lambda: member.balance() > 0, "the first coins")
    assert member.complaints == []


def test_without_a_connection_it_says_so_and_goes_on(
    phone: Phones, processes: Processes, shot: Shot
) -> None:
    member = Member(phone("en"), processes, "bob")
    page = member.page
    member.open()
    member.sign_up()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    until_all_is_kept(page)
    page.wait_for_selector("#start", timeout=90_000)
    starts: list[str] = []
    page.on("request", lambda request: note_start(request, starts))
    member.context.set_offline(True)
    page.click("#start")
    expect(page.locator("#offline")).to_be_visible()
    shot(page, "offline")
    page.reload()  # the app itself is there without a network
    expect(page.locator(".brand")).to_be_visible()
    expect(page.locator("#offline")).to_be_visible()
    member.context.set_offline(False)
    page.click("#watch")  # what was begun before was sent
    member.watch_ad()
    assert len(starts) > 1
    assert len({*starts}) == 1, "another key after the reload"


def note_start(request: Request, starts: list[str]) -> None:
    """Keep the key of a start."""
    if request.method == "POST" and request.url.endswith("/v1/mining/sessions"):
        starts.append(request.headers["idempotency-key"])


def test_an_ad_that_is_shown_again_does_not_count_below_nothing(
    phone: Phones, processes: Processes
) -> None:
    page = phone("en").new_page()
    partner = f"http://127.0.0.1:{processes.partner_port}"
    until(lambda: is_listening(processes.partner_port), "the partner")
    page.goto(page_url(partner, "house-rewarded", "n" * 40, 1, processes.config.house_secrets))
    expect(page.locator("#count")).to_have_text("0")
    page.reload()
    assert page.inner_text("#count") == "0"


def test_it_is_small_quick_and_installable(phone: Phones, processes: Processes) -> None:
    page = phone("en").new_page()
    tools = page.context.new_cdp_session(page)
    transferred: list[float] = []
    tools.on(
        "Network.loadingFinished", lambda event: transferred.append(event["encodedDataLength"])
    )
    tools.send("Network.enable")
    # Seconds of the page's own thread: those of the clock would tell what else the machine does.
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(processes.url + "/")
    page.wait_for_selector("form")
    metrics = {m["name"]: m["value"] for m in tools.send("Performance.getMetrics")["metrics"]}
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    assert 20_000 < sum(transferred) < 150_000
    assert 0 < metrics["TaskDuration"] < 1
    manifest = tools.send("Page.getAppManifest")
    assert manifest["url"].endswith("/manifest.webmanifest")
    assert manifest["errors"] == []
    errors = tools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [e["errorId"] for e in errors if e["errorId"] != "in-incognito"] == []


def test_a_page_may_load_only_what_it_is_made_of(phone: Phones, processes: Processes) -> None:
    page = phone("en").new_page()
    answer = page.goto(processes.url + "/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "'unsafe" not in policy
    assert "default-src 'none'" in policy
    page.wait_for_selector("form")
    refused = page.evaluate("""() => new Promise((done) => {
        addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "document.title = 'owned'";
        document.body.append(script);
    })""")
    assert refused.startswith("script-src")
    assert page.title() != "owned"


def test_the_document_is_shown_without_scripts_of_others(
    phone: Phones, processes: Processes
) -> None:
    page = phone("en").new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    answer = page.goto(f"{processes.url}/docs")
    assert answer is not None
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    expect(page.locator(".opblock").first).to_be_visible()
    assert {url for url in asked if not url.startswith((processes.url, "data:"))} == set()
    assert errors == []
