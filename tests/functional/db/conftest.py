"""Keys that sign tokens, and rules by which the server accepts connections."""

import time
from contextlib import contextmanager
from pathlib import Path

import boto3
import psycopg
import pytest

from shared.db.connection import connection_arguments
from shared.storage import clients
from tests.fakes.rds_proxy import KEYS, REGION


@pytest.fixture
def role_keys(monkeypatch):
    """The keys of a function's role; no request is sent to AWS."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it caches other keys
    clients.client.cache_clear()
    yield
    clients.client.cache_clear()


@pytest.fixture
def first_rule(postgres):
    """``with first_rule(line):`` the server applies a line of pg_hba.conf before all others."""

    @contextmanager
    def apply(line):
        arguments = connection_arguments(postgres.secret)
        with psycopg.connect(**arguments, autocommit=True) as connection:
            (hba_file,) = connection.execute("SHOW hba_file").fetchone()
            before = Path(hba_file).read_text()
            try:
                Path(hba_file).write_text(f"{line}\n{before}")
                _reload(connection)
                yield
            finally:
                Path(hba_file).write_text(before)
                _reload(connection)

    return apply


def _reload(connection):
    """Have the rules read again; connections that are opened afterwards follow them."""
    query = "SELECT pg_conf_load_time()"
    before = connection.execute(query).fetchone()
    connection.execute("SELECT pg_reload_conf()")
    while connection.execute(query).fetchone() == before:
        time.sleep(0.01)
