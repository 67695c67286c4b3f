"""Directories and headers of archives that are larger than they say, or than is useful."""

import io
import struct
import tarfile
import zipfile

import pytest

from lambdas.collection.reading.records import StreamState
from lambdas.collection.reading.tar import read_tar
from lambdas.collection.reading.zip_directory import check_directory
from shared.errors import IngestError

CSV = b"text,rating\nworks well,5\n"
END, END64 = b"PK\x05\x06", b"PK\x06\x06"


def zip_of(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(members):
            archive.writestr(f"{number}.csv", CSV if not number else b"")
    return file.getvalue()


def with_few_declared(body):
    place = body.rfind(END)
    return body[: place + 8] + struct.pack("<HH", 1, 1) + body[place + 12 :]


def with_small_record64(body):
    """A 64-bit record without the locator that readers look for."""
    place = body.rfind(END)
    record = END64 + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 1, 1, 10, 0)
    return body[:place] + record + bytes(20) + body[place:]


@pytest.mark.parametrize("change", [bytes, with_few_declared, with_small_record64])
@pytest.mark.parametrize("members", [1001, 9000])
def test_a_zip_directory_is_bounded_whatever_it_declares(change, members):
    with pytest.raises(IngestError) as failed:
        check_directory(io.BytesIO(change(zip_of(members))), 1000)
    assert failed.value.code == "decompression_limit"
    assert "the limit is" in failed.value.message


def test_a_zip_of_as_many_members_as_allowed_is_read(read):
    got = read(zip_of(1000))
    assert got.texts == ["works well"]


def entry(kind, body=b"", size=None):
    info = tarfile.TarInfo("reviews.csv")
    info.size = len(body)
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[156:157] = kind
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header) + body + bytes(-len(body) % 512)


@pytest.mark.parametrize(
    "attributes",
    [b"10 size=\xc2\xb2\n", b"5010 size=" + b"9" * 4999 + b"\n", b"5 a=\n" * 200_000],
    ids=["superscript", "digits", "many"],
)
def test_attributes_of_a_tar_member_do_not_matter(read, attributes):
    got = read(entry(b"x", attributes) + entry(b"0", CSV) + bytes(1024))
    assert got.texts == ["works well"]


def test_attributes_that_are_not_used_are_not_kept():
    headers = b"".join(entry(b"x", b"%d k%06d=v\n" % (13, number)) for number in range(300))
    body = headers + entry(b"x", b"13 path=a.md\n") + entry(b"0", CSV) + bytes(1024)
    names = [each.name for each in read_tar(iter([body]), StreamState())]
    assert names == ["a.md"]
