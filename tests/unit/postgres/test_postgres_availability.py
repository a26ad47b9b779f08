"""Which errors of Postgres mean that it is down, by a table of cases."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolTimeout

from shared.errors import DependencyDownError
from shared.postgres.availability import translated_errors

OUTAGES = [
    psycopg.OperationalError("the connection is lost"),
    psycopg.InterfaceError("the connection is closed"),
    PoolTimeout("couldn't get a connection after 5.00 sec"),
    errors.ConnectionFailure("08006"),
    errors.DiskFull("53100"),
    errors.TooManyConnections("53300"),
    errors.AdminShutdown("57P01"),
    errors.CannotConnectNow("57P03"),
]
REFUSALS = [
    errors.ProgramLimitExceeded("54000"),
    errors.QueryCanceled("57014"),
    errors.DeadlockDetected("40P01"),
    errors.LockNotAvailable("55P03"),
    errors.UniqueViolation("23505"),
    errors.CharacterNotInRepertoire("22021"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: str(error))
def test_what_nobody_can_work_with_is_down(error: psycopg.Error) -> None:
    with pytest.raises(DependencyDownError, match="Postgres"), translated_errors():
        raise error


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: str(error))
def test_what_is_about_one_statement_is_not_down(error: psycopg.Error) -> None:
    with pytest.raises(type(error)), translated_errors():
        raise error
