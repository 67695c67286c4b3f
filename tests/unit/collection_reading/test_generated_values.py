"""Generated dumps in every format, scale, date order and missing word give what was generated."""

import csv
import datetime as dt
import io
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HALVES = {1: 0.5, 2: 1.5, 3: 3.0, 4: 4.5, 5: 5.0}
SCALES = {
    "1..5": lambda stars: stars,
    "0..5": HALVES.__getitem__,
    "1..10": lambda stars: stars * 2,
    "0..100": lambda stars: stars * 20,
    "percent": lambda stars: f"{stars * 20}%",
    "out of": lambda stars: f"{stars * 2} out of 10",
    "sentence": lambda stars: f"{stars},0 von 5 Sternen",
    "characters": lambda stars: "★" * stars + "☆" * (5 - stars),
}
DATES = {
    "dmy": lambda day: f"{day.day}/{day.month}/{day.year} 8:06",
    "mdy": lambda day: f"{day.month}/{day.day}/{day:%y}",
    "iso": lambda day: day.isoformat(),
    "ctime": lambda day: f"{day:%a %b %d} 13:55:02 +0000 {day.year}",
    "words": lambda day: f"Reviewed in Canada on {day:%B} {day.day}, {day.year}",
}
MISSING = ["", "NaN", "NULL", "\\N", "N/A", "None", "-"]


def as_csv(rows, delimiter=","):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def as_parquet(rows):
    file = io.BytesIO()
    pq.write_table(pa.table({name: [str(row[name]) for row in rows] for name in rows[0]}), file)
    return file.getvalue()


FORMATS = {
    "csv": as_csv,
    "tsv": lambda rows: as_csv(rows, "\t"),
    "semicolons": lambda rows: as_csv(rows, ";"),
    "json lines": lambda rows: "\n".join(map(json.dumps, rows)),
    "json array": lambda rows: json.dumps(rows, indent=1),
    "parquet": as_parquet,
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dates", DATES)
def test_a_generated_dump_is_read_as_generated(read, form, scale, dates):
    rng = random.Random(f"{form} {scale} {dates}")
    rows, expected = [], []
    for number in range(60):
        stars = number % 5 + 1
        day = dt.date(2020, 1, 1) + dt.timedelta(days=number * 11)
        missing = rng.choice(MISSING)
        is_missing = {name: rng.random() < 0.2 for name in ("rating", "date", "title", "sku")}
        row = {
            "rating": SCALES[scale](stars),
            "date": DATES[dates](day),
            "title": f"Lamp {number}",
            "sku": f"L-{number % 7}",
        }
        rows.append(
            {"review": f"Bright lamp, number {number}"}
            | {name: missing if is_missing[name] else value for name, value in row.items()}
        )
        shown = HALVES[stars] if scale == "0..5" else stars
        expected.append(
            (
                None if is_missing["rating"] else shown,
                None if is_missing["date"] else day,
                None if is_missing["title"] else row["title"],
                None if is_missing["sku"] else row["sku"],
            )
        )
    got = read(FORMATS[form](rows))
    assert got.rejects == []
    assert got.warnings == []
    assert [
        (
            row["rating"],
            row["reviewed_at"] and row["reviewed_at"].date(),
            row["title"],
            row["product_id"],
        )
        for row in got.rows
    ] == expected
