"""A full disk while a dump is collected: the ingest goes on once there is space."""

import errno
import zipfile
from io import BytesIO

import pytest

from lambdas.collection.reading import archive
from shared.errors import StorageFullError
from shared.schemas.ingest import IngestStatus


def no_space(*_arguments, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def zipped(make_dump, make_review):
    body = BytesIO()
    with zipfile.ZipFile(body, "w") as container:
        container.writestr("reviews.jsonl", make_dump([make_review(n) for n in range(120)]))
    return body.getvalue()


@pytest.mark.parametrize("at", ["temporary file", "clean shard"])
def test_an_ingest_continues_after_space_is_freed(
    world, zipped, assert_counts, monkeypatch, rows, at
):
    arrival = world.put("uploads/a.zip", zipped)
    with monkeypatch.context() as full:
        if at == "clean shard":
            full.setattr(world.dependencies.clean, "put", no_space)
        else:
            full.setattr(archive.tempfile, "SpooledTemporaryFile", _FullFile)
        for _ in range(2):
            with pytest.raises(StorageFullError, match="no space is left on the disk"):
                world.collector.collect(arrival)
        report = assert_counts(world.report(arrival))
        assert (report.status, report.stored) == (IngestStatus.COLLECTING, 0)
    world.collector.collect(arrival)
    report = assert_counts(world.report(arrival))
    assert (report.status, report.stored) == (IngestStatus.COLLECTED, 120)
    assert rows("SELECT count(*) FROM reviews") == [(120,)]


class _FullFile(BytesIO):
    def __init__(self, **_options):
        super().__init__()

    write = no_space
