"""``reviewlens status`` and ``reviewlens env``: state and addresses of a running stack."""

import shlex
from typing import Any

from rich.markup import escape
from rich.table import Table

from local.cli import options
from local.cli.output import console, fail, print_json
from local.errors import LocalStackError
from local.names import RAW_BUCKET
from local.stack.client import StackClient, connected
from local.stack.environment import function_environment
from local.stack.postgres import DATABASE, USERNAME, binaries
from local.state import RunningStack, StateFolder

_COLOURS = {"ok": "green", "degraded": "yellow", "unavailable": "red"}
_RECENT_INGESTS = 10


def status(as_json: options.Json = False, state: options.State = options.STATE) -> None:
    """Show addresses, health, queues and the latest ingests of the running stack.

    Example: reviewlens status --json
    """
    folder = StateFolder(state)
    try:
        with connected(folder) as client:
            summary = _gather(client, folder)
    except LocalStackError as error:
        fail(error)
    print_json(summary) if as_json else _show(summary)


def env(state: options.State = options.STATE) -> None:
    """Print the variables with which aws, psql and the functions connect to the running stack.

    They include the database password of this state folder, and add PostgreSQL's programs to PATH.

    Example: eval "$(reviewlens env)" && psql -c "SELECT count(*) FROM reviews"
    """
    folder = StateFolder(state)
    try:
        with connected(folder) as client:
            running = client.running
    except LocalStackError as error:
        fail(error)
    for name, value in _variables(folder, running).items():
        console().print(f"export {name}={shlex.quote(value)}", markup=False, soft_wrap=True)
    console().print(f'export PATH="$PATH":{shlex.quote(str(binaries()))}', soft_wrap=True)


def _variables(folder: StateFolder, running: RunningStack) -> dict[str, str]:
    database = {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(running.database),
        "PGUSER": USERNAME,
        "PGPASSWORD": folder.secrets()["database_password"],
        "PGDATABASE": DATABASE,
    }
    return function_environment(running.aws_url, folder.cache) | database


def _gather(client: StackClient, folder: StateFolder) -> dict[str, Any]:
    running = client.running
    health = client.health()
    try:
        ingests = client.get("/collect", limit=_RECENT_INGESTS)["ingests"]
    except LocalStackError:  # /health shows what is wrong
        ingests = None
    return {
        "state": str(folder.root),
        "api": running.gateway_url,
        "aws": running.aws_url,
        "raw_bucket": RAW_BUCKET,
        "database_port": running.database,
        "pids": {"stack": running.pid, **running.children},
        "health": health,
        "queues": client.queues(),
        "ingests": ingests,
    }


def _show(summary: dict[str, Any]) -> None:
    out = console()
    health = summary["health"]
    out.print(f"state     {summary['state']}", soft_wrap=True)
    out.print(f"HTTP API  {summary['api']}")
    out.print(f"AWS       {summary['aws']}  (upload to s3://{summary['raw_bucket']}/uploads/)")
    out.print(f"database  port {summary['database_port']}  (`reviewlens env` sets up psql)")
    out.print(f"model     {health.get('model_version') or 'none yet'}")
    out.print(f"index     {health.get('index_version') or 'none yet'}")
    out.print()
    out.print(_health_table(health))
    out.print()
    out.print(_queue_table(summary["queues"]))
    if summary["ingests"]:
        out.print()
        out.print(_ingest_table(summary["ingests"]))


def _health_table(health: dict[str, Any]) -> Table:
    table = Table("service", "health", "reason", box=None, pad_edge=False)
    for name, service in health["services"].items():
        colour = _COLOURS.get(service.get("status"), "red")
        reasons = [check.get("detail") for check in service.get("checks", {}).values()]
        details = "; ".join(reason for reason in reasons if reason)
        table.add_row(name, f"[{colour}]{service.get('status')}[/]", escape(details))
    return table


def _queue_table(queues: dict[str, dict[str, int]]) -> Table:
    table = Table("queue", "waiting", "in work", "given up", box=None, pad_edge=False)
    for name, counts in queues.items():
        given_up = counts["given_up"]
        table.add_row(
            name,
            str(counts["waiting"]),
            str(counts["in_work"]),
            f"[red]{given_up}[/]" if given_up else "0",
        )
    return table


def _ingest_table(ingests: list[dict[str, Any]]) -> Table:
    names = ("rows_read", "stored", "duplicates", "rejected")
    table = Table("ingest", "object", "status", *names, box=None, pad_edge=False)
    table.columns[0].no_wrap = True  # users copy it
    table.columns[1].overflow = "fold"
    for each in ingests:
        counts = [f"{each[name]:,}" for name in names]
        table.add_row(each["ingest_id"], escape(each["key"]), each["status"], *counts)
    return table
