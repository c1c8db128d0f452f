"""Random secrets of an installation, made once and kept in a file only its owner can read."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def load_secrets(path: Path, lengths: Mapping[str, int]) -> dict[str, str]:
    """The named secrets, of so many random bytes each; those that are missing are made."""
    known: dict[str, str] = {}
    if path.exists():
        known = json.loads(path.read_text())
    missing = {name: secrets.token_urlsafe(size) for name, size in lengths.items()} | known
    if missing != known:
        write_private(path, missing)
    return {name: missing[name] for name in lengths}


def write_private(path: Path, values: Mapping[str, str]) -> None:
    """Write a file that only its owner can read: whole, or not at all."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(dict(values), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
