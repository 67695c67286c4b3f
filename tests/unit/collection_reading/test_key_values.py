"""Blocks of key: value lines, and lines of fastText."""

import pytest

TEXTS = ["Pours well: no drips", "The lid leaks", "Fine for the price"]
chunks = pytest.mark.parametrize("chunk", [None, 9])


def block(text, n):
    return (
        f"product/productId: P{n}\nreview/userId: U{n}\nreview/helpfulness: 1/2\n"
        f"review/score: {n}.0\nreview/time: 1303862400\nreview/summary: Sum {n}\n"
        f"review/text: {text}\n"
    )


BLOCKS = [block(text, n) for n, text in enumerate(TEXTS, 1)]


@chunks
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blocks_of_snap_are_read(read, chunk, end):
    got = read("\n".join(BLOCKS).replace("\n", end), chunk=chunk)
    assert got.texts == TEXTS
    assert [row["rating"] for row in got.rows] == [1, 2, 3]
    assert [row["product_id"] for row in got.rows] == ["P1", "P2", "P3"]
    assert got.rows[0]["title"] == "Sum 1"
    assert got.dump.profile.format == "key-value"
    assert got.rejects == []


@chunks
def test_a_text_of_several_lines_is_kept(read, chunk):
    body = "\n".join([*BLOCKS, block("First\nNote: second\nthird", 4)])
    assert read(body, chunk=chunk).texts == [*TEXTS, "First Note: second third"]


@chunks
def test_flawed_and_long_blocks_cost_only_themselves(read, chunk):
    body = "\n".join([BLOCKS[0], "no key here\n", block("x" * 900, 5), BLOCKS[1]])
    got = read(body, chunk=chunk, max_record_bytes=500)
    assert got.texts == TEXTS[:2]
    assert got.counted == {"malformed_record": 1, "record_too_long": 1}


def test_bytes_that_are_not_utf8_are_read(read):
    body = "\n".join([block("tr\xe8s bien", 1), *BLOCKS])
    assert read(body.encode("latin-1")).texts == ["tr\xe8s bien", *TEXTS]


@chunks
def test_lines_of_fasttext_are_read(read, chunk):
    body = "".join(f"__label__{n} {text}\n" for n, text in enumerate(TEXTS))
    got = read(body + "no label\n", chunk=chunk)
    assert got.texts == TEXTS
    assert {row["rating"] for row in got.rows} == {None}
    assert got.counted == {"malformed_record": 1}
    assert got.dump.profile.format == "fasttext"


def test_a_mapping_reads_labels_as_ratings(read):
    body = "".join(f"__label__{n} {text}\n" for n, text in enumerate(TEXTS, 1))
    got = read(body, mapping={"text": "text", "rating": "label"})
    assert [row["rating"] for row in got.rows] == [1, 2, 3]
