"""An object as a file that is read anywhere, of which only some blocks are on the disk."""

import io
import random
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.collection import blocks
from lambdas.collection.blocks import BlockFile
from lambdas.collection.reading import ReadOptions, read_dump
from shared.errors import CorruptObjectError, NotFoundError, StorageFullError, UnavailableError
from tests.fakes.objects import MemoryStore

BODY = random.Random(4).randbytes(10_500)


class Counted(MemoryStore):
    """Notes which bytes are requested."""

    def __init__(self):
        super().__init__()
        self.requests = []
        self.failing = None

    def open(self, key, *, etag=None, start=0, end=None):
        self.requests.append((start, end))
        if len(self.requests) - 1 == self.failing:
            raise UnavailableError("S3 does not answer")
        return super().open(key, etag=etag, start=start, end=end)


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(blocks, "_MIN_BLOCKS", 2)
    return Counted()


def opened(store, body=BODY, max_bytes=10**6):
    return BlockFile(store, "k", store.put("k", body).etag, max_bytes)


@pytest.mark.parametrize("space", [10**6, 3_000, 0])
def test_it_reads_as_a_local_file(store, space):
    chance, local = random.Random(7), io.BytesIO(BODY)
    with opened(store, max_bytes=space) as file:
        for _ in range(300):
            offset, whence = chance.randint(-9_000, 12_000), chance.choice((0, 1, 2))
            if offset + (0, local.tell(), len(BODY))[whence] >= 0:
                assert file.seek(offset, whence) == local.seek(offset, whence)
            size = chance.choice((0, 1, 999, 2_500, -1))
            assert file.read(size) == local.read(size)
            assert file.tell() == local.tell()
        with pytest.raises(OSError, match="before the first"):
            file.seek(-1)


def test_each_block_is_requested_when_it_is_needed_and_once(store):
    with opened(store) as file:
        assert store.requests == []
        file.seek(-10, io.SEEK_END)
        assert file.read() == BODY[-10:]
        file.seek(2_500)
        assert file.read(1_000) == BODY[2_500:3_500]
        file.seek(2_000)
        assert file.read(2_000) == BODY[2_000:4_000]
    assert store.requests == [(10_000, 10_500), (2_000, 3_000), (3_000, 4_000)]


def test_blocks_that_were_used_last_are_kept_within_the_space(store):
    with opened(store, max_bytes=3_000) as file:
        for number in (0, 1, 2, 0, 3, 0, 4, 0):
            file.seek(number * 1_000)
            file.read(10)
        assert file._copy.seek(0, io.SEEK_END) <= 3_000
    assert [start for start, _ in store.requests] == [0, 1_000, 2_000, 3_000, 4_000]


def test_a_zip_directory_is_read_without_the_rest(store):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("a", BODY)
    with opened(store, body.getvalue()) as file:
        assert zipfile.ZipFile(file).namelist() == ["a"]
        assert len(store.requests) == 1
        assert zipfile.ZipFile(file).read("a") == BODY


@pytest.mark.parametrize("form", ["parquet", "zip"])
def test_a_request_that_fails_is_never_taken_for_a_damaged_file(store, form):
    columns = {"text": [f"Text {n} {'x' * 40}" for n in range(400)], "rating": [5.0] * 400}
    body = io.BytesIO()
    if form == "parquet":
        pq.write_table(
            pa.table(columns), body, row_group_size=100, use_dictionary=False, compression="none"
        )
    else:
        lines = "".join(f"{text},5\n" for text in columns["text"])
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr("a.csv", f"text,rating\n{lines}")
    etag = store.put("k", body.getvalue()).etag

    def read():
        store.requests.clear()

        def open_file(space):
            return BlockFile(store, "k", etag, space)

        stream = io.BytesIO(body.getvalue())
        dump = read_dump(stream, name="a", options=ReadOptions(), open_file=open_file)
        return sum(batch.rows_read for batch in dump), dump.warnings

    whole = read()
    assert (whole[0], len(store.requests) > 10) == (400, True)
    for number in range(len(store.requests)):
        store.failing = number
        with pytest.raises(UnavailableError, match="S3 does not answer"):
            read()
    store.failing = None
    assert read() == whole


def test_another_version_a_shorter_object_and_a_full_disk_are_errors(store, monkeypatch):
    file = opened(store)
    store.put("k", b"other")
    with pytest.raises(NotFoundError):
        file.read(1)
    file = opened(store)
    store._objects["k"] = BODY[:5_200]
    monkeypatch.setattr(file, "_etag", store.head("k").etag)
    file.seek(5_000)
    with pytest.raises(CorruptObjectError, match="fewer bytes"):
        file.read(1)
    full = opened(store)
    full._copy.close()
    full._copy = open("/dev/full", "r+b", buffering=0)  # noqa: SIM115, PTH123
    monkeypatch.setattr(full._copy, "seek", lambda _at: 0, raising=False)
    with pytest.raises(StorageFullError):
        full.read(1)
