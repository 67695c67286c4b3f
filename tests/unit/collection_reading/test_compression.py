"""Compressed objects: all members, cut-off streams, archives, bombs."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
import zlib

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
    "xz": lzma.compress,
    "zip": lambda body: zipped(reviews=body),
}


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("chunk", [None, 1, 1000])
def test_each_compression_is_detected_from_its_bytes(read, kind, chunk):
    got = read(PACK[kind](BODY), chunk=chunk, name="wrong-name.csv")
    assert got.texts == TEXTS
    assert got.dump.profile.compression == kind
    assert got.warnings == []


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd", "xz"])
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
        (zipped(first=b"\x89PNG", second=zipped(a=BODY)), "second"),
        (zipped(), "has no dump"),
        (zipped(inner=zipped(a=BODY)), "inner: it is a zip archive inside"),
        (b"\xfd7zXZ\x00 something", "xz"),
        (b"\x04\x22\x4d\x18 something", "LZ4"),
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


@pytest.mark.parametrize(
    "body",
    [b"", gzip.compress(b""), b" \n\n", b"\xef\xbb\xbf"],
    ids=["nothing", "gzip", "blank lines", "byte order mark"],
)
def test_an_empty_object_is_refused(read, body):
    with pytest.raises(IngestError) as caught:
        read(body)
    assert caught.value.code == "empty_object"


def zstd_with_window(log):
    parameters = zstandard.ZstdCompressionParameters.from_level(
        1, window_log=log, write_content_size=False
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    file = io.BytesIO()
    with compressor.stream_writer(file, closefd=False) as writer:
        writer.write(BODY)
        writer.flush(zstandard.FLUSH_FRAME)
    return file.getvalue()


def test_a_zstd_frame_with_a_long_window_is_read(read):
    assert zstandard.get_frame_parameters(zstd_with_window(28)).window_size == 2**28
    assert read(zstd_with_window(28)).texts == TEXTS


@pytest.mark.parametrize("chunk", [None, 1])
def test_a_zstd_window_over_the_limit_is_named(read, chunk):
    with pytest.raises(IngestError, match="window of 1073741824 bytes, the limit is 268435456"):
        read(zstd_with_window(30), chunk=chunk)
    with pytest.raises(IngestError, match="window of 1073741824 bytes"):
        read(PACK["zstd"](BODY) + zstd_with_window(30), chunk=chunk)


def test_an_xz_stream_that_needs_too_much_memory_is_refused(read):
    header = bytearray(lzma.compress(BODY, preset=0))
    header[16] = 40  # the size of the dictionary: 4 GiB
    header[20:24] = zlib.crc32(header[12:20]).to_bytes(4, "little")
    with pytest.raises(IngestError, match="more than 268435456 bytes of memory"):
        read(bytes(header))


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd", "xz"])
def test_an_error_before_the_first_byte_is_reported(read, kind):
    packed = bytearray(PACK[kind](BODY))
    start = {"gzip": 10, "bzip2": 10, "zstd": 8, "xz": 24}[kind]
    packed[start : start + 40] = b"\xff" * 40
    with pytest.raises(IngestError, match=f"the {kind} stream cannot be decompressed") as caught:
        read(bytes(packed))
    assert caught.value.code == "archive_unsupported"


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "zstd", "xz"])
def test_a_stream_that_ends_before_its_first_byte_is_reported(read, kind):
    with pytest.raises(IngestError, match=f"the {kind} stream is truncated") as caught:
        read(PACK[kind](BODY)[:14])
    assert caught.value.code == "empty_object"


def test_a_dump_that_was_compressed_twice_is_read(read):
    got = read(bz2.compress(gzip.compress(BODY)))
    assert got.texts == TEXTS
    assert got.dump.profile.compression == "bzip2+gzip"
