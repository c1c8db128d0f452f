"""Every command of README and the guides: those that can be run here are, as they are typed."""

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import typer

from ops.cli import app
from tests.kit.needed import needed_program
from tests.kit.processes import free_port, until
from tests.kit.root import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# The shell script's own; the rest is the program's.
OF_THE_SCRIPT = {"lint", "docs", "test", "bench"}
SECONDS_MAX = 240
# What beside a running system answers at once, and changes nothing that another one needs.
BESIDE = [
    "./run audit",
    "./run upkeep prune",
    "./run ads",
    "./run review",
    "./run facts --compute",
    "./run dead-letters",
    "./run health worker",
    "./run health clock",
    "./run --help",
]
SHIM = """#!/bin/sh
case "${{1:-}}" in "" | -[!-]* | --[!h]*) set -- up "$@" ;; esac
exec {python} -m ops.cli "$@"
"""


def commands(page: Path) -> list[str]:
    """Each `./run …` of a page, in sentences and at the beginning of a line of a block."""
    found = re.findall(r"`(\./run[^`\n|;]*)`|^ *(\./run[^#\n|;]*)", page.read_text(), re.MULTILINE)
    return [" ".join(pair).strip() for pair in found]


def blocks(page: Path, heading: str) -> str:
    """The shell blocks below a heading, joined."""
    section = page.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL))


def options_of(words: list[str]) -> set[str]:
    """The options of a command of the program. AssertionError if there is none of that name."""
    known: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(known, "commands") or word.startswith("-"):
            break
        assert word in known.commands, " ".join(words)
        known = known.commands[word]
    return {"--help"}.union(*([*param.opts, *param.secondary_opts] for param in known.params))


def test_every_command_on_a_page_is_one_with_these_options() -> None:
    script = (ROOT / "run").read_text()
    seen = [(page, command) for page in PAGES for command in commands(page)]
    assert len(seen) > 60
    for page, command in seen:
        words = command.split()[1:]
        if words and words[0] in OF_THE_SCRIPT:
            assert f"    {words[0]})" in script, (page.name, command)
            continue
        if words != ["--help"] and (not words or words[0].startswith("-")):
            words = ["up", *words]
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= options_of(words), (page.name, command)


@contextmanager
def checkout(folder: Path) -> Iterator[Path]:
    """A copy of the project, whose `./run` has been through the first start already."""
    copy = folder / "twtc"
    ignored = shutil.ignore_patterns(
        ".git",
        ".venv",
        ".tools",
        ".data",
        "out",
        "node_modules",
        "tests",
        ".*_cache",
        "__pycache__",
    )
    shutil.copytree(ROOT, copy, ignore=ignored)
    shim = copy / "run"
    shim.write_text(SHIM.format(python=sys.executable))
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    yield copy


def environment(port: int) -> dict[str, str]:
    """Nothing of this test run's servers and settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TWTC_", "TEST_"))}
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "PYTHONPATH"):
        kept.pop(name, None)
    return kept | {"API": f"http://127.0.0.1:{port}"}


@contextmanager
def running(copy: Path, env: dict[str, str], port: int) -> Iterator[Path]:
    """`./run` in a terminal, until the API answers. Its screen is the file."""
    screen = copy / "screen.txt"
    ports = ["--port", str(port), "--partner-port", str(free_port())]
    ports += ["--dashboard-port", str(free_port())]
    with screen.open("wb") as out:
        process = subprocess.Popen(["./run", *ports], cwd=copy, env=env, stdout=out, stderr=out)
        try:
            until(lambda: "Sign in" in screen.read_text(), "./run to be up", SECONDS_MAX)
            yield screen
        finally:
            process.terminate()
            process.wait(60)


def typed(script: str, copy: Path, env: dict[str, str]) -> str:
    """What a shell answers to what is pasted into it."""
    shell = needed_program("bash", package="bash")
    done = subprocess.run(
        [shell, "-c", script],
        cwd=copy,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_newcomer_mines_a_coin_and_becomes_the_first_operator(tmp_path: Path) -> None:
    port = free_port()
    env = environment(port)
    with checkout(tmp_path) as copy, running(copy, env, port) as screen:
        with ThreadPoolExecutor(1) as other:  # while the newcomer waits
            beside = [other.submit(typed, command, copy, env) for command in BESIDE]
            said = typed(blocks(ROOT / "README.md", "One cycle with curl"), copy, env)
        assert '"status":"ACTIVE"' in said, said
        assert re.search(r'"balance":"(?!0\.0+")[0-9.]+"', said), said
        shown = re.search(r"Sign in +(\S+), password (\S+)", screen.read_text())
        assert shown is not None
        address, password = shown.groups()
        assert (
            f"./run admin grant {address} superadmin" in (ROOT / "docs/quick-start.md").read_text()
        )
        typed(f"./run admin grant {address} superadmin", copy, env)
        sign_in = httpx.post(
            f"{env['API']}/v1/auth/login", json={"email": address, "password": password}
        )
        bearer = {"Authorization": f"Bearer {sign_in.json()['access_token']}"}
        for path in ("/v1/admin/operations", "/v1/admin/log", "/v1/admin/facts/today"):
            assert httpx.get(f"{env['API']}{path}", headers=bearer).status_code == 200, path
        for done in beside:
            done.result()
        log = screen.read_text()
        assert "ERROR" not in log, log
        assert "Traceback" not in log, log
