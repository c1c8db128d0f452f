"""Who speaks to the outside: errands, and what is none for a reason (decision 0054)."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAYERS = ("engine", "runtime", "models", "workers", "schedules", "api", "ops")
# What opens connections over HTTP or to a mail server.
DOORS = {
    *("aiohttp", "aiosmtplib", "http", "httpx", "requests", "smtplib", "urllib3"),
    *("runtime.http_client", "runtime.mail", "urllib.request"),
}
SPEAKS = {
    # The doors themselves.
    "runtime/http_client.py": "opens the one client of a process",
    "runtime/mail.py": "hands mail over",
    "runtime/telemetry/endpoint.py": "answers, and asks nobody",
    # Errands.
    "workers/push/fcm.py": "an errand: tells phones",
    # Reads that may be repeated at will: nothing changes outside.
    "workers/reputation.py": "fetches lists of addresses",
    "workers/videos/contract.py": "looks videos up",
    "workers/videos/own.py": "looks videos up",
    "workers/videos/sync.py": "looks videos up",
    "workers/videos/youtube.py": "looks videos up",
    "api/networks/__init__.py": "fetches a network's public keys",
    "api/networks/admob_keys.py": "fetches a network's public keys",
    # Somebody waits for the answer, and tries again.
    "api/captcha/__init__.py": "checks an answer that is good once",
    "api/captcha/hosted.py": "checks an answer that is good once",
    "api/identity/passwords.py": "asks whether a password is known, by a part of its digest",
    "api/messages/senders.py": "sends codes, and word beside an answer",
    "api/web_base/services.py": "opens the client for these",
    # To the operators, of what the database itself may be the matter of.
    "workers/alerting/__init__.py": "checks the operators' own addresses",
    "workers/alerting/senders.py": "raises alarms, repeated while they last",
    # The machine's own.
    "ops/local/up.py": "asks whether its own processes are up",
}


def doors(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found |= {name for name in names if name in DOORS or name.split(".")[0] in DOORS}
    return found


def test_whoever_speaks_to_the_outside_is_known() -> None:
    speaking = {
        str(path.relative_to(ROOT))
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
        if doors(path)
    }
    assert speaking == SPEAKS.keys()
