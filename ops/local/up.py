"""`twtc up`: from nothing to a running system, and a clean end with Ctrl-C."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct
from redis import Redis
from redis.exceptions import RedisError

from engine.core.timeline import PRODUCTION, Timing, TimingError
from models.installation.settings import timing_from
from ops.local.daemon import ServerError
from ops.local.guard import Guard
from ops.local.screen import Screen, duration
from ops.local.secret_file import load_secrets
from ops.local.servers import Servers, local_servers
from ops.local.supervisor import POLL_SECONDS, Program, StopRequests, Supervisor
from ops.running import announced
from partner.hosting import VIDEOS_PATH
from runtime.environment import ConfigError, load_config, postgresql_url

ROOT = Path(__file__).resolve().parent.parent.parent
SECRETS = {
    "TWTC_SECRET": 32,
    "TWTC_HOUSE_SECRET": 32,
    "TWTC_PII_KEYS": 32,
    "TWTC_INDEX_KEY": 32,
    "TWTC_DEMO_PASSWORD": 12,
    "TWTC_METRICS_TOKEN": 32,
    "TWTC_DASHBOARD_PASSWORD": 12,
}
DEMO_EMAIL = "demo@twtc.example"
READY_SECONDS_MAX = 60
# How often a program may die before the system was up once.
FAILURES_MAX = 3
QUEUE_PREFETCH = "64"


class UpError(RuntimeError):
    """It cannot start; the message says what to do."""


class Ports(Struct, frozen=True):
    """Where what people open listens, on 127.0.0.1."""

    web: int
    partner: int
    dashboard: int


def up(profile: str, data_dir: Path, ports: Ports) -> int:
    """Run the whole system until it is told to stop. Return the exit status."""
    screen = Screen()
    requests = StopRequests()
    requests.listen()
    try:
        timing = timing_from(os.environ | {"TWTC_PROFILE": profile})
        check_given_servers(os.environ)
        check_port(ports.web, "--port")
        check_port(ports.partner, "--partner-port")
        if os.environ.get("TWTC_DASHBOARD") != "off":
            check_port(ports.dashboard, "--dashboard-port")
        screen.title(f"TWTC Engine, {profile} profile, data in {data_dir}")
        _run(screen, requests, profile, timing, data_dir, ports)
    except (UpError, ServerError, TimingError, ConfigError) as error:
        screen.problem(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    screen.step("everything has stopped; the data is kept")
    return 0


def check_given_servers(environ: Mapping[str, str]) -> None:
    """Raise ConfigError or UpError if a given address is wrong or nobody answers there."""
    if environ.get("DATABASE_URL"):
        postgresql_url(environ["DATABASE_URL"])
    redis_url = environ.get("REDIS_URL")
    if redis_url:
        try:
            with Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=2) as redis:
                redis.ping()
        except (RedisError, OSError, ValueError) as error:
            raise UpError(f"The server of REDIS_URL does not answer: {error}") from None


def check_port(port: int, option: str) -> None:
    """Raise UpError if another program listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UpError(
                f"Port {port} cannot be used: {error.strerror}. Stop what uses it, or choose "
                f"another: ./run {option} {port + 1}"
            ) from None


def _run(
    screen: Screen,
    requests: StopRequests,
    profile: str,
    timing: Timing,
    data_dir: Path,
    ports: Ports,
) -> None:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    given = os.environ.get
    with ExitStack() as stack:
        servers = stack.enter_context(
            local_servers(
                data_dir,
                report=screen.step,
                database_url=given("DATABASE_URL"),
                redis_url=given("REDIS_URL"),
            )
        )
        env = environment(os.environ, servers, data_dir, profile, ports)
        has_dashboard = bool(load_config(env, signs=True).dashboard_url)
        stack.enter_context(announced(data_dir, env))
        guard = stack.enter_context(Guard())
        _release(env, screen, requests)
        supervisor = Supervisor(_programs(ports, has_dashboard), env, ROOT, guard, screen.say)
        # Whatever happens, no process outlives us; after an orderly stop there is none left.
        stack.callback(supervisor.kill)
        _start(supervisor, requests, ports.web, screen)
        if not requests:
            screen.banner(_banner(env, timing, ports.dashboard if has_dashboard else None))
        while not requests:
            for name in servers.tend():
                screen.say("", f"{name} had died and was started again")
            supervisor.tend()
            time.sleep(POLL_SECONDS)
        screen.title("Stopping; once more to stop at once")
        supervisor.stop(requests)
        requests.leave()


