"""Programs that tests need and Python packages do not bring."""

import os
import shutil

import pytest


def needed_program(*names: str, package: str) -> str:
    """The path of the first that is installed. Without it a test is skipped, but never in CI."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        missing = f"no {names[0]} here: apt install {package}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found
