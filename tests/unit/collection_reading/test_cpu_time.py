"""The budget of CPU time: what is slow for its size is not read to its end. Clocks are injected."""

import io
import zipfile

from lambdas.collection.reading import Limits, ReadOptions, read_dump
from shared.errors import IngestError

HEADER = "overall,reviewText\n"
CHUNK = 16 * 1024


class Clock:
    """Each reading of the clock takes ``tick`` seconds."""

    def __init__(self, tick=0.0):
        self.seconds = 0.0
        self.tick = tick

    def __call__(self):
        self.seconds += self.tick
        return self.seconds


def read_until_failure(body, clock, *, batch_rows=100, chunk=CHUNK, on_batch=None, **limits):
    """The batches of a dump, and the error that ended it."""
    data = body if isinstance(body, bytes) else body.encode()
    stream = io.BufferedReader(io.BytesIO(data))
    stream.read = lambda size, read=stream.read: read(min(size, chunk))
    options = ReadOptions(
        reviewer_key=b"k" * 32, batch_rows=batch_rows, limits=Limits(cpu_clock=clock, **limits)
    )
    batches = []
    try:
        for batch in read_dump(stream, name="dump", options=options):
            batches.append(batch)
            if on_batch:
                on_batch()
    except IngestError as error:
        return batches, error
    return batches, None


def rows_of(batches):
    return sum(batch.table.num_rows for batch in batches)


def test_a_slow_object_is_not_read_to_its_end():
    body = HEADER + "5,good\n" * 50 + "x\n" * 5000
    batches, error = read_until_failure(body, Clock(tick=1), cpu_seconds_floor=30)
    assert error.code == "cpu_time_limit"
    read = sum(batch.rows_read for batch in batches)
    assert 50 < read < 5050
    assert f"stopped after line {read + 1} (record {read})" in error.message
    assert "0.5 seconds per MB and 0.2 ms per accepted row, but at least 30 s" in error.message


def test_rows_read_before_the_limit_are_kept_although_their_batch_is_not_full():
    body = HEADER + "5,good\n" * 50 + ("x" * 1000 + "\n") * 3000
    batches, error = read_until_failure(
        body, Clock(tick=1), batch_rows=10**6, cpu_seconds_floor=100
    )
    assert error.code == "cpu_time_limit"
    (batch,) = batches
    assert batch.table.num_rows == 50
    assert batch.rows_read == 50 + len(batch.rejects) < 3050
    assert f"(record {batch.rows_read})" in error.message


def test_accepted_rows_may_take_longer_than_rejects():
    limits = {"cpu_seconds_floor": 0.1, "cpu_seconds_per_mb": 0.5}
    rows = HEADER + "5,ok\n" * 5000
    assert read_until_failure(rows, Clock(tick=0.005), **limits)[1] is None
    rejects = HEADER + "5,ok\n" + "5,\n" * 5000
    assert read_until_failure(rejects, Clock(tick=0.005), **limits)[1].code == "cpu_time_limit"


def test_the_bytes_of_a_large_object_count():
    rejects = HEADER + "5,ok\n" + ("x" * 1000 + "\n") * 5000
    for per_mb, is_read in ((0.5, False), (5, True)):
        clock, limits = Clock(tick=0.01), {"cpu_seconds_per_mb": per_mb}
        _, error = read_until_failure(rejects, clock, cpu_seconds_floor=0.1, **limits)
        assert (error is None) == is_read


def test_what_the_caller_does_between_batches_does_not_count():
    clock = Clock()

    def wait():
        clock.seconds += 1000

    body = HEADER + "5,good\n" * 1000
    batches, error = read_until_failure(body, clock, on_batch=wait, cpu_seconds_floor=1)
    assert error is None
    assert rows_of(batches) == 1000


def test_all_members_of_an_archive_have_one_budget():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(9):
            archive.writestr(f"{number}.csv", HEADER + "5,good\n" * 10 + "x\n" * 500)
    batches, error = read_until_failure(file.getvalue(), Clock(tick=1), cpu_seconds_floor=40)
    assert error.code == "cpu_time_limit"
    last = batches[-1].file
    assert last not in ("dump!0.csv", "dump!8.csv")
    assert last.removeprefix("dump!") in error.message
    assert rows_of(batches) == 10 * (int(last[5]) + 1)


def test_the_bytes_of_the_sheets_of_a_workbook_count():
    import openpyxl

    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["overall", "reviewText"])
    for _ in range(5000):
        book.active.append([5, None])
    book.save(file)
    limits = {"cpu_seconds_floor": 0, "cpu_seconds_per_mb": 1, "batch_rows": 1000}
    assert len(file.getvalue()) < 50_000
    assert read_until_failure(file.getvalue(), Clock(tick=0.005), **limits)[1] is None
