"""Collection alone: speed of reading and storing dumps, and peak memory."""

from pathlib import Path
from typing import Any

from benchmarks.context import Context
from benchmarks.figures import Report, Target
from benchmarks.generated import write_json, write_tsv
from benchmarks.processes import run_child
from benchmarks.stacks import BareServices, bare_services
from lambdas.collection.arrivals import build_notifications
from local.names import RAW_BUCKET
from shared.schemas.ingest import ingest_id_of
from shared.storage.objects import ObjectInfo, S3Store

_ROWS_PER_SECOND = Target(30_000, at_least=True)
_SMALL_ROWS = 300


def reading(context: Context) -> Report:
    """Speed of reading, compared with parsers that only parse."""
    report = Report("Reading a dump (parse, clean, identity, Arrow), one process")
    for name, path in (
        ("AWS TSV, gzip", context.dumps.software),
        ("Amazon 2014 JSON lines", context.dumps.cellphones),
    ):
        result = run_child("read", {"path": str(path), "rounds": context.rounds})
        rates = result["rates"]
        ours = report.add(
            f"{name}: collection's reader", "rows/s", rates.pop("collection"), _ROWS_PER_SECOND
        )
        for peer, values in rates.items():
            plain = report.add(f"{name}: {peer}, parsing alone", "rows/s", values)
            report.compare(f"{name}: {peer} ÷ collection's reader", plain, ours)
        report.notes.append(f"{name}: {result['rows']:,} rows a round, in turns with the others.")
    return report


def storing(context: Context) -> Report:
    """Speed from an object in S3 to rows in PostgreSQL, clean shards and the ledger."""
    report = Report("Collection alone: object in S3 to PostgreSQL rows, clean shards and ledger")
    path = context.dumps.software
    with bare_services(context.scratch / "collection") as services:
        rates, cpu_rates, plain = [], [], []
        for number in range(context.rounds):
            done = _collect(services, context.scratch, path, f"round-{number}")
            rates.append(done["rows"] / done["seconds"])
            cpu_rates.append(done["rows"] / done["cpu_seconds"])
            task = {"uri": services.postgres.uri, "path": str(path)}
            copied = run_child("copy_rows", task)
            plain.append(copied["rows"] / copied["seconds"])
        ours = report.add("AWS TSV: whole collection", "rows/s", rates, _ROWS_PER_SECOND)
        report.add("… for each second of its own processor time", "rows/s", cpu_rates)
        peer = report.add("AWS TSV: csv and COPY into one table", "rows/s", plain)
        report.compare("AWS TSV: csv and COPY ÷ whole collection", peer, ours)
        report.notes.append(
            f"Each round: {done['rows']:,} rows read, {done['stored']:,} reviews stored into an "
            "empty database; PostgreSQL and S3 run on the same cores."
        )
        _memory(context, services, report)
    return report


def _memory(context: Context, services: BareServices, report: Report) -> None:
    """Peak memory with a dump of a tenth of the size, and with one of the whole size."""
    for size in (context.large_mib // 10, context.large_mib):
        if size < 1:
            continue
        path = context.scratch / f"large-{size}.tsv.gz"
        rows = write_tsv(path, size=size * 2**20)
        done = _collect(services, context.scratch, path, f"large-{size}")
        path.unlink()
        name = f"generated TSV of {size:,} MiB ({rows:,} rows, gzip)"
        report.add(f"{name}: peak memory above the start", "MiB", [done["above_mib"]])
        report.add(f"{name}: whole collection", "rows/s", [done["rows"] / done["seconds"]])
    services.empty()


def _collect(services: BareServices, scratch: Path, path: Path, name: str) -> dict[str, Any]:
    """Collect one dump into an empty database, in a new process after a warm-up."""
    services.empty()
    small = scratch / "small.json"
    write_json(small, rows=_SMALL_ROWS)
    warm = _upload(services, small, f"uploads/{name}/small.json")
    measured = _upload(services, path, f"uploads/{name}/{path.name}")
    events = [_event(warm), _event(measured)]
    done: dict[str, Any] = run_child("collect", events, environment=services.environment)
    ingest_id = ingest_id_of(RAW_BUCKET, measured.key, measured.etag)
    done["rows"], done["stored"] = services.collected(ingest_id)
    return done


def _upload(services: BareServices, path: Path, key: str) -> ObjectInfo:
    return S3Store(services.s3, RAW_BUCKET).upload(key, path)


def _event(info: ObjectInfo) -> dict[str, Any]:
    """The queue's event for a new object."""
    body = build_notifications(RAW_BUCKET, [info])[0].model_dump_json()
    return {"Records": [{"messageId": info.key, "body": body, "eventSource": "aws:sqs"}]}


def run(context: Context) -> list[Report]:
    return [reading(context), storing(context)]
