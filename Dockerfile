# syntax=docker/dockerfile:1
# One file for every service: docker build --build-arg SERVICE=ingest .
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG SERVICE
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN --mount=type=cache,target=/root/.cache/pip pip install uv==0.13.9
# The default embedder has ready-made wheels for x86-64 only; elsewhere it is compiled here.
RUN [ "$(uname -m)" = x86_64 ] || { apt-get update && apt-get install -y --no-install-recommends build-essential; }
WORKDIR /app
# First what changes rarely: the third-party packages of this one service.
COPY pyproject.toml uv.lock ./
COPY faststream_pgmq/pyproject.toml faststream_pgmq/
COPY shared/pyproject.toml shared/
COPY cli/pyproject.toml cli/
COPY services/api/pyproject.toml services/api/
COPY services/ingest/pyproject.toml services/ingest/
COPY services/patterns/pyproject.toml services/patterns/
COPY services/summaries/pyproject.toml services/summaries/
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --no-install-workspace --package "supastate-${SERVICE}"
COPY faststream_pgmq faststream_pgmq
COPY shared shared
COPY migrations migrations
COPY services/${SERVICE} services/${SERVICE}
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --package "supastate-${SERVICE}" && python -m compileall -q faststream_pgmq shared services

FROM ${PYTHON_IMAGE}
ARG SERVICE
ENV SERVICE=${SERVICE} PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    SUPASTATE_HTTP_HOST=0.0.0.0 SUPASTATE_HTTP_PORT=8080
WORKDIR /app
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin supastate
COPY --from=build /app /app
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --retries=12 --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/ready', timeout=4)"]
CMD ["sh", "-c", "exec python -m services.$SERVICE"]
