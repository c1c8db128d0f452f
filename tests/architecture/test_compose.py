"""docker-compose.yml gives each process what it reads, and no other's secrets."""

import json
import re
import shlex
from typing import Any

import pytest
import yaml

from tests.kit.root import ROOT

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
PROCFILE = dict(
    line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line
)
# Within its container a process is asked from outside it.
HOST = ("--host", "0.0.0.0")
OURS = ("release", "web", "worker", "clock", "dashboard", "partner")


def readers() -> dict[str, set[str]]:
    """Who reads a setting, as docs/settings.md says."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "docs/settings.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        if line.startswith("| `") and len(cells) == 3:
            read_by = set(re.findall(r"[a-z]+", cells[1])) & set(OURS)
            found |= dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), read_by)
    return found


@pytest.mark.parametrize("service", OURS)
def test_a_service_is_given_what_it_reads_and_nothing_else(service: str) -> None:
    given = set(SERVICES[service]["environment"])
    expected = {name for name, read_by in readers().items() if service in read_by}
    assert given == expected - {"TWTC_DEMO_PASSWORD"}  # for ./run alone
    assert "env_file" not in SERVICES[service]


@pytest.mark.parametrize("service", ["release", "worker", "clock", "dashboard"])
def test_a_service_runs_what_the_procfile_says(service: str) -> None:
    given = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", PROCFILE[service])
    words = [word for word in shlex.split(given) if "=" not in word]
    command = SERVICES[service]["command"]
    assert [word for word in command if word not in HOST] == words


def test_the_image_runs_the_api_as_the_procfile_says() -> None:
    [line] = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    given = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", PROCFILE["web"])
    assert json.loads(line) == shlex.split(given.removesuffix(" --workers 1"))
    assert "command" not in SERVICES["web"]


def test_images_of_others_are_named_by_their_digests() -> None:
    for name in SERVICES.keys() - set(OURS):
        assert re.search(r"@sha256:[0-9a-f]{64}$", SERVICES[name]["image"]), name
