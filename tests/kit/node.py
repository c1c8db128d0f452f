"""Node, with the packages of the TypeScript client."""

import fcntl
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.kit.needed import needed_program
from tests.kit.root import ROOT

CLIENT = ROOT / "clients" / "typescript"
SECONDS_MAX = 120


@pytest.fixture(scope="session")
def packages() -> Path:
    """The client's packages, as its lock names them."""
    npm = needed_program("npm", package="npm")
    lock, installed = CLIENT / "package-lock.json", CLIENT / "node_modules" / ".package-lock.json"
    with (CLIENT / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # other test processes wait
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=CLIENT, check=True, stdout=subprocess.DEVNULL)
            installed.touch()
    return CLIENT / "node_modules"


def start(command: list[str], folder: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
    """Begin a program."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    """What a program said, once it is over. AssertionError if it failed."""
    said, _ = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0, said
    return said


def node(packages: Path, package: str, *arguments: str) -> list[str]:
    """The command of an installed package."""
    tool = needed_program("node", package="nodejs")
    return [tool, str(packages / ".bin" / package), *arguments]


def write_program(folder: Path, packages: Path, source: str, main: str) -> None:
    """A TypeScript program beside the client; `main` is what Node is told to run."""
    (folder / "node_modules").symlink_to(packages)
    for name in ("client.ts", "network.ts", "schema.d.ts"):
        (folder / name).symlink_to(CLIENT / name)
    (folder / "guide.ts").write_text(source)
    (folder / "package.json").write_text('{"type": "module"}')
    options = {"types": ["node"], "outDir": "out", "preserveSymlinks": True, "skipLibCheck": True}
    settings = {"extends": str(CLIENT / "tsconfig.json"), "compilerOptions": options}
    (folder / "tsconfig.json").write_text(json.dumps(settings | {"files": ["guide.ts"]}))
    (folder / "out").mkdir()
    (folder / "out" / "main.js").write_text(main)
