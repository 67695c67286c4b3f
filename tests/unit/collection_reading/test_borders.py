"""The borders of a dump, found without making rows, are those of its batches."""

import io
import json
import random
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter

from lambdas.collection.reading import DumpMark, IndivisibleError, Limits, ReadOptions, read_dump
from shared.errors import IngestError
from tests.unit.collection_reading.resumable_dumps import DUMPS, Counted, parquet

MARKS = TypeAdapter(DumpMark)
OPTIONS = ReadOptions(batch_rows=700, reviewer_key=b"k")


def open_dump(body, options=OPTIONS, resume=None):
    def open_file(_space):
        return io.BytesIO(body)

    stream = Counted(body)
    return read_dump(stream, name="a", options=options, resume=resume, open_file=open_file)


def lines(count, **values):
    rows = ({"text": f"Text {n}", "rating": n % 5 + 1, **values} for n in range(count))
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.mark.parametrize("kind", sorted(DUMPS))
def test_ranges_between_borders_give_the_batches_of_a_whole_reading(kind):
    dump = open_dump(DUMPS[kind])
    batches = list(dump)
    planned = open_dump(DUMPS[kind])
    borders = list(planned.borders())
    records = [sum(batch.rows_read for batch in batches[: n + 1]) for n in range(len(batches))]
    assert [border.records for border in borders] == records
    assert [bool(border.mark) for border in borders] == [bool(batch.mark) for batch in batches]

    part, resume, makers = 0, None, []
    for end, border in enumerate(borders, 1):
        if border.mark is None and end < len(borders):
            continue
        ranged = open_dump(DUMPS[kind], resume=resume)
        for own, batch in zip(range(part, end), ranged, strict=False):
            whole = batches[own]
            assert batch.table.equals(whole.table)
            assert (batch.rejects, batch.rows_read) == (whole.rejects, whole.rows_read)
        makers.append(ranged.maker_mark())
        part = end
        resume = border.mark and MARKS.validate_json(MARKS.dump_json(border.mark))

    # what was counted for warnings adds up
    whole = dump.maker_mark()
    assert all(mark.conventions == whole.conventions for mark in makers)
    assert sum(mark.dates_unread for mark in makers) == whole.dates_unread
    assert sum((Counter(m.ratings_unread) for m in makers), Counter()) == whole.ratings_unread
    assert set(planned.warnings) <= set(dump.warnings)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_borders_go_on_where_an_earlier_run_ended(kind):
    borders = list(open_dump(DUMPS[kind]).borders())
    middle = borders[len(borders) // 2].mark
    rest = list(open_dump(DUMPS[kind], resume=middle).borders())
    numbers = [border.records for border in borders]
    assert [border.records for border in rest] == numbers[numbers.index(middle.records) + 1 :]


def test_a_dump_whose_batches_may_end_early_is_not_divided():
    body = lines(600, title="a", note="b" * 90_000)
    with pytest.raises(IndivisibleError, match="so long"):
        list(open_dump(body).borders())


def test_a_parquet_file_whose_batches_may_end_early_is_not_divided():
    """Its bytes do not tell: a text that is stored once is in every row."""
    file = io.BytesIO()
    texts = [random.Random(n).randbytes(45_000).hex() for n in range(20)]
    table = pa.table({"text": texts * 150, "rating": [5.0] * 3_000})
    pq.write_table(table, file, dictionary_pagesize_limit=10**7)
    assert len(file.getvalue()) < 3 * 2**20
    with pytest.raises(IndivisibleError, match="so long"):
        list(open_dump(file.getvalue()).borders())


def test_a_range_of_a_parquet_file_needs_no_copy_and_not_the_whole_file():
    body = parquet(row_group_size=1_000, use_dictionary=False, compression="none")
    mark = next(border.mark for border in open_dump(body).borders() if border.records == 2_800)
    stream, file = Counted(body), Counted(body)
    limits = Limits(max_file_bytes=10)
    options = replace(OPTIONS, limits=limits)
    dump = read_dump(stream, name="a", options=options, resume=mark, open_file=lambda _space: file)
    assert dump.is_divisible
    assert next(iter(dump)).rows_read == 700
    assert file.bytes_read < len(body) / 2
    with pytest.raises(IngestError, match="copied to the disk"):
        read_dump(Counted(body), name="a", options=options, resume=mark)


def test_a_dump_of_which_nothing_can_be_read_at_first_is_not_divided():
    body = b"text,rating\n" + b"one,2,3\n" * 2_100 + b"good,5\n" * 1_000
    with pytest.raises(IndivisibleError, match="none of the first"):
        list(open_dump(body).borders())


def test_a_range_has_the_time_of_its_own_bytes_and_no_other():
    body = lines(9_000)
    now = [0.0]
    limits = Limits(cpu_seconds_per_mb=1.0, cpu_seconds_floor=2.0, cpu_clock=lambda: now[0])
    options = replace(OPTIONS, limits=limits)
    border = list(open_dump(body, options).borders())[-3]
    ranged = open_dump(body, options, resume=border.mark)
    rest = len(body) - border.mark.place.offset
    assert next(iter(ranged)).rows_read == 700
    now[0] += 2.0 + rest / 10**6 + 9_000 * 200e-6
    slow = open_dump(body, options, resume=border.mark)
    now[0] += 2.0 + rest / 10**6 + 9_000 * 200e-6
    with pytest.raises(Exception, match="seconds of CPU time"):
        list(slow)
