"""docs/security.md names tests that exist."""

import re

from tests.kit.root import ROOT

NAMED = re.compile(r"`((?:\w+/)*test_\w+)::(test_\w+)`")


def test_every_named_test_exists() -> None:
    named = NAMED.findall((ROOT / "docs" / "security.md").read_text())
    assert len(named) > 40
    for file, test in named:
        [path] = (ROOT / "tests").rglob(f"{file}.py")
        source = path.read_text()
        assert re.search(rf"^(async )?def {test}\(", source, re.MULTILINE), f"{file}::{test}"


def test_each_of_the_ten_is_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    assert re.findall(r"^\| \*\*API(\d+) ", text, re.MULTILINE) == [str(n) for n in range(1, 11)]
