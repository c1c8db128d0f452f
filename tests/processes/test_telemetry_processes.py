"""Real processes with everything on: two web processes, two workers, a clock, a trace collector."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ops.commands.health import health
from runtime.environment import Config
from runtime.telemetry.metrics import (
    ERRANDS_DONE,
    LEDGER_COINS,
    LEDGER_TRANSFERS,
    METRICS,
    TICK_LAG,
)
from runtime.telemetry.siblings import find_faults
from tests.kit.accounts import settle
from tests.kit.dashboards import EXPORTED, named_samples
from tests.kit.processes import Processes, free_port, running, until

EMAIL = "phone@example.com"
# One long window after the other, of a group each: nobody has to wait for theirs for long.
TIMING = {"CYCLE": 20, "TICK": 1, "STAGGER": 2, "WINDOW": 2, "AD": 1, "PROOF": 8}
TOKEN = "a-token-for-prometheus"
TRACE, SENDER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
POLLS = 24


class Collector:
    """An OTLP/HTTP receiver that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.keep(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    def keep(self, request: Any) -> None:
        for of_process in request.resource_spans:
            names = {a.key: a.value.string_value for a in of_process.resource.attributes}
            for scope in of_process.scope_spans:
                self.spans += [(names["service.name"], span) for span in scope.spans]

    def trace(self, trace_id: str) -> dict[str, tuple[str, Any]]:
        """Spans of one trace, by name."""
        return {
            span.name: (service, span)
            for service, span in list(self.spans)
            if span.trace_id.hex() == trace_id
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    """It listens."""
    found = Collector()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def processes(config: Config, collector: Collector, tmp_path: Path) -> Iterator[Processes]:
    """Everything on."""
    more = {
        "TWTC_LOGS": "json",
        "TWTC_METRICS_TOKEN": TOKEN,
        "TWTC_WORKER_METRICS": f"127.0.0.1:{free_port()}",
        "TWTC_CLOCK_METRICS": f"127.0.0.1:{free_port()}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    started = Processes(config, TIMING, more)
    started.log = tmp_path / "log"
    started.commands["web"] += ["--workers", "2"]
    started.commands["worker"][3] = "2"
    with running(started, "web"):
        started.start("worker")
        started.start("clock")
        yield started


def scrape(address: str) -> dict[str, float]:
    """What a process shows, on a connection of its own."""
    signed = {"Authorization": f"Bearer {TOKEN}"}
    try:
        answer = httpx.get(f"http://{address}/metrics", headers=signed)
    except httpx.TransportError:
        return {}
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_figures_lines_and_traces_of_real_processes(
    processes: Processes, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent_id = _live(processes)
    _check_trace(collector)
    _check_figures(processes)
    _check_lines(processes, intent_id)
    monkeypatch.setattr("tempfile.tempdir", processes.env["TMPDIR"])
    for name, value in processes.env.items():
        monkeypatch.setenv(name, value)
    assert [health(name) for name in ("web", "worker", "clock")] == [0, 0, 0]
    processes.kill("clock")
    faults = find_faults("clock", processes.config.database_url)
    assert faults == ["no clock process has left a sign of life"]


def _live(processes: Processes) -> str:
    """Sign up, poll over many connections, and start to mine. Return the intent."""
    with httpx.Client(base_url=processes.url, timeout=5) as http:
        token = settle(http, processes.config, EMAIL, "correct horse")
        http.headers["Authorization"] = f"Bearer {token}"
        for _ in range(POLLS):
            signed = {"Authorization": http.headers["Authorization"]}
            assert httpx.get(f"{processes.url}/v1/mining/status", headers=signed).status_code == 200

        def start() -> dict[str, Any] | None:
            if not http.get("/v1/mining/status").json()["can_start"]:
                return None
            headers = {
                "Idempotency-Key": "start",
                "Prefer": "wait=10",
                "X-Request-Id": "story-of-one",
                "traceparent": f"00-{TRACE}-{SENDER}-01",
            }
            answer = http.post("/v1/mining/sessions", headers=headers)
            assert answer.headers["X-Request-Id"] == "story-of-one"
            found: dict[str, Any] = answer.json()
            return found

        started = until(start, "an open window")
    assert started["status"] in ("APPLIED", "REJECTED"), started
    intent_id: str = started["id"]
    return intent_id


def _check_trace(collector: Collector) -> None:
    """One trace: the sender's, the request, the intent's recording, its work in the worker."""
    names = {"POST /v1/mining/sessions", "record mining.start", "apply mining.start"}

    def look() -> dict[str, tuple[str, Any]] | None:
        trace = collector.trace(TRACE)
        return trace if trace.keys() >= names else None

    trace = until(look, f"the spans {names}")
    (web, request), (_, recorded) = trace["POST /v1/mining/sessions"], trace["record mining.start"]
    worker, applied = trace["apply mining.start"]
    assert (web, worker) == ("twtc-web", "twtc-worker")
    assert request.parent_span_id.hex() == SENDER
    assert recorded.parent_span_id == request.span_id
    assert applied.parent_span_id == recorded.span_id
    [batch] = [span for _, span in collector.spans if span.span_id == applied.links[0].span_id]
    assert batch.name.startswith("drain group-")


def _check_figures(processes: Processes) -> None:
    web = f"127.0.0.1:{processes.port}"
    worker, clock = (processes.env[f"TWTC_{name}_METRICS"] for name in ("WORKER", "CLOCK"))
    registered = (
        'twtc_http_request_duration_seconds_count{method="POST",route="/v1/auth/register",'
        'status="202"}'
    )
    polled = (
        'twtc_http_request_duration_seconds_count{method="GET",route="/v1/mining/status",'
        'status="200"}'
    )

    def all_answer_alike() -> dict[str, float] | None:
        scrapes = [scrape(web) for _ in range(8)]
        alike = {(one.get(registered), one.get(polled)) for one in scrapes}
        is_whole = len(alike) == 1 and alike.pop()[0] == 1 and scrapes[0][polled] > POLLS
        return scrapes[0] if is_whole else None

    found = until(all_answer_alike, "the same figures of both web processes")
    assert found['twtc_processes{process="web"}'] == 2

    def workers_have() -> dict[str, float] | None:
        shown = scrape(worker)
        is_done = any("twtc_intent_age_seconds_count" in name for name in shown)
        return shown if is_done and shown['twtc_processes{process="worker"}'] == 2 else None

    found |= until(workers_have, "the figures of both workers")

    def clock_has() -> dict[str, float] | None:
        shown = scrape(clock)
        return shown if shown.get("twtc_workers_live", 0) >= 1 else None

    found |= until(clock_has, "the clock's figures, with the workers' first heartbeat")
    samples = {name.partition("{")[0] for name in found}
    # Nobody earns yet, and nobody has a phone.
    of_earners = {LEDGER_COINS, LEDGER_TRANSFERS, TICK_LAG, ERRANDS_DONE}
    wanted = {name for name in named_samples() if EXPORTED[name] not in of_earners}
    assert wanted <= samples, wanted - samples
    answer = httpx.get(f"http://{clock}/metrics")
    assert answer.status_code == 401
    typed = httpx.get(f"http://{clock}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert all(f"# TYPE {metric.name}" in typed for metric in METRICS)


def _check_lines(processes: Processes, intent_id: str) -> None:
    text = processes.log.read_text()
    assert EMAIL not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert {line["program"] for line in lines} == {"web", "worker", "clock"}
    [line] = [line for line in lines if line.get("request_id") == "story-of-one"]
    assert (line["message"], line["intent_id"]) == ("POST /v1/mining/sessions", intent_id)
    assert (line["trace_id"], line["program"]) == (TRACE, "web")
    assert isinstance(line["user_id"], int)


@pytest.mark.parametrize(("endpoint", "status"), [("", 0), ("http://127.0.0.1:1", 1)])
def test_without_a_collector_nothing_of_opentelemetry_is_needed(
    config: Config, endpoint: str, status: int
) -> None:
    program = "import sys; sys.modules['opentelemetry'] = None; import workers.main, api.app"
    env = Processes(config, TIMING).env | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    command = [sys.executable, "-c", program + "; api.app.create_from_environment()"]
    ended = subprocess.run(command, env=env, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == status, ended.stderr
    assert ("uv sync --group otel" in ended.stderr) == bool(status)
