"""Formats that are copied to the disk are refused in words where its space does not suffice."""

import gzip
import io
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.collection.reading import Limits
from shared.schemas.ingest import IngestStatus

SPACE = 400_000


def parquet(rows):
    file = io.BytesIO()
    columns = {"text": [row["text"] for row in rows], "rating": [row["rating"] for row in rows]}
    pq.write_table(pa.table(columns), file, compression="none", use_dictionary=False)
    return file.getvalue()


def zipped(body):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.jsonl", body)
    return file.getvalue()


def tar(*bodies):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for number, body in enumerate(bodies):
            entry = tarfile.TarInfo(f"{number}.parquet")
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return file.getvalue()


@pytest.fixture
def small(world):
    """A world with little space on the disk."""
    return world.replace(batch_rows=1000, limits=Limits(max_file_bytes=SPACE))


@pytest.fixture
def make_rows(make_review):
    def make(megabytes):
        texts = range(int(megabytes * 1000))
        return [make_review(n, text=f"{n} " + "lovely " * 140) for n in texts]

    return make


@pytest.mark.parametrize("form", ["parquet", "gzipped parquet", "zip", "member"])
def test_a_copy_that_does_not_fit_is_refused_with_what_helps(small, make_rows, make_dump, form):
    rows = make_rows(0.5)
    body = {
        "parquet": lambda: parquet(rows),
        "gzipped parquet": lambda: gzip.compress(parquet(rows)),
        "zip": lambda: zipped(make_dump(rows)),
        "member": lambda: tar(parquet(rows)),
    }[form]()
    report = small.collect("uploads/a", body)
    assert (report.status, report.error_code) == (IngestStatus.FAILED, "object_too_large")
    space = SPACE // 3 if form == "member" else SPACE
    assert f"space for {space} bytes" in report.error_detail
    assert "CSV or JSON lines" in report.error_detail
    assert ("0.parquet" in report.error_detail) == (form == "member")


def test_files_that_fit_are_read(small, make_rows, assert_counts):
    assert assert_counts(small.collect("uploads/a", parquet(make_rows(0.3)))).stored == 300
    many = tar(*(parquet(make_rows(0.1)) for _ in range(8)))
    assert len(many) > SPACE
    report = assert_counts(small.collect("uploads/b", many))
    assert (report.status, report.rows_read) == (IngestStatus.PROCESSED, 800)


def test_formats_that_are_not_copied_may_be_larger(small, make_rows, make_dump):
    body = make_dump(make_rows(1.2))
    assert small.collect("uploads/a", body).stored == 1200
