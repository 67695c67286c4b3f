"""What a Parquet file may take: a few bytes can state values of many gigabytes."""

import io
import random
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.collection.reading.cpu_time import CpuBudget
from lambdas.collection.reading.decompress import SizeLimit
from lambdas.collection.reading.formats import parquet_plan
from lambdas.collection.reading.formats.parquet import open_parquet, parse_parquet
from lambdas.collection.reading.formats.parquet_pages import read_pages
from lambdas.collection.reading.formats.parquet_plan import plan_row_group
from lambdas.collection.reading.options import Limits
from lambdas.collection.reading.records import StreamState
from shared.errors import IngestError
from tests.unit.collection_reading.test_parquet import parquet

MIB = 2**20


POOLS: list[pa.ProxyMemoryPool] = []
"""A pool must outlive the arrays in it."""


@pytest.fixture
def bounded(read):
    """Reads a body and checks the most memory that Arrow took for it."""

    def read_bounded(body: bytes, most: int, read=read, **limits):
        before = pa.default_memory_pool()
        POOLS.append(pa.proxy_memory_pool(before))
        pa.set_memory_pool(POOLS[-1])
        try:
            return read(body, **limits)
        finally:
            pa.set_memory_pool(before)
            assert POOLS[-1].max_memory() <= most

    return read_bounded


def test_a_value_in_a_dictionary_is_not_repeated_in_memory(bounded):
    body = parquet({"text": ["x" * (MIB // 2)] * 200, "rating": [5] * 200})
    assert len(body) < 100_000
    with pytest.raises(IngestError, match="expands more than 300 times") as failed:
        bounded(body, 32 * MIB, ratio_floor=8 * MIB)
    assert failed.value.code == "decompression_limit"


def test_large_rows_within_the_limits_are_read_in_small_parts(bounded):
    noise = random.Random(1).randbytes(MIB // 4).hex()
    body = parquet({"text": [noise] * 150 + ["short"], "rating": [5] * 151})
    got = bounded(body, 128 * MIB, ratio_floor=2**40)
    assert (len(got.rows), got.texts[-1]) == (151, "short")


@pytest.mark.parametrize(
    "options",
    [{}, {"use_dictionary": False}, {"data_page_version": "2.0"},
     {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}},
     {"use_dictionary": False, "column_encoding": {"text": "DELTA_LENGTH_BYTE_ARRAY"}}],
    ids=["dictionary", "plain", "version 2", "delta", "delta length"],
)  # fmt: skip
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()], ids=str)
def test_values_over_the_limit_are_rejects(bounded, kind, options):
    texts = ["short", "y" * (MIB + 1), "fine", "z" * MIB] * 15
    table = pa.table({"text": pa.array(texts, kind), "rating": [4] * 60})
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    got = bounded(file.getvalue(), 160 * MIB, ratio_floor=2**40)
    assert got.counted == {"record_too_long": 15}
    assert [len(text) for text in got.texts[:3]] == [5, 4, MIB]
    assert got.rejects[0].record == 2
    assert "more than 1048576 bytes" in got.rejects[0].detail
    assert got.rejects[0].raw.startswith('{"text": "yyy')


def test_values_that_share_a_prefix_are_not_all_decoded_at_once(bounded):
    texts = [f"{'x' * (MIB // 2)}{number}" for number in range(200)]
    body = parquet(
        {"text": texts}, use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"}
    )
    del texts
    with pytest.raises(IngestError) as failed:
        bounded(body, 80 * MIB, ratio_floor=8 * MIB)
    assert failed.value.code == "decompression_limit"


@pytest.mark.parametrize("kind", ["list", "struct"])
def test_nested_values_count_too(bounded, kind):
    value = "x" * (MIB // 2)
    tags = [[value, value, "a"]] * 300 if kind == "list" else [{"a": value}] * 300
    body = parquet({"text": ["fine"] * 300, "tags": tags})  # all columns are read: none has an id
    if kind == "list":
        got = bounded(body, 64 * MIB)
        assert got.counted == {"record_too_long": 300}
        assert '"tags": "…"' in got.rejects[0].raw
    else:
        with pytest.raises(IngestError, match="expands more than 300 times"):
            bounded(body, 64 * MIB, ratio_floor=8 * MIB)


def test_many_equal_rows_in_a_few_bytes_are_refused(read):
    body = parquet({"text": ["works well, no complaints"] * 100_000})
    assert len(body) < 100_000
    with pytest.raises(IngestError, match="expands more than 300 times"):
        read(body, ratio_floor=MIB)


def count_records(body: bytes) -> int:
    """Parse a file without keeping its records."""
    state = StreamState()
    limits = Limits(ratio_floor=2**40)
    size = SizeLimit(lambda: len(body), limits, state, CpuBudget(limits))
    records = parse_parquet(open_parquet(io.BytesIO(body)), ["text"], state, size, 2 * MIB)
    return sum(record.values.__class__ is list for record in records)


def test_distinct_texts_are_not_kept_up_to_the_end_of_a_row_group(bounded, monkeypatch):
    monkeypatch.setattr(parquet_plan, "MAX_ROWS", 256)
    body = parquet({"text": [f"{number} {'fine ' * 200}" for number in range(16_000)]})
    assert pq.read_metadata(io.BytesIO(body)).num_row_groups == 1
    assert bounded(body, 8 * MIB, read=count_records) == 16_000


def test_a_long_entry_of_a_dictionary_counts_where_other_texts_are_not_in_it(bounded):
    long, rest = "x" * MIB, [f"{number} {'fine ' * 200}" for number in range(4000)]
    texts = [*[long, "good"] * 200, *rest]
    assert bounded(parquet({"text": texts}), 64 * MIB, read=count_records) == len(texts)


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}], ids=["dictionary", "plain"])
def test_usual_reviews_are_read_thousands_at_a_time(options):
    numbers = range(20_000)
    columns = {
        "text": [f"{number} {'fine ' * 50}" for number in numbers],
        "title": [f"title {number % 5000}" for number in numbers],
        "review_id": numbers,
        "rating": pa.array([number / 7 for number in numbers], pa.float64()),
        "user": pa.array([number.to_bytes(16) for number in numbers], pa.binary(16)),
    }
    file = io.BytesIO(parquet(columns, **options))
    plan = plan_row_group(file, pq.read_metadata(file), 0, list(range(len(columns))))
    assert plan.batch_rows == parquet_plan.MAX_ROWS


