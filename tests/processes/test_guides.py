"""The guides' examples, run against the real processes; the TypeScript client with them."""

import re
import shlex
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from models.base.db import Database, connected
from ops.cli import app
from runtime.environment import Config
from tests.kit.accounts import settle
from tests.kit.films import show_only_petra
from tests.kit.floor import WITHOUT_IN_NODE
from tests.kit.needed import needed_program
from tests.kit.node import CLIENT, node, output, packages, start, write_program
from tests.kit.processes import Processes, running
from tests.kit.root import ROOT

__all__ = ["packages"]  # a fixture

GUIDES = ROOT / "docs" / "guide"
# A window that soon opens, and stays open for a while; ads of a second.
TIMING = {"CYCLE": 60, "TICK": 10, "STAGGER": 6, "WINDOW": 24, "AD": 1, "PROOF": 17}
# The client does without what old phones do not have.
MAIN = f"""
{WITHOUT_IN_NODE}
await import("./guide.js");
process.exit(0);
"""


@pytest.fixture
async def processes(config: Config, database: Database) -> Processes:
    """Everything that a client talks to; one short film is shown."""
    async with connected(database) as connection:
        await show_only_petra(connection)
    return Processes(config, TIMING, {"TWTC_LIMITS": "on"})


def blocks(guide: str, language: str) -> list[str]:
    """The examples of a guide in one language, in order."""
    text = (GUIDES / guide).read_text()
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


def assert_types_are_current(served: Processes, folder: Path, packages: Path) -> None:
    """The committed types are what the running server's document gives, and fit the client."""
    document, made = folder / "openapi.json", folder / "schema.d.ts"
    document.write_text(httpx.get(f"{served.url}/docs/openapi.json").text)
    options = ["--alphabetize", "--default-non-nullable", "false"]  # as npm run generate
    generate = node(packages, "openapi-typescript", str(document), *options)
    # Without Node's types.
    alone = start(node(packages, "tsc", "--noEmit", "--skipDefaultLibCheck"), CLIENT, {})
    output(start([*generate, "--output", str(made)], CLIENT, {}))
    assert made.read_text() == (CLIENT / "schema.d.ts").read_text(), "run npm run generate"
    output(alone)


def run_in_typescript(served: Processes, folder: Path, packages: Path) -> str:
    """What the guide's program tells."""
    folder.mkdir()
    write_program(folder, packages, "\n".join(blocks("client.md", "ts")), MAIN)
    output(start(node(packages, "tsc"), folder, {}))
    env = {"API": served.url, "OUTBOX": served.config.outbox_dir}
    return output(start([needed_program("node", package="nodejs"), "out/main.js"], folder, env))


def test_the_examples_of_the_client_guide(
    processes: Processes, tmp_path: Path, packages: Path
) -> None:
    """In a shell and in TypeScript, at the same time."""
    script = "set -euo pipefail\n" + "\n".join(blocks("client.md", "bash"))
    command = [needed_program("bash", package="bash"), "-c", script]
    with running(processes, "web", "worker", "clock", "partner"):
        env = {"API": processes.url, "OUTBOX": processes.config.outbox_dir}
        with start(command, tmp_path, env) as shell:  # it waits most of the time
            assert_types_are_current(processes, tmp_path, packages)
            told = run_in_typescript(processes, tmp_path / "typescript", packages)
            said = output(shell)
    assert re.search(r"^watch http\S+ for 1 s$", told, re.MULTILINE), told
    assert re.search(r"^session [0-9a-f-]{36}$", told, re.MULTILINE), told
    assert re.search(r"^told at \S+Z \S+Z$", told, re.MULTILINE), told
    assert '"ACTIVE"' in said
    assert re.search(r"^(304|200)$", said, re.MULTILINE), said  # a tick may come in between
    assert "event: status" in said
    assert "ratelimit: " in said


def test_the_commands_of_the_operators_guide(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "\n".join(blocks("operator.md", "bash"))
    commands = re.findall(r"^ *\./run ([a-z][^#\n]*)", said, re.MULTILINE)
    assert len(commands) >= 4
    for name, value in processes.env.items():
        monkeypatch.setenv(name, value)
    with running(processes, "web"):
        with httpx.Client(base_url=processes.url) as http:
            settle(http, processes.config, "you@example.com")
        for command in commands:
            if "BUCKET/ID" not in command:
                result = CliRunner().invoke(app, shlex.split(command.replace("…", "1")))
                assert result.exit_code == 0, (command, result.output)
