"""Dumps of every format that a later run can go on with, and how to read them."""

import bz2
import csv
import gzip
import io
import json
import lzma
import random

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

ROWS = 9_000
WORDS = ("kettle", "broke", "twice", "lovely", "après", "quoted", "lamp")


def reviews():
    """Texts with line ends and quotes, ratings beyond the scale, days that cannot be read."""
    chance = random.Random(5)
    for number in range(ROWS):
        text = " ".join(chance.choices(WORDS, k=8)) + f" {number}"
        if number % 5 == 0:
            text = text.replace(" ", "\n", 2)
        if number % 7 == 0:
            text = text.replace(" ", ' "', 1) + '"'
        rating = 9 if number % 400 == 399 else number % 5 + 1
        day = "soon" if number % 300 == 299 else f"2021-03-{number % 28 + 1:02d}"
        yield {"text": "" if number % 90 == 89 else text, "rating": rating, "date": day}


def table(delimiter=",", **options):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, **options)
    writer.writerow(["text", "rating", "date"])
    writer.writerows(row.values() for row in reviews())
    return out.getvalue()


def stray_quotes():
    """Every 50th line opens a quote that nothing closes."""
    lines = table().split("\r\n")
    lines[50::50] = [f'"an open quote {line}' for line in lines[50::50]]
    return "\r\n".join(lines)


def unquoted():
    rows = ("\t".join(str(value).replace("\n", " ") for value in r.values()) for r in reviews())
    return "text\trating\tdate\n" + "".join(f"{row}\n" for row in rows)


def lines(odd=False):
    def written(number, row):
        if odd and number % 3 == 0:
            return repr(row)
        text = json.dumps(row, ensure_ascii=False)
        return f"{text} {text}" if odd and number % 500 == 1 else text

    return "".join(written(number, row) + "\n" for number, row in enumerate(reviews()))


def array():
    return "[\n" + ",\n".join(json.dumps(row) for row in reviews()) + "]"


def fasttext():
    rows = (f"__label__{r['rating']} {r['text']}".replace("\n", " ") for r in reviews())
    return "\n".join(rows)


def long_lines():
    """Some lines exceed the limit of a record."""
    rows = lines().splitlines(keepends=True)
    rows[2500::1500] = [json.dumps({"text": "a" * 2**21}) + "\n" for _ in rows[2500::1500]]
    return "".join(rows)


def parquet(**options):
    rows = list(reviews())
    file = io.BytesIO()
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns["rating"] = list(map(float, columns["rating"]))
    pq.write_table(pa.table(columns), file, **options)
    return file.getvalue()


DUMPS = {
    "csv": table().encode(),
    "semicolons": table(";", quoting=csv.QUOTE_ALL).encode("cp1252"),
    "separator line": b"sep=;\r\n" + table(";").encode(),
    "byte order mark": table().encode("utf-8-sig"),
    "utf-16": table().encode("utf-16"),
    "stray quotes": stray_quotes().encode(),
    "unquoted": unquoted().encode(),
    "classic Mac OS": unquoted().replace("\n", "\r").encode(),
    "json lines": lines().encode(),
    "odd lines": lines(odd=True).encode(),
    "json array": array().encode(),
    "fasttext": fasttext().encode(),
    "long lines": long_lines().encode(),
    "gzip": gzip.compress(lines().encode(), 1),
    "bzip2": bz2.compress(table().encode(), 1),
    "zstd": zstandard.compress(table().encode()),
    "xz": lzma.compress(unquoted().encode(), preset=0),
    "parquet": parquet(row_group_size=2_500),
    "one row group": parquet(),
    "plain parquet": parquet(row_group_size=4_000, use_dictionary=False, data_page_size=2_000),
    "gzip in gzip": gzip.compress(gzip.compress(lines().encode(), 1), 1),
}


class Counted(io.BytesIO):
    """A stream that counts the bytes that are read."""

    bytes_read = 0

    def read(self, size=-1):
        piece = super().read(size)
        self.bytes_read += len(piece)
        return piece
