"""Fixtures for many tests: PostgreSQL in a temporary folder, and moto's AWS on loopback."""

import json
import os
import secrets
import shutil
import signal
import tempfile
from functools import cache
from pathlib import Path

# Read when numpy is imported, as the processes of tests share few cores; not for those they start.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np  # noqa: F401

del os.environ["OPENBLAS_NUM_THREADS"]

import boto3
import hypothesis
import psycopg
import pytest

from local.stack.ports import free_port
from local.stack.postgres import Postgres
from shared.db.connection import Database, connection_arguments
from shared.db.ingest.ledger import Ledger
from shared.db.migrations import migrate
from shared.db.roles import TABLE_PRIVILEGES, grant_access
from shared.settings.base import APP_USER


def pytest_configure():
    """Remove the deadlines of hypothesis, and let Ctrl-C reach the processes of tests.

    Machines are shared, so no test is timed. A background job of a shell ignores SIGINT, and its
    child processes would inherit that.
    """
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_FOLDERS_OF_ONE_PROCESS = (
    "tests/browser/",
    "tests/e2e/one_stack/",
    "tests/functional/local/pictures/",
    "tests/infra/",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With ``--dist loadfile``, keep tests with an expensive session fixture in one process."""
    from xdist.scheduler import LoadFileScheduling

    @cache
    def group(path):
        for folder in _FOLDERS_OF_ONE_PROCESS:
            if path.startswith(folder):
                return folder
        return path

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return group(super()._split_scope(nodeid))

    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def postgres():
    """An embedded server with all tables."""
    folder = Path(tempfile.mkdtemp(prefix="reviewlens-test-"))
    server = Postgres(
        folder / "data",
        port=free_port(0, purpose="test database", option="-"),
        password=secrets.token_hex(8),
        log_path=folder / "log",
    )
    try:
        server.start()
        _write_without_waiting(server)
        migrate(server.secret)
        grant_access(server.secret, APP_USER)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shared_path():
    """A temporary folder in which PostgreSQL can run; pytest's own are closed to its account."""
    folder = Path(tempfile.mkdtemp(prefix="reviewlens-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _write_without_waiting(server):
    """Turn off fsync: the data of a test need not survive the machine."""
    with psycopg.connect(**connection_arguments(server.secret), autocommit=True) as owner:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            owner.execute(f"ALTER SYSTEM SET {setting} = off")
        owner.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def app_secret(postgres):
    """The secret of the functions' user, which owns nothing, as on AWS. Here it has a password."""
    password = secrets.token_hex(8)
    with psycopg.connect(**connection_arguments(postgres.secret)) as owner:
        owner.execute(f"ALTER ROLE {APP_USER} PASSWORD '{password}'")
    return {**postgres.secret, "username": APP_USER, "password": password}


@pytest.fixture
def empty_tables(postgres):
    """``empty_tables()`` empties all tables, as their owner."""

    def empty():
        with psycopg.connect(**connection_arguments(postgres.secret)) as owner:
            tests = ", ".join(f"EXISTS (SELECT FROM {table})" for table in TABLE_PRIVILEGES)
            has_rows = owner.execute(f"SELECT {tests}").fetchone()
            # a TRUNCATE makes a new file for each table and index, which takes a while
            if filled := [
                table for table, rows in zip(TABLE_PRIVILEGES, has_rows, strict=True) if rows
            ]:
                owner.execute(f"TRUNCATE {', '.join(filled)} CASCADE")

    return empty


@pytest.fixture
def database(empty_tables, app_secret):
    """A pool on empty tables."""
    empty_tables()
    pool = Database(lambda: app_secret, pool_size=8)
    yield pool
    pool.close()


@pytest.fixture
def ledger(database):
    return Ledger(database)


@pytest.fixture
def rows(database):
    """``rows("SELECT …", argument, …)``: the rows that a query returns."""

    def select(query, *arguments):
        with database.transaction() as connection:
            return connection.execute(query, arguments).fetchall()

    return select


@pytest.fixture(scope="session")
def aws_endpoint():
    """moto's server on a free loopback port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def aws_client(aws_endpoint):
    """``aws_client("s3")``: the boto3 client of the simulated AWS; to make one takes a while."""

    @cache
    def make(service):
        return boto3.client(
            service,
            endpoint_url=aws_endpoint,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return make


@pytest.fixture
def new_bucket(aws_client):
    """``new_bucket()`` creates a bucket with a unique name and returns the name."""

    def make():
        name = f"test-{secrets.token_hex(8)}"
        aws_client("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        return name

    return make


@pytest.fixture
def new_queue(aws_client):
    """``new_queue()`` creates a queue with a unique name and returns its URL."""

    def make():
        return aws_client("sqs").create_queue(QueueName=f"test-{secrets.token_hex(8)}")["QueueUrl"]

    return make


@pytest.fixture
def function_environment(
    monkeypatch, tmp_path, app_secret, database, aws_endpoint, aws_client, new_bucket, new_queue
):
    """The environment of a deployed function, over the simulated AWS and the real database."""
    from shared.storage import clients

    def secret(value):
        name = f"test-{secrets.token_hex(8)}"
        aws_client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value))
        return name

    variables = {
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "REVIEWLENS_DATABASE_SECRET_ID": secret(app_secret),
        "REVIEWLENS_REVIEWER_KEY_SECRET_ID": secret({"key": "0f" * 32}),
        "REVIEWLENS_CACHE_DIR": str(tmp_path / "cache"),
        **{f"REVIEWLENS_{n}_BUCKET": new_bucket() for n in ("RAW", "CLEAN", "ARTEFACT")},
        **{f"REVIEWLENS_{n}_QUEUE_URL": new_queue() for n in ("COLLECTION", "PROCESSING", "INDEX")},
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    clients.client.cache_clear()
    yield variables
    clients.client.cache_clear()
