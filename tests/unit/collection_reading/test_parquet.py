"""Parquet dumps."""

import datetime as dt
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import IngestError


def parquet(columns: dict, **options) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    return file.getvalue()


def test_rows_of_all_row_groups_are_read(read):
    body = parquet(
        {
            "review_body": [f"Fast charger {n}" for n in range(100)] + [None, "None", " "],
            "star_rating": pa.array([n % 5 + 1 for n in range(103)], pa.int32()),
            "review_id": [f"R{n}" for n in range(103)],
            "review_date": [dt.date(2015, 1, 2)] * 103,
            "verified_purchase": ["Y"] * 103,
        },
        row_group_size=10,
    )
    got = read(body, chunk=500)
    assert got.texts == [f"Fast charger {n}" for n in range(100)]
    assert got.reasons == [(101, "text_missing"), (102, "text_missing"), (103, "text_missing")]
    assert '"R101"' in got.rejects[1].raw
    assert got.rows[0]["reviewed_at"].date() == dt.date(2015, 1, 2)
    assert (got.dump.profile.format, got.dump.profile.dump_schema) == ("parquet", "aws-tsv")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_and_odd_types_are_read(read, unit):
    moment = dt.datetime(2020, 5, 5, 14, 8, 48)  # noqa: DTZ001 - as Parquet often has them
    body = parquet(
        {
            "text": pa.array([b"caf\xe9", b"tea"], pa.binary()),
            "rating": pa.array([4.5, None], pa.float64()),
            "date": pa.array([moment, None], pa.timestamp(unit)),
            "category": pa.array(["Food", "Food"]).dictionary_encode(),
            "images": pa.array([[{"url": "x"}], []]),
        }
    )
    got = read(body)
    assert got.texts == ["café", "tea"]
    assert [row["rating"] for row in got.rows] == [4.5, None]
    assert got.rows[0]["reviewed_at"] == moment.replace(tzinfo=dt.UTC)
    assert got.rows[1]["category"] == "Food"


@pytest.mark.parametrize(
    "dates",
    [
        pa.array([18387, 10**8], pa.int32()).cast(pa.date32()),
        pa.array([None, 1], pa.time64("ns")),
        pa.array([1588687728, 1400000000], pa.timestamp("ms")),
    ],
)
def test_times_that_are_none_between_1980_and_2100_lose_no_review(read, dates):
    got = read(parquet({"text": ["a", "b"], "rating": [1, 2], "date": dates}))
    assert got.texts == ["a", "b"]
    assert got.rows[1]["reviewed_at"] is None
    assert got.warnings[0].endswith("dates could not be read")


def test_a_parquet_object_that_is_cut_off_is_refused(read):
    body = parquet({"text": ["a"] * 1000, "rating": [1] * 1000})
    with pytest.raises(IngestError) as caught:
        read(body[:-40])
    assert caught.value.code == "format_unknown"


def test_a_parquet_object_that_is_damaged_gives_a_reject_and_a_warning(read):
    text = [f"a text of some length {n * 7919}" for n in range(20_000)]
    body = bytearray(
        parquet({"text": text}, row_group_size=5000, compression="zstd", write_page_checksum=True)
    )
    middle = len(body) // 2
    body[middle : middle + 400] = bytes(400)
    got = read(bytes(body))
    assert got.texts == text[: len(got.texts)]
    assert got.counted == {"truncated_record": 1}
    assert any("damaged" in warning for warning in got.dump.warnings)
