"""Objects that are not dumps are refused by name, with advice."""

import pytest

from shared.errors import IngestError

OTHERS = {
    "HTML page": b"<!DOCTYPE html>\n<html><body>Sign in, please</body></html>",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
    r"\.xls\b.*\.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "WebP": b"RIFF\x24\0\0\0WEBPVP8 ",
    "XML": b'<?xml version="1.0"?>\n<feed><entry><text>Good</text></entry></feed>',
    "SQLite": b"SQLite format 3\0\x10\0",
    "SQL dump": b"-- MySQL dump 10.13\nCREATE TABLE reviews (id int);",
    "Avro": b"Obj\x01\x04\x16avro.schema",
    "pickle": b"\x80\x04\x95\x1c\0\0\0\0\0\0\0",
}


@pytest.mark.parametrize("name", list(OTHERS))
def test_other_files_are_refused_by_name(read, name):
    with pytest.raises(IngestError, match=name) as caught:
        read(OTHERS[name])
    assert caught.value.code == "format_unknown"


@pytest.mark.parametrize("header", ["ORC name,text,rating", "GIF8,text,rating", "RDX;text;rating"])
def test_tables_that_begin_like_other_files_are_read(read, header):
    delimiter = ";" if ";" in header else ","
    assert read(f"{header}\nA{delimiter}Good{delimiter}5\n").texts == ["Good"]
