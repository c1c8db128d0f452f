"""Every pattern of ours takes time in proportion to the text, whatever the text is."""

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import pytest

import api
import engine
import models
from api.web_base.cookies import value_in
from runtime.telemetry.logs import PERSONAL, TEXT_MAX, without_persons
from tests.kit.root import ROOT

CHARACTERS = 4_000
RATIO_MAX = 2.5
# A text of the one, many times the other, and the third.
BEFORE = ("", "+1", "eyJa.", "bearer ", "a@")
MANY = ("a", "A1", "a.", "a@", "-", "a-", "eyJ", "-eyJ", "eyJa.", "://", "1", "1.", ":", "f:", "+1",
        "1 ", "bearer ", " ", "(", "=", "%26", "wait=", ",")  # fmt: skip
AFTER = ("", "!", "@")


def patterns() -> dict[str, re.Pattern[str]]:
    """Those that modules of the pages, rules and statements have, and each kind of redaction."""
    found = {f"redaction {n}": re.compile(text) for n, text in enumerate(PERSONAL)}
    for package in (api, engine, models):
        for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if ".migrations." in info.name or info.name.endswith(".spans"):
                continue
            module = importlib.import_module(info.name)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    found[f"{info.name}.{name}"] = value
                if isinstance(value, dict):
                    forms = {k: v for k, v in value.items() if isinstance(v, re.Pattern)}
                    found |= {f"{info.name}.{name}.{key}": form for key, form in forms.items()}
    for path in [*ROOT.glob("api/**/*.py"), *ROOT.glob("engine/**/*.py"), ROOT / "partner/app.py"]:
        for number, text in enumerate(re.findall(r'pattern=r?f?"([^"]+)"', path.read_text())):
            if "{NONCE" not in text:
                found[f"{path.relative_to(ROOT)} {number}"] = re.compile(text)
    return found


PATTERNS = patterns()


def texts() -> Iterator[tuple[str, str, str]]:
    return product(BEFORE, MANY, AFTER)


def seconds(work: Callable[[], object], times: int) -> float:
    """The best of some: processor time, since others have the processor too."""
    best = float("inf")
    for _ in range(times):
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
    return best


def is_linear(
    work: Callable[[str], object], before: str, many: str, after: str, size: int = CHARACTERS
) -> bool:
    """Whether twice the text takes about twice the time; if it seems not, with more care."""
    short, long = (before + many * (n // len(many)) + after for n in (size, 2 * size))
    for times in (1, 5, 25):
        limit = RATIO_MAX * seconds(lambda: work(short), times)
        if seconds(lambda: work(long), times) <= max(limit, 0.0002):
            return True
    return False


def test_the_patterns_are_found() -> None:
    assert {"api.intake.submit._KEY", "redaction 6"} <= PATTERNS.keys()
    assert len(PATTERNS) > 40


@pytest.mark.parametrize("name", PATTERNS)
def test_twice_the_text_takes_twice_the_time(name: str) -> None:
    # Taken out of texts, looked for from their beginning on, or compared with the whole.
    pattern = PATTERNS[name]
    is_taken_out, is_anchored = name.startswith("redaction"), pattern.pattern.startswith("^")
    use = partial(pattern.sub, "") if is_taken_out else pattern.search
    use = use if is_taken_out or is_anchored else pattern.fullmatch
    assert not [parts for parts in texts() if not is_linear(use, *parts)]


def test_our_cookies_are_read_in_time_in_proportion_to_them() -> None:
    for before in ("", 'twtc_refresh="', "a="):
        for many in ('\\"', ";", "; ", "=", "a=b; ", " ", '"'):
            assert is_linear(lambda text: value_in(text, "twtc_refresh"), before, many, "", 16_000)


def test_a_quadratic_pattern_would_be_seen() -> None:
    quadratic = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
    assert not is_linear(lambda text: quadratic.sub("", text), "", "a", "", 1_000)


def test_a_line_is_cut_before_persons_are_taken_out_of_it() -> None:
    began = time.thread_time()
    without_persons("a" * 10_000_000)
    assert time.thread_time() - began < 0.2


PERSONS = ("ann@mail.example.com", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "2001:db8::7",
           "redis://u:secret@host")  # fmt: skip


@pytest.mark.parametrize("personal", PERSONS)
def test_a_cut_leaves_nothing_of_a_person(personal: str) -> None:
    for place in range(len(personal) + 1):
        for edge in (TEXT_MAX // 2, 3 * TEXT_MAX // 2):
            before = "." * (edge - place - 1) + " "
            text = before + personal + " " + "." * (2 * TEXT_MAX - len(before + personal) - 1)
            left = without_persons(text).replace("[removed]", "").replace("redis", "")
            assert not re.search(r"ann|mail|eyJ|db8|secret", left), place
            assert len(left) < len(text)