def environment(
    given: Mapping[str, str],
    servers: Servers,
    data_dir: Path,
    profile: str,
    ports: Ports,
) -> dict[str, str]:
    """What every process gets. Secrets and addresses in `given` win over our own."""
    ours = load_secrets(data_dir / "secrets.json", SECRETS) | {
        "BROKER_URL": next_database(servers.redis_url),
        "DASHBOARD_URL": next_database(servers.redis_url, 2),
        "TWTC_PUBLIC_URL": f"http://127.0.0.1:{ports.web}",
        "TWTC_PARTNER_URL": f"http://127.0.0.1:{ports.partner}",
        "TWTC_OWN_VIDEOS_URL": f"http://127.0.0.1:{ports.partner}{VIDEOS_PATH}",
        "TWTC_ARCHIVE_DIR": str(data_dir / "archive"),
        "TWTC_OUTBOX_DIR": str(data_dir / "outbox"),
        "TWTC_CAPTCHA": "" if profile == "production" else "local",
        # At home everybody asks from one address, and tries again and again.
        "TWTC_LIMITS": "on" if profile == "production" else "off",
        "dramatiq_queue_prefetch": QUEUE_PREFETCH,
    }
    return {
        **ours,
        **{name: value for name, value in given.items() if value or name not in ours},
        "DATABASE_URL": postgresql_url(servers.database_url),
        "REDIS_URL": servers.redis_url,
        "TWTC_PROFILE": profile,
        "PYTHONUNBUFFERED": "1",
    }


def next_database(redis_url: str, steps: int = 1) -> str:
    """A database after that of `redis_url`: Dramatiq and the dashboard must each be alone."""
    parts = urlsplit(redis_url)
    number = parts.path.strip("/") or "0"
    if not number.isdecimal():
        raise UpError("REDIS_URL must end with the number of a database: redis://host:6379/0")
    return urlunsplit(parts._replace(path=f"/{int(number) + steps}"))


def _programs(ports: Ports, has_dashboard: bool) -> Sequence[Program]:
    """In the order in which they are stopped: no new work first, then its recording, then it."""
    python = sys.executable
    web = (python, "-m", "api", "--port", str(ports.web), "--stop-seconds", "5")
    board = (python, "-m", "workers.dashboard", "--port", str(ports.dashboard))
    return (
        *([Program("dashboard", board)] if has_dashboard else []),
        Program("web", web),
        Program("clock", (python, "-m", "schedules")),
        Program(
            "worker",
            (python, "-m", "dramatiq", "workers.main", "--processes", "1", "--threads", "8"),
        ),
        Program("partner", (python, "-m", "partner", "--port", str(ports.partner))),
    )


def _release(env: Mapping[str, str], screen: Screen, requests: StopRequests) -> None:
    if requests:
        return
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.cli", "release"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=dict(env),
        text=True,
        errors="replace",
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        output = process.stdout.read().strip()
    if process.returncode != 0:
        for line in output.splitlines():
            screen.say("release", line)
        raise UpError("The database could not be migrated and seeded; see above.")
    screen.step(f"migrated and seeded ({time.monotonic() - began:.1f} s)")


def _start(supervisor: Supervisor, requests: StopRequests, port: int, screen: Screen) -> None:
    began = time.monotonic()
    while not requests:
        supervisor.tend()
        if _is_healthy(port):
            screen.step(f"the API answers ({time.monotonic() - began:.1f} s)")
            return
        late = time.monotonic() - began > READY_SECONDS_MAX
        if late or supervisor.failures >= FAILURES_MAX:
            why = f"does not answer after {READY_SECONDS_MAX} s" if late else "does not stay up"
            supervisor.stop(requests)
            raise UpError(f"The system {why}; the lines above say why.")
        time.sleep(POLL_SECONDS)


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _banner(env: Mapping[str, str], timing: Timing, dashboard: int | None) -> list[tuple[str, str]]:
    cycle, tick = duration(timing.cycle_seconds), duration(timing.tick_seconds)
    window, ad = duration(timing.stagger_seconds), duration(timing.ad_seconds)
    rhythm = f"a 4-hour cycle lasts {cycle}, ticks every {tick}, ads of {ad}"
    lines = [
        ("App", f"{env['TWTC_PUBLIC_URL']} (the API's address too)"),
        ("Console", f"{env['TWTC_PUBLIC_URL']}/console"),
        ("Docs", f"{env['TWTC_PUBLIC_URL']}/docs"),
        ("Partner", f"{env['TWTC_PARTNER_URL']} (shows the ads, hosts three films)"),
        *([("Queues", _queues(env, dashboard))] if dashboard else []),
        ("Profile", f"{env['TWTC_PROFILE']}: {rhythm}"),
        ("", f"the next of the ten groups opens every {window}"),
    ]
    if timing != PRODUCTION:
        lines.append(("Sign in", f"{DEMO_EMAIL}, password {env['TWTC_DEMO_PASSWORD']}"))
    return [*lines, ("Stop", "Ctrl-C")]


def _queues(env: Mapping[str, str], port: int) -> str:
    user, password = env.get("TWTC_DASHBOARD_USER") or "ops", env["TWTC_DASHBOARD_PASSWORD"]
    return f"http://127.0.0.1:{port} (user {user}, password {password})"
