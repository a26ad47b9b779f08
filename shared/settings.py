"""Settings of all processes, from the environment or from files in `/run/secrets`. Pure.

Built once, in an `app.py` or by the command line, and passed on. A wrong value stops the start.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.errors import SettingsError

PREFIX = "SUPASTATE_"
JUDGE_PREFIX = "SUPASTATE_SIGNAL_"
SECRETS = Path("/run/secrets")


Points: TypeAlias = tuple[tuple[float, float], ...]


def read_points(value: object) -> object:
    """Return the pairs that a text like `0.65=0.59,0.80=0.70` names, both numbers rising.

    Raises:
        ValueError: it names none; says what is wrong.
    """
    if not isinstance(value, str):
        return value
    points = [_read_point(part.strip()) for part in value.split(",")]
    numbers = [(-1.0, -1.0), *points, (1.0, 1.0)]
    for (low, low_here), (high, high_here) in pairwise(numbers):
        if not (low < high and low_here < high_here):
            raise ValueError(
                f"{high}={high_here} after {low}={low_here}: both must rise, between -1 and 1"
            )
    return tuple(points)


def read_names(value: object) -> object:
    """Return the names that a text like `memory.example.com, 10.0.0.7` lists, in lower case."""
    if not isinstance(value, str):
        return value
    return tuple(name for part in value.split(",") if (name := part.strip().lower()))


def _read_point(part: str) -> tuple[float, float]:
    reference, _, here = part.partition("=")
    try:
        return float(reference), float(here)
    except ValueError as error:
        raise ValueError(
            f"{part!r} is no pair like 0.65=0.59; `supastate calibrate` prints the whole line"
        ) from error


class Settings(BaseSettings):
    """What every process needs to reach its servers."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,  # compose passes on what .env leaves empty
        use_attribute_docstrings=True,
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

    postgres_dsn: SecretStr
    """libpq connection string or URL of the database that holds the truth and the queues."""
    postgres_role: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] | None = None
    """The role that this process acts as once it is logged in: `supastate_api`,
    `supastate_worker`. None for a login that has its own rights."""
    listen_dsn: SecretStr | None = None
    """A session connection for LISTEN, where `postgres_dsn` goes through a transaction pooler."""
    neo4j_uri: str
    neo4j_user: str = "neo4j"
    neo4j_password: SecretStr
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    session_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    """Signs the dashboard's sessions, the same in all replicas; needed where `http_host` can be
    reached from elsewhere. None makes one at start, which ends all sessions."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(read_names)] = ()
    """Names, without ports, that the dashboard answers to; empty for the loopback names."""
    environment: Annotated[str, Field(max_length=40)] = "local"
    """What the dashboard shows beside its name, so that nobody mistakes one system for another."""
    jaeger_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """Where people open Jaeger, for links from traces."""

    release: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,64}$")] | None = None
    """What is deployed, such as a version or a commit: dead letters say in which release they
    died, and the page Overview since when it runs."""

    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 6_000
    """What one API key may ask of all replicas of the API together, unless it has a number of its
    own; ten seconds' worth may come at once."""

    embedder: Literal["wordllama", "openai"] = "wordllama"
    embedding_url: str = "https://api.openai.com/v1"
    """Any OpenAI-compatible endpoint; read when `embedder` is `openai`."""
    embedding_model: str = "text-embedding-3-large"
    embedding_dimensions: PositiveInt = 3072
    embedding_api_key: SecretStr | None = None
    embedding_calibration: Annotated[Points, NoDecode, BeforeValidator(read_points)] = ()
    """The model's equivalents of the detectors' thresholds, as `supastate calibrate` prints them:
    `0.65=0.59,0.70=0.62,0.80=0.70`. Empty takes what was measured of a known model, else the
    thresholds as they are."""

    summary_model: str | None = None
    """None writes extractive summaries, which need no key."""
    summary_url: str = "https://api.openai.com/v1"
    summary_api_key: SecretStr | None = None
    summary_debounce_seconds: PositiveFloat = 900.0
    """A project's summary is not written again before it is this old."""

    visibility_timeout_seconds: PositiveFloat = 60.0
    """How long a message stays hidden without a heartbeat; a dead worker's work waits this long."""
    detection_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """How much of its time a worker looks for patterns that nobody waits for; else it rests, so
    that searches and imports go on beside it."""
    niceness: Annotated[int, Field(ge=0, le=19)] = 10
    """How far a worker gives way to the API and the servers where all want the processor: from 0,
    not at all, to 19. Containers have `cpu_shares` for it."""
    batch_size: Annotated[int, Field(ge=1, le=1000)] = 100
    """Messages claimed by one read."""
    queue_sample_seconds: NonNegativeFloat = 10.0
    """How often one process of the API samples the queues; 0 leaves it to the others."""
    oldest_target_seconds: PositiveFloat = 300.0
    """A message that waits longer than this is a problem to tell operators of."""
    span_store: bool = True
    """Keep spans in Postgres too, so that traces can be read without Jaeger."""
    span_store_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Of all traces, so many are kept in Postgres; Jaeger gets all."""

    @classmethod
    def load(cls) -> Self:
        """Return the settings of this process.

        Raises:
            SettingsError: a variable is missing or wrong; the message names each.
        """
        try:
            return cls()  # pyright: ignore[reportCallIssue]  # filled from the environment
        except ValidationError as error:
            raise SettingsError(_explain(error)) from error


class JudgeSettings(BaseSettings):
    """The language model that may judge activities, and what it may cost."""

    model_config = SettingsConfigDict(
        env_prefix=JUDGE_PREFIX,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        use_attribute_docstrings=True,
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

    model: str | None = None
    """None leaves all to the trained classifier."""
    url: str = "https://api.openai.com/v1"
    """Any OpenAI-compatible endpoint."""
    api_key: SecretStr | None = None
    cost_cap_dollars: NonNegativeFloat = 1.0
    """What one run may cost at most; from there on the classifier answers."""
    dollars_per_million_input_tokens: NonNegativeFloat = 5.0
    """What the endpoint charges; 0 for a model on this machine."""
    dollars_per_million_output_tokens: NonNegativeFloat = 25.0
    timeout_seconds: PositiveFloat = 30.0

    @classmethod
    def load(cls) -> Self:
        """Return the settings of this run.

        Raises:
            SettingsError: a variable is wrong; the message names it.
        """
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError("\n".join(_problems(error, JUDGE_PREFIX))) from error


def _problems(error: ValidationError, prefix: str) -> list[str]:
    return [
        f"{prefix}{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False)
    ]


def _explain(error: ValidationError) -> str:
    lines = _problems(error, PREFIX)
    hint = '`eval "$(./supastate local env)"` sets them for a local stack; see .env.example.'
    return "\n".join([*lines, hint])
