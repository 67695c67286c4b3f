"""Compressed objects: all members, cut-off streams, archives, bombs."""

import bz2
import gzip
import io
import json
import zipfile

import pytest
import zstandard

from shared.errors import IngestError

LINES = [
    json.dumps({"reviewText": f"Sharp knife {n}", "overall": 5, "asin": "B1"}) for n in range(400)
]
BODY = ("\n".join(LINES) + "\n").encode()
TEXTS = [f"Sharp knife {n}" for n in range(400)]


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name.replace("__slash__", "/"), body)
    return file.getvalue()


PACK = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "zip": lambda body: zipped(reviews=body),
}


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("chunk", [None, 1, 1000])
def test_each_compression_is_detected_from_its_bytes(read, kind, chunk):
    got = read(PACK[kind](BODY), chunk=chunk, name="wrong-name.csv")
    assert got.texts == TEXTS
    assert got.dump.profile.compression == kind
    assert got.warnings == []


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd"])
@pytest.mark.parametrize("at", [0, 1, 17, 5000])
def test_all_members_are_read_wherever_the_stream_was_split(read, kind, at):
    pack = PACK[kind]
    assert read(pack(BODY[:at]) + pack(b"") + pack(BODY[at:])).texts == TEXTS


def test_padding_after_a_gzip_member_is_ignored(read):
    assert read(gzip.compress(BODY) + bytes(512)).texts == TEXTS


def test_other_bytes_after_a_gzip_member_give_a_warning(read):
    got = read(gzip.compress(BODY) + b"something else")
    assert got.texts == TEXTS
    assert got.warnings == ["bytes after the compressed stream are not read"]


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_a_truncated_stream_returns_all_whole_records(read, kind):
    packed = PACK[kind](BODY)
    got = read(packed[: len(packed) // 2])
    assert 50 < len(got.texts) < 400
    assert got.texts == TEXTS[: len(got.texts)]
    assert got.counted in ({}, {"truncated_record": 1})
    assert any("truncated" in warning for warning in got.dump.warnings)


@pytest.mark.parametrize("kind", ["bzip2", "zstd"])
def test_blocks_before_the_cut_are_read(read, kind):
    pack = PACK[kind]
    packed = pack(BODY) + pack(BODY)[:-30]
    got = read(packed)
    assert got.texts[:400] == TEXTS
    assert any("truncated" in warning for warning in got.dump.warnings)


def test_a_csv_row_at_the_end_of_a_truncated_stream_is_rejected(read):
    body = "rating,text\n" + "".join(f"4,{'a long sentence ' * 9}{n}\n" for n in range(300))
    packed = gzip.compress(body.encode())
    got = read(packed[: len(packed) // 2])
    assert {text.split()[0] for text in got.texts} == {"a"}
    assert all(text.split()[-1].isdigit() for text in got.texts)


def test_a_damaged_stream_gives_what_came_before(read):
    packed = bytearray(gzip.compress(BODY * 100, mtime=0))
    packed[len(packed) // 2] ^= 0xFF
    got = read(bytes(packed))
    assert got.rows_read > 15_000
    assert got.dump.warnings


def test_what_macos_adds_to_a_zip_does_not_count(read):
    got = read(zipped(a=BODY, __MACOSX__slash___a=b"x", folder__slash__=b""))
    assert got.texts == TEXTS


def test_a_compressed_member_of_a_zip_is_read(read):
    got = read(zipped(a=gzip.compress(BODY)))
    assert got.texts == TEXTS
    assert got.dump.profile.compression == "zip+gzip"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (zipped(first=b"x", second=b"y"), "second"),
        (zipped(), "exactly one"),
        (zipped(inner=zipped(a=BODY)), "contains a zip"),
        (b"\xfd7zXZ\x00 something", "xz"),
        (b"Rar!\x1a\x07 something", "RAR"),
    ],
)
def test_an_unsupported_archive_is_refused_with_the_reason(read, body, message):
    with pytest.raises(IngestError, match=message) as caught:
        read(body)
    assert caught.value.code == "archive_unsupported"


@pytest.mark.parametrize("kind", PACK)
def test_a_bomb_is_refused(read, kind):
    bomb = PACK[kind](BODY * 300)
    with pytest.raises(IngestError) as caught:
        read(bomb, ratio_floor=2**20, max_ratio=20)
    assert caught.value.code == "decompression_limit"
    with pytest.raises(IngestError) as caught:
        read(bomb, max_bytes=2**20)
    assert caught.value.code == "decompression_limit"


def test_a_plain_object_over_the_limit_is_refused(read):
    with pytest.raises(IngestError) as caught:
        read(BODY, max_bytes=1000)
    assert caught.value.code == "object_too_large"


@pytest.mark.parametrize("body", [b"", gzip.compress(b""), b" \n\n", b"\xef\xbb\xbf"])
def test_an_empty_object_is_refused(read, body):
    with pytest.raises(IngestError) as caught:
        read(body)
    assert caught.value.code == "empty_object"
