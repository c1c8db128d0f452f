"""Where the system runs that `./run` has started, for commands typed beside it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ops.local.secret_file import write_private

DATA_DIR = Path(__file__).resolve().parent.parent / ".data"
ADDRESSES = ("DATABASE_URL", "REDIS_URL", "BROKER_URL")
# By these somebody is found by an address, and what is sealed is opened.
KEYS = ("TWTC_PII_KEYS", "TWTC_INDEX_KEY")
_FILE = "running.json"


@contextmanager
def announced(data_dir: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Keep the addresses, which hold passwords, and keys in a file of the owner's while it runs."""
    path = data_dir / _FILE
    write_private(path, {name: environment[name] for name in (*ADDRESSES, *KEYS)})
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def with_addresses(environment: Mapping[str, str], data_dir: Path = DATA_DIR) -> Mapping[str, str]:
    """The environment, with the running system's addresses and keys if it names no servers."""
    path = data_dir / _FILE
    if any(environment.get(name) for name in ADDRESSES) or not path.exists():
        return environment
    running: dict[str, str] = json.loads(path.read_text())
    return {**environment, **running}
