"""Passwords: Argon2id, and whether one may be chosen (decision 0015; NIST SP 800-63B)."""

import asyncio
import hashlib
import logging
import os
import secrets
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import bcrypt
import httpx
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id

from api.web_base.problems import ProblemError
from engine.core.text import line

log = logging.getLogger(__name__)

Password = Annotated[str, line(128, 8)]
# One that may be older than what is asked of new ones.
GivenPassword = Annotated[str, line(128, 1)]
BREACH_SECONDS_MAX = 1.0

# OWASP's choices cost an attacker the same; of them many passes over little memory take the
# least time here (decision 0015).
OPERATIONS = 5
MEMORY_BYTES = 7_168 * 1024
_OURS = "$argon2id$v=19$m=7168,t=5,p=1$"
_BCRYPT = ("$2a$", "$2b$", "$2y$")
BCRYPT_BYTES_MAX = 72  # what bcrypt reads of a password

NICENESS = 10


def _yield_to_others() -> None:
    """Let everything else on the machine go first: to Linux, a thread has a niceness of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


# Hashing releases the GIL for some 20 ms: threads of its own keep it off the event loop and bound
# its memory; on half of the cores, so that sign-ins at once do not take the machine from polls.
THREADS = max(1, (os.cpu_count() or 2) // 2)
# Requests that hash, with those that wait for a thread: one waits for some 0.4 s at most.
PLACES = 16 * THREADS
_hashing = ThreadPoolExecutor(
    THREADS,
    thread_name_prefix="argon2",
    initializer=_yield_to_others,
)


async def hash_password(password: str) -> str:
    """Argon2id hash, computed off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_hashing, _hash, password)


async def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password fits. For an unknown account the same work is done in vain."""
    reference = password_hash or await _decoy_hash()
    fits = await asyncio.get_running_loop().run_in_executor(_hashing, _verify, reference, password)
    return fits and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether a hash was made with other parameters, or elsewhere."""
    return not password_hash.startswith(_OURS)


async def refuse_weak(
    http: httpx.AsyncClient, breaches_url: str, password: str, identity: str
) -> None:
    """Raise ProblemError (422) for a password that is one's own address, or known to thieves."""
    if password.casefold() in (identity.casefold(), identity.casefold().partition("@")[0]):
        raise _weak("The password must not be your address.")
    if breaches_url and await _is_breached(http, breaches_url, password):
        raise _weak("This password was found in a data breach elsewhere: choose another one.")


async def _is_breached(http: httpx.AsyncClient, breaches_url: str, password: str) -> bool:
    """Ask by the first five digits of its SHA-1, among padding. Without an answer: not breached."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        answer = await http.get(
            f"{breaches_url}/range/{digest[:5]}",
            headers={"Add-Padding": "true"},
            timeout=BREACH_SECONDS_MAX,
        )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        log.warning("passwords are not compared with breaches: %s", type(error).__name__)
        return False
    found = dict(line.strip().partition(":")[::2] for line in answer.text.splitlines())
    return found.get(digest[5:], "0").strip() not in ("", "0")


def _weak(detail: str) -> ProblemError:
    return ProblemError("password-weak", "Password too weak", 422, detail)


def _hash(password: str) -> str:
    return argon2id.str(password.encode(), OPERATIONS, MEMORY_BYTES).decode()


def _verify(password_hash: str, password: str) -> bool:
    try:
        if password_hash.startswith(_BCRYPT):  # imported from elsewhere
            return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES_MAX], password_hash.encode())
        return argon2id.verify(password_hash.encode(), password.encode())
    except (CryptoError, ValueError):
        return False


_decoy: str | None = None


async def _decoy_hash() -> str:
    global _decoy
    if _decoy is None:
        _decoy = await hash_password(secrets.token_urlsafe())
    return _decoy
