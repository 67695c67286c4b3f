"""Scores reviews as processing does, with and without aspects, in turns; counts processor time."""

import time
from pathlib import Path

import pyarrow as pa

from benchmarks.children.measure import read_task, write_result
from lambdas.collection.reading.dumps import read_dump
from lambdas.collection.reading.options import ReadOptions
from shared.runtime.encoder import Encoder, open_folder
from shared.runtime.scoring import score
from shared.scoring.shard import score_shard, shard_languages


def main() -> None:
    task = read_task()
    table = _read(Path(task["dump"]), task["rows"])
    encoder = open_folder(Path(task["model"]), threads=1)
    _with_aspects(encoder, table.slice(0, 64))
    plain, whole = [], []
    for _ in range(task["rounds"]):
        started = time.process_time()
        _without_aspects(encoder, table)
        middle = time.process_time()
        mentions = _with_aspects(encoder, table)
        plain.append(1000 * (middle - started) / table.num_rows)
        whole.append(1000 * (time.process_time() - middle) / table.num_rows)
    write_result({"plain": plain, "whole": whole, "reviews": table.num_rows, "mentions": mentions})


def _read(path: Path, rows: int) -> pa.Table:
    """The first accepted reviews of a dump."""
    tables: list[pa.Table] = []
    with path.open("rb") as stream:
        for batch in read_dump(stream, name=path.name, options=ReadOptions()):
            tables.append(batch.table)
            if sum(table.num_rows for table in tables) >= rows:
                break
    return pa.concat_tables(tables).slice(0, rows)


def _without_aspects(encoder: Encoder, table: pa.Table) -> None:
    shard_languages(table, score(encoder.encode, table, encoder.decisions.review))


def _with_aspects(encoder: Encoder, table: pa.Table) -> int:
    scores = score_shard(encoder.encode, encoder.decisions, table)
    return len(scores.readings.aspects) if scores.readings else 0


if __name__ == "__main__":
    main()
