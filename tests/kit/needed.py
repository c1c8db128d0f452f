"""Programs that tests need and Python packages do not bring."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from tests.kit.programs import find_program


def needed_program(*names: str, package: str) -> str:
    """The path of the first that is installed. Without it a test is skipped, but never in CI."""
    found = next((path for name in names if (path := find_program(name))), None)
    return str(found or without(f"no {names[0]} here: apt install {package}"))


def needed_server(name: str, package: str) -> Path:
    """The same for a server of the system's."""
    return Path(needed_program(name, package=package))


def without(missing: str) -> NoReturn:
    """Leave a test out for what is missing here; in CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
