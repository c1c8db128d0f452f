"""Whether traces are made. Without a collector's address nothing here imports OpenTelemetry.

OpenTelemetry's own variables say where they go, and how many: OTEL_EXPORTER_OTLP_ENDPOINT and its
like. The packages are those of the group `otel`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from runtime.environment import ConfigError

if TYPE_CHECKING:
    from runtime.telemetry.spans import Batch, Spans

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_active: "Spans | None" = None


def set_up_traces(program: str, environ: Mapping[str, str]) -> None:
    """Begin to trace if a collector is named. Raise ConfigError without the packages for it."""
    global _active
    is_disabled = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if is_disabled or not any(environ.get(name) for name in _ENDPOINTS):
        return
    try:
        from runtime.telemetry.spans import Spans
    except ImportError as error:
        raise ConfigError(f"traces need `uv sync --group otel`: {error}") from None
    _active = Spans(program)


def active() -> "Spans | None":
    """What makes spans, if anything does."""
    return _active


def recording(kind: str) -> AbstractContextManager[str | None]:
    """A span for the recording of an intent; what it yields has to travel with the intent."""
    return _active.recording(kind) if _active else nullcontext()


def batch(queue: str) -> "AbstractContextManager[Batch | None]":
    """A span for a batch of intents, to be told what was done."""
    return _active.batch(queue) if _active else nullcontext()


def ids() -> dict[str, Any]:
    """The ids of the span under way, for log lines."""
    return _active.ids() if _active else {}


def close() -> None:
    """Send what was not sent yet."""
    if _active:
        _active.close()
