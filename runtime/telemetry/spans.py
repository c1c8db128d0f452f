"""One trace from a request over its intent to the worker that applies it.

The intent carries the span that recorded it, as a W3C traceparent in its evidence. A batch applies
intents of many requests: each gets a span in its own trace, with a link to the batch.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from engine.core.action import AnyIntent
from engine.core.outcome import Applied, Outcome
from runtime.telemetry.context import Subject, header_of

TRACEPARENT = "traceparent"
_propagator = TraceContextTextMapPropagator()


class Batch:
    """A batch under way; what it applied is told after its commit."""

    def __init__(self, spans: "Spans", span: Span) -> None:
        self._spans = spans
        self._span = span

    def done(self, outcomes: Sequence[tuple[AnyIntent, Outcome]]) -> None:
        """Each of these is done: a span in the trace of the request that asked for it."""
        self._span.set_attribute("twtc.intents", len(outcomes))
        for intent, outcome in outcomes:
            result = "APPLIED" if isinstance(outcome, Applied) else outcome.reason.value
            self._spans.applied(self._span, intent, result)


class Spans:
    """Makes spans, and sends them from a thread of its own."""

    def __init__(self, program: str) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME") or f"twtc-{program}"
        self._provider = TracerProvider(resource=Resource.create({"service.name": name}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("twtc")

    @contextmanager
    def request(self, scope: Subject) -> Iterator[None]:
        """A request, in the trace that its sender named, if any."""
        route, method = scope["path_template"], scope["method"]
        sent = {TRACEPARENT: header_of(scope, b"traceparent")}
        attributes = {"http.request.method": method, "http.route": route}
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            context=_propagator.extract(sent),
            kind=SpanKind.SERVER,
            attributes=attributes,
        ) as span:
            yield
            status = scope.get("twtc_status", 500)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))

    @contextmanager
    def recording(self, kind: str) -> Iterator[str | None]:
        """The recording of an intent. Yield what makes the worker go on with this trace."""
        carrier: dict[str, str] = {}
        with self._tracer.start_as_current_span(f"record {kind}", kind=SpanKind.PRODUCER):
            _propagator.inject(carrier)
            yield carrier.get(TRACEPARENT)

    @contextmanager
    def batch(self, queue: str) -> Iterator[Batch]:
        """A batch of one queue."""
        with self._tracer.start_as_current_span(f"drain {queue}") as span:
            yield Batch(self, span)

    def applied(self, batch: Span, intent: AnyIntent, result: str) -> None:
        """What became of one intent, from the beginning of its batch until now."""
        traceparent = intent.evidence.traceparent
        if traceparent is None:
            return
        self._tracer.start_span(
            f"apply {intent.action.__struct_config__.tag}",
            context=_propagator.extract({TRACEPARENT: traceparent}),
            kind=SpanKind.CONSUMER,
            attributes={
                "twtc.intent_id": str(intent.id),
                "twtc.user_id": intent.user_id or 0,
                "twtc.outcome": result,
            },
            links=[Link(batch.get_span_context())],
            start_time=getattr(batch, "start_time", None),
        ).end()

    def ids(self) -> dict[str, Any]:
        """The span under way."""
        context = get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()
