# syntax=docker/dockerfile:1
FROM ghcr.io/astral-sh/uv:0.13.9 AS uv

FROM python:3.13-slim AS build
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
WORKDIR /app
# The dependencies change less often than the code: a layer of their own.
COPY pyproject.toml uv.lock ./
# For traces: docker compose build --build-arg MORE_GROUPS="--group otel"
ARG MORE_GROUPS=""
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-default-groups --group fraud --group dashboard --group rabbitmq \
    $MORE_GROUPS --no-install-project
COPY README.md LICENSE ./
COPY engine engine
COPY runtime runtime
COPY models models
COPY workers workers
COPY schedules schedules
COPY api api
COPY partner partner
COPY ops ops
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-default-groups --group fraud --group dashboard --group rabbitmq $MORE_GROUPS

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home twtc && install -d -o twtc /archive
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 dramatiq_queue_prefetch=64
USER twtc
EXPOSE 8000
CMD ["python", "-m", "api", "--host", "0.0.0.0", "--port", "8000"]
