"""A dump that is read in several runs gives the rows, rejects and counts of one that is not."""

import io
from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from lambdas.collection.reading import DumpMark, ReadOptions, decompress, read_dump
from tests.unit.collection_reading.resumable_dumps import DUMPS, ROWS, Counted

MARKS = TypeAdapter(DumpMark)
PASSED_OVER = {"gzip", "bzip2", "zstd", "xz", "gzip in gzip", "utf-16"}
"""What is before a mark is decompressed or converted again, but not parsed."""
COPIED = {"parquet", "one row group", "plain parquet"}


def read(body, resume=None):
    stream = Counted(body)
    options = ReadOptions(batch_rows=700, reviewer_key=b"k")
    dump = read_dump(stream, name="a", options=options, resume=resume)
    return list(dump), dump, stream


def content(batches):
    rows = [row for batch in batches for row in batch.table.to_pylist()]
    rejects = [reject for batch in batches for reject in batch.rejects]
    return rows, rejects, [batch.rows_read for batch in batches]


def _without_block(mark):
    """Which line is next; blocks and CPU time may differ."""
    lines = mark.place.lines + mark.place.skip
    return lines, mark.place.header, mark.maker, mark.records, mark.rejected


@pytest.mark.parametrize("kind", DUMPS)
def test_a_later_run_goes_on_where_an_earlier_one_ended(kind):
    whole, dump, _ = read(DUMPS[kind])
    marked = [number for number, batch in enumerate(whole) if batch.mark]
    assert len(marked) >= 8
    assert sum(batch.rows_read for batch in whole) >= ROWS - 100
    for number in (marked[0], marked[len(marked) // 2], marked[-1]):
        mark = MARKS.validate_json(MARKS.dump_json(whole[number].mark))
        rest, resumed, stream = read(DUMPS[kind], mark)
        assert content([*whole[: number + 1], *rest]) == content(whole)
        assert sum(batch.rows_read for batch in rest) == sum(
            batch.rows_read for batch in whole[number + 1 :]
        )
        assert resumed.warnings == dump.warnings
        assert resumed.profile == dump.profile
        last = next((batch.mark for batch in reversed(rest) if batch.mark), None)
        expected = whole[marked[-1]].mark
        if last is not None:
            assert _without_block(last) == _without_block(expected)
        if kind not in PASSED_OVER | COPIED:
            assert stream.bytes_read <= len(DUMPS[kind]) - mark.place.offset + 2**20


def test_a_run_that_goes_on_uses_up_what_is_left_of_the_time():
    whole, _, _ = read(DUMPS["json lines"])
    mark = next(batch.mark for batch in whole if batch.mark)
    spent = replace(mark, cpu=replace(mark.cpu, seconds=10_000.0))
    stream = io.BytesIO(DUMPS["json lines"])
    dump = read_dump(stream, name="a", options=ReadOptions(batch_rows=700), resume=spent)
    with pytest.raises(Exception, match="seconds of CPU time"):
        list(dump)


@pytest.mark.parametrize("kind", [kind for kind in DUMPS if kind not in COPIED])
def test_a_later_run_may_receive_the_bytes_in_smaller_pieces(kind, monkeypatch):
    """A run begins at a block of lines, which may end earlier for it than for the one before."""
    whole, _, _ = read(DUMPS[kind])
    numbers = [number for number, batch in enumerate(whole) if batch.mark]
    monkeypatch.setattr(decompress, "READ_BYTES", 20_000)
    monkeypatch.setattr(decompress, "OUT_BYTES", 15_000)
    for number in numbers[::3]:
        rest, _, _ = read(DUMPS[kind], whole[number].mark)
        assert content([*whole[: number + 1], *rest]) == content(whole)
