"""Local stacks for measurements: a whole one, or only PostgreSQL and AWS."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.processes import ROOT
from local.aws.resources import create_resources, local_client
from local.credentials import AwsKeys
from local.stack.children import log_tail
from local.stack.client import StackClient
from local.stack.environment import child_environment, function_environment
from local.stack.ports import bind, free_port
from local.stack.postgres import Postgres
from local.state import FolderLock, StateFolder
from reviewlens import ApiError

_START_TIMEOUT_SECONDS = 120.0
_STOP_TIMEOUT_SECONDS = 60.0
_LOG_WARNINGS_ONLY = {"REVIEWLENS_LOG_LEVEL": "WARNING"}


def environment(aws_url: str, cache: Path, keys: AwsKeys) -> dict[str, str]:
    """Environment variables of a function's process."""
    variables = function_environment(aws_url, cache, keys)
    return child_environment(os.environ, variables) | _LOG_WARNINGS_ONLY


@dataclass(frozen=True)
class BareServices:
    """PostgreSQL and AWS without gateway and worker, so that only the caller receives messages."""

    postgres: Postgres
    s3: Any
    environment: dict[str, str]

    def empty(self) -> None:
        """Delete all rows."""
        with psycopg.connect(self.postgres.uri, autocommit=True) as connection:
            rows = connection.execute(
                "SELECT tablename FROM pg_tables"
                " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            ).fetchall()
            tables = sql.SQL(", ").join(sql.Identifier(row[0]) for row in rows)
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(tables))
            connection.execute("CHECKPOINT")

    def collected(self, ingest_id: str) -> tuple[int, int]:
        """Rows read and reviews stored of one ingest, from the ledger."""
        query = (
            "SELECT coalesce(sum(accepted + rejected), 0), coalesce(sum(rows), 0)"
            " FROM shards WHERE ingest_id = %s"
        )
        with psycopg.connect(self.postgres.uri) as connection:
            read, stored = connection.execute(query, (ingest_id,)).fetchall()[0]
        return int(read), int(stored)


@contextmanager
def bare_services(folder: Path) -> Iterator[BareServices]:
    """Start PostgreSQL and AWS on a state folder, and create the schema."""
    from local.aws.server import LocalAws

    state = StateFolder(folder)
    state.create()
    with ExitStack() as cleanup:
        cleanup.enter_context(FolderLock(state.root))
        secrets, keys = state.secrets(), state.aws_keys()
        postgres = Postgres(
            state.postgres,
            port=free_port(0, purpose="database", option="--database-port"),
            password=secrets["database_password"],
            log_path=state.logs / "postgres.log",
        )
        cleanup.callback(postgres.stop)
        postgres.start()
        listener: socket.socket = bind(0, purpose="local AWS", option="--aws-port")
        aws = LocalAws(state.s3, listener, keys=keys)
        cleanup.callback(aws.stop)
        aws.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        create_resources(url, keys, database=postgres.secret, reviewer_key=secrets["reviewer_key"])
        variables = environment(url, state.cache, keys)
        _migrate(variables)
        yield BareServices(postgres, local_client("s3", url, keys), variables)


def _migrate(variables: dict[str, str]) -> None:
    command = [sys.executable, "-m", "local.stack.prepare"]
    # standard input stays open until the child ends, as its lifeline
    with subprocess.Popen(command, env=variables, cwd=ROOT, stdin=subprocess.PIPE) as child:
        if child.wait():
            raise RuntimeError("the database schema could not be created")


@contextmanager
def whole_stack(folder: Path) -> Iterator[StackClient]:
    """Run ``reviewlens up`` on a state folder and free ports."""
    log = folder.with_name(f"{folder.name}.up.log")
    folder.parent.mkdir(parents=True, exist_ok=True)
    ports = ("--port", "0", "--aws-port", "0", "--database-port", "0")
    command = [str(Path(sys.executable).with_name("reviewlens")), "up", "--state", str(folder)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *ports],
            cwd=ROOT,
            env=os.environ | _LOG_WARNINGS_ONLY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        client = _wait_until_up(process, StateFolder(folder), log)
        try:
            yield client
        finally:
            client.close()
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_TIMEOUT_SECONDS)
        process.kill()
        process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], state: StateFolder, log: Path) -> StackClient:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        running = state.running()
        if running and running.pid == process.pid and "is running" in log.read_text():
            return StackClient(state, running)
        time.sleep(0.1)
    raise RuntimeError(f"the stack did not start:\n{log_tail(log)}")


def index_count(client: StackClient) -> int:
    """Number of reviews in the current index."""
    from local.names import ARTEFACT_BUCKET
    from shared.storage import artefacts
    from shared.storage.objects import S3Store

    store = S3Store(client.s3, ARTEFACT_BUCKET)
    pointer = artefacts.current(store, "index")
    if pointer is None:
        return 0
    return artefacts.read_manifest(store, "index", pointer.version).count or 0


def wait_for_index(client: StackClient) -> None:
    """Wait until the gateway has loaded an index.

    Raises:
        RuntimeError: it has not loaded one in time.
    """
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        with suppress(ApiError):
            if client.api.service_health("retrieval").index_version:
                return
        time.sleep(0.2)
    raise RuntimeError("the stack has no index")
