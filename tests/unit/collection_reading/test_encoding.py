"""Bytes that are not plain UTF-8."""

import pytest

BODY = "rating,text\n5,Café crème\n4,naïve “quotes”\n"


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("cp1252", "windows-1252"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32-le"),
    ],
)
@pytest.mark.parametrize("chunk", [None, 3])
def test_each_encoding_gives_the_same_text(read, encoding, message, chunk):
    got = read((BODY * 1).encode(encoding), chunk=chunk)
    assert got.texts == ["Café crème", "naïve “quotes”"]
    assert got.dump.profile.encoding == message


def test_a_bad_byte_spoils_its_own_character_only(read):
    body = b'{"text": "caf\xc3\xa9 and \xe2\x82 bad", "rating": 5, "user_id": "A"}\n'
    assert read(body).texts == ["café and � bad"]


def test_latin_lines_among_utf8_lines_are_read_as_what_they_are(read):
    got = read(BODY.encode() + "3,señor\n".encode("latin-1") + "2,señora\n".encode())
    assert got.texts[2:] == ["señor", "señora"]


def test_a_byte_order_mark_within_a_file_is_dropped(read):
    line = '{"reviewText": "Good pan", "overall": 5}\n'
    assert read("\ufeff" + line + "\ufeff" + line).texts == ["Good pan", "Good pan"]


def test_rejects_keep_bytes_that_are_no_text_as_text(read):
    got = read(b"rating,text\n5,fine\n\xff\xfe\x00 caf\xe9\n")
    assert got.rejects[0].raw.endswith("café")
