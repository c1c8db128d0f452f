"""What follows a commit, and cannot undo it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


@contextmanager
def after_commit(what: str) -> Iterator[None]:
    """Log an error and go on: what was committed did not fail, and the relay makes up for it."""
    try:
        yield
    except Exception:
        log.exception("%s failed after a commit", what)
