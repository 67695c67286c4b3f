"""``reviewlens status``: state of a running stack, or of an API."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from local.cli import options
from local.cli.connection import open_api
from local.cli.failed_shards import describe_failed
from local.cli.output import console, fail, print_json
from local.errors import LocalStackError
from local.names import RAW_BUCKET
from local.state import StateFolder
from reviewlens import ApiError, Client
from reviewlens.models import GatewayHealth, IngestReport, QueueState

_COLOURS = {"ok": "green", "degraded": "yellow", "unavailable": "red"}
_RECENT_INGESTS = 10
_RECENT_FILES = 10


def status(
    as_json: options.Json = False,
    state: options.State = options.STATE,
    api_url: options.ApiUrl = None,
) -> None:
    """Show addresses, health, queues and the latest ingests of the running stack.

    Of an API (--api-url) it shows health and ingests.

    Example: reviewlens status --json
    """
    try:
        summary = _summarize(state, api_url)
    except LocalStackError as error:
        fail(error)
    print_json(summary) if as_json else _show(summary)


def _summarize(state: Path, api_url: str | None) -> dict[str, Any]:
    if api_url:
        with open_api(state, api_url) as client:
            health = client.health()
            return {"api": api_url, "health": health, "ingests": _recent(client, health)}
    folder = StateFolder(state)
    running = folder.require_running()
    from local.stack.client import connected  # needs the extra `local`

    with connected(folder) as stack:
        health = stack.api.health()
        return {
            "state": str(folder.root),
            "api": running.gateway_url,
            "aws": running.aws_url,
            "raw_bucket": RAW_BUCKET,
            "database_port": running.database,
            "pids": {"stack": running.pid, **running.children},
            "health": health,
            "queues": stack.queues(),
            "ingests": _recent(stack.api, health),
            "quarantine": [asdict(entry) for entry in folder.quarantine.entries()],
        }


def _recent(client: Client, health: GatewayHealth) -> list[IngestReport] | None:
    collection = health.services.get("collection")
    if collection is not None and collection.status == "unavailable":
        return None  # the client would repeat the request in vain
    try:
        return client.ingests(limit=_RECENT_INGESTS).ingests
    except ApiError:  # /health shows what is wrong
        return None


def _show(summary: dict[str, Any]) -> None:
    out = console()
    health: GatewayHealth = summary["health"]
    if "state" in summary:
        _show_stack(summary)
    else:
        out.print(f"HTTP API  {summary['api']}", soft_wrap=True)
        out.print(f"health    [{_COLOURS[health.status]}]{health.status}[/]")
    out.print(f"model     {health.model_version or 'none yet'}")
    out.print(f"index     {health.index_version or 'none yet'}")
    _show_backlog(health)
    if summary.get("quarantine"):
        _show_quarantine(summary)
    if health.services:
        out.print()
        out.print(_health_table(health))
    if "queues" in summary:
        out.print()
        out.print(_queue_table(summary["queues"]))
    if summary["ingests"]:
        out.print()
        out.print(_ingest_table(summary["ingests"]))
        _show_failed(summary["ingests"])
        _show_pictures(summary["ingests"])


def _show_failed(ingests: Sequence[IngestReport]) -> None:
    for each in ingests:
        for line in describe_failed(each):
            console().print(f"{each.ingest_id}: {line}", style="red", markup=False, soft_wrap=True)


def _show_pictures(ingests: Sequence[IngestReport]) -> None:
    for each in ingests:
        counts = each.pictures.model_dump()
        if any(counts.values()):
            words = ", ".join(f"{count:,} {name}" for name, count in counts.items())
            console().print(f"{each.ingest_id}: pictures: {words}", markup=False, soft_wrap=True)


def _show_stack(summary: dict[str, Any]) -> None:
    out = console()
    out.print(f"state     {summary['state']}", soft_wrap=True)
    out.print(f"HTTP API  {summary['api']}")
    out.print(f"AWS       {summary['aws']}  (upload to s3://{summary['raw_bucket']}/uploads/)")
    out.print(f"database  port {summary['database_port']}  (`reviewlens env` sets up psql)")


def _show_backlog(health: GatewayHealth) -> None:
    """Print unfinished work, free space, and what is wrong with the machine."""
    out = console()
    if backlog := health.backlog:
        since = backlog.oldest_ingest_at
        oldest = f", the oldest from {since:%Y-%m-%d %H:%M} UTC" if since else ""
        out.print(
            f"backlog   {backlog.reviews:,} reviews to analyse in {backlog.shards:,} shards;"
            f" {backlog.ingests:,} unfinished ingests{oldest}",
            soft_wrap=True,
        )
    if health.free_bytes:
        free = ", ".join(f"{size / 2**30:,.1f} GiB ({n})" for n, size in health.free_bytes.items())
        out.print(f"disk      {free} free")
    for name, check in health.checks.items():
        if check.detail:
            text = f"[{_COLOURS[check.status]}]{name}[/]: {escape(check.detail)}"
            out.print(text, soft_wrap=True)


def _show_quarantine(summary: dict[str, Any]) -> None:
    entries = summary["quarantine"]
    out = console()
    out.print(
        f"[yellow]{len(entries)} damaged files[/] are in {summary['state']}/quarantine:",
        soft_wrap=True,
    )
    for entry in entries[-_RECENT_FILES:]:
        out.print(f"  {entry['at']}  {escape(entry['reason'])}", soft_wrap=True)


def _health_table(health: GatewayHealth) -> Table:
    table = Table("service", "health", "reason", box=None, pad_edge=False)
    for name, service in health.services.items():
        colour = _COLOURS[service.status]
        details = "; ".join(check.detail for check in service.checks.values() if check.detail)
        table.add_row(name, f"[{colour}]{service.status}[/]", escape(details))
    return table


def _queue_table(queues: dict[str, QueueState]) -> Table:
    table = Table("queue", "waiting", "in work", "given up", box=None, pad_edge=False)
    for name, counts in queues.items():
        given_up = counts.given_up
        table.add_row(
            name,
            str(counts.waiting),
            str(counts.in_work),
            f"[red]{given_up}[/]" if given_up else "0",
        )
    return table


def _ingest_table(ingests: Sequence[IngestReport]) -> Table:
    names = ("rows_read", "stored", "duplicates", "rejected")
    table = Table("ingest", "object", "status", *names, box=None, pad_edge=False)
    table.columns[0].no_wrap = True  # users copy it
    table.columns[1].overflow = "fold"
    for each in ingests:
        counts = (each.rows_read, each.stored, each.duplicates, each.rejected)
        cells = [f"{count:,}" for count in counts]
        table.add_row(each.ingest_id, escape(each.key), each.status, *cells)
    return table