def test_a_page_that_is_too_large_is_refused_before_it_is_read(bounded, monkeypatch):
    monkeypatch.setattr(parquet_plan, "_MAX_OPEN_BYTES", 8 * MIB)
    body = parquet({"text": ["x" * (9 * MIB)]}, use_dictionary=False, compression="zstd")
    with pytest.raises(IngestError, match=r"row group 1 .* pages of more than 8 MiB") as failed:
        bounded(body, MIB)
    assert failed.value.code == "decompression_limit"


def test_a_file_of_too_many_columns_or_too_long_a_footer_is_refused(read):
    wide = parquet({"text": ["a"], **{f"c{number}": [1] for number in range(1000)}})
    with pytest.raises(IngestError, match=r"1001 columns .* the limit is 1000") as failed:
        read(wide)
    assert failed.value.code == "schema_unknown"
    footer = b"\0" * (17 * MIB)
    with pytest.raises(IngestError, match="may take 16 MiB") as failed:
        read(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    assert failed.value.code == "decompression_limit"


def test_many_row_groups_are_read_one_by_one(bounded):
    got = bounded(parquet({"text": [f"good {n}" for n in range(2000)]}, row_group_size=4), 64 * MIB)
    assert len(got.rows) == 2000


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_page_headers_are_read_as_they_were_written(version, dictionary):
    body = parquet(
        {"text": [f"{'long ' * 200}{number}" for number in range(5000)]},
        data_page_version=version,
        use_dictionary=dictionary,
        write_statistics=True,
    )
    chunk = pq.read_metadata(io.BytesIO(body)).row_group(0).column(0)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    end = start + chunk.total_compressed_size
    pages = list(read_pages(io.BytesIO(body), start, end, chunk.num_values))
    assert sum(page.values for page in pages if not page.is_dictionary) == 5000
    assert any(page.is_dictionary for page in pages) == dictionary
    stated = sum(page.size for page in pages)
    assert stated <= chunk.total_uncompressed_size < stated * 1.01


@pytest.mark.parametrize("seed", range(10))
def test_damaged_bytes_give_rejects_or_a_refusal(read, seed):
    texts = [f"a text of some length {number * 7919}" for number in range(2000)]
    body = bytearray(parquet({"text": texts, "tags": [[text] for text in texts]}))
    chance = random.Random(seed)
    for _ in range(20):
        body[chance.randrange(4, len(body) - 8)] = chance.randrange(256)
    with suppress(IngestError):  # a damaged row group is no other error
        read(bytes(body))
