"""Huge dumps of every format that is read in ranges, made small."""

import bz2
import gzip
import io
import json
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

ROWS = 4_000
BATCH_ROWS = 250


def csv_of(rows):
    lines = ["text,rating,date"]
    for number, row in enumerate(rows):
        text = f'"{row["text"]}\nAnd ""that"" is all."' if row["text"] else ""
        lines.append(f"{text},{row['rating']},{'soon' if number % 500 == 400 else '2021-03-04'}")
        if number % 700 == 300:
            lines.append('"an open quote,4,2021-03-04')
    return "".join(f"{line}\n" for line in lines).encode()


def jsonl_of(rows):
    lines = [json.dumps(row) for row in rows]
    lines[2_500] = f"{lines[2_500]} {lines[2_501]}"
    return "".join(f"{line}\n" for line in lines).encode()


def parquet_of(rows, row_group_size=900):
    """Row groups of several batches, as writers make them, and one of a few rows."""
    file = io.BytesIO()
    columns = {
        name: [row[name] for row in rows] for name in ("text", "rating", "asin", "timestamp")
    }
    pq.write_table(pa.table(columns), file, row_group_size=row_group_size)
    return file.getvalue()


def members_of(rows):
    """Dumps of two formats, which have no row in common, and what is no dump."""
    parts = {True: [], False: []}
    for row in rows:
        parts[int(row["user_id"][1:]) % 8 == 0].append(row)
    jsonl = gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in parts[False]))
    return {"README.md": b"About", "x/a.csv": csv_of(parts[True]), "x/b.jsonl.gz": jsonl}


def zipped(rows, **more):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in (members_of(rows) | more).items():
            archive.writestr(name, body)
    return file.getvalue()


def tar(rows):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, body in members_of(rows).items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return file.getvalue()


ARCHIVES = {
    "zip": zipped,
    "tar": tar,
    "tar.zst": lambda rows: zstandard.compress(tar(rows)),
}
FORMS = {
    "csv": csv_of,
    "jsonl": jsonl_of,
    "csv.gz": lambda rows: gzip.compress(csv_of(rows)),
    "jsonl.bz2": lambda rows: bz2.compress(jsonl_of(rows)),
    "jsonl.zst": lambda rows: zstandard.compress(jsonl_of(rows)),
    "parquet": parquet_of,
    **ARCHIVES,
}


def texts(world):
    """Keys of the text of compressed dumps."""
    return [info.key for info in world.dependencies.clean.list("plans/") if "/text/" in info.key]


def run(world, machine, arrival):
    """Deliver an object and run the state machine; returns how the execution ended."""
    world.collector.collect(arrival)
    (ending,) = machine.run()
    return ending
