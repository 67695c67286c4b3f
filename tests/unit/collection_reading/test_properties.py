"""Whatever the bytes: every record is a row or a reject, texts survive, and only IngestError."""

import bz2
import contextlib
import csv
import gzip
import io
import itertools
import json

import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.collection.reading.cleaning import clean_text
from shared.errors import IngestError

few = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
characters = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
texts = st.text(characters, min_size=1, max_size=60).map(lambda text: "x" + text)
reviews = st.lists(
    st.fixed_dictionaries(
        {"reviewText": texts, "overall": st.integers(1, 5), "asin": st.just("B1")}
    ),
    min_size=1,
    max_size=12,
)
chunks = st.sampled_from([None, 1, 2, 3, 17, 1000])
indents = st.sampled_from([None, 0, 2])


def cleaned(records):
    return [clean_text(one["reviewText"]) for one in records]


@few
@given(records=reviews, chunk=chunks, ascii_only=st.booleans())
def test_json_lines(read, records, chunk, ascii_only):
    body = "".join(json.dumps(one, ensure_ascii=ascii_only) + "\n" for one in records)
    assert read(body, chunk=chunk).texts == cleaned(records)


@few
@given(records=reviews, chunk=chunks, indent=indents, ascii_only=st.booleans())
def test_json_arrays(read, records, chunk, indent, ascii_only):
    body = json.dumps(records, indent=indent, ensure_ascii=ascii_only)
    assert read(body, chunk=chunk).texts == cleaned(records)


@few
@given(
    records=reviews,
    chunk=chunks,
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_quoted_csv(read, records, chunk, delimiter, quoting, end):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["overall", "reviewText", "asin"])
    writer.writerows([one["overall"], one["reviewText"], "B1"] for one in records)
    got = read(file.getvalue(), chunk=chunk)
    assert got.texts == cleaned(records)
    assert got.rejects == []


@few
@given(records=reviews, chunk=chunks)
def test_review_blocks(read, records, chunk):
    records = [one | {"reviewText": one["reviewText"].replace("<", "(")} for one in records]
    body = "".join(
        f"<review>\n<asin>\nB1\n</asin>\n<rating>\n{one['overall']}.0\n</rating>\n"
        f"<review_text>\n{one['reviewText']}\n</review_text>\n</review>\n"
        for one in records
    )
    assert read(body, chunk=chunk).texts == cleaned(records)


@few
@given(
    records=reviews,
    chunk=chunks,
    cuts=st.lists(st.integers(0, 400), max_size=3),
    pack=st.sampled_from([gzip.compress, bz2.compress, zstandard.ZstdCompressor().compress]),
)
def test_members_split_anywhere(read, records, chunk, cuts, pack):
    body = "".join(json.dumps(one) + "\n" for one in records).encode()
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    packed = b"".join(pack(body[a:b]) for a, b in itertools.pairwise(edges))
    assert read(packed, chunk=chunk).texts == cleaned(records)


def layouts(records) -> list[bytes]:
    lines = [json.dumps(one) for one in records]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, ["overall", "reviewText", "asin"])
    writer.writeheader()
    writer.writerows(records)
    blocks = "".join(
        f"<review>\n<asin>\nB\n</asin>\n<rating>\n5\n</rating>\n<review_text>\n{one['reviewText']}\n"
        "</review_text>\n</review>\n"
        for one in records
    )
    plain = [
        "\n".join(lines),
        json.dumps(records),
        json.dumps(records, indent=1),
        "[" + ",\n".join(lines) + "]",
        file.getvalue(),
        file.getvalue().replace(",", "\t"),
        blocks,
    ]
    bodies = [one.encode() for one in plain]
    return [*bodies, *(gzip.compress(one) for one in bodies[:2])]


@few
@given(records=reviews, which=st.integers(0, 8), end=st.integers(0, 2000), chunk=chunks)
def test_a_dump_cut_off_anywhere(read, records, which, end, chunk):
    body = layouts(records)[which][:end]
    try:
        got = read(body, chunk=chunk)
    except IngestError:
        return
    # The blocks' text may be cut by markup in it, all others must be a prefix of what was written.
    assert len(got.rows) <= len(records) or which in (5, 6)
    if which not in (4, 5, 6):
        assert got.texts == cleaned(records)[: len(got.texts)]


@few
@given(
    records=reviews,
    which=st.integers(0, 8),
    at=st.integers(0, 1500),
    junk=st.binary(min_size=1, max_size=30)
    | st.sampled_from([b'"', b"\n", b"{", b"}", b"\\", b"\r"]),
    replace=st.integers(0, 20),
    limit=st.sampled_from([2**20, 300]),
)
def test_garbage_anywhere(read, records, which, at, junk, replace, limit):
    body = layouts(records)[which]
    spoiled = body[:at] + junk + body[at + replace :]
    answers = []
    for chunk in (None, 13):
        try:
            got = read(spoiled, chunk=chunk, max_record_bytes=limit)
            answers.append((got.texts, got.rows_read))
        except IngestError as error:
            answers.append((error.code, 0))
    if limit > 300:
        assert answers[0] == answers[1], "how the stream is cut into pieces makes no difference"


@few
@given(body=st.binary(max_size=600))
def test_any_bytes(read, body):
    for head in (b"", b"[", b'{"reviewText": "', b"<review>\n", b"text,rating\n", b"\x1f\x8b\x08",
                 b"PAR1", b"PK\x03\x04", b"BZh9", b"\x28\xb5\x2f\xfd", b"\xff\xfe"):  # fmt: skip
        with contextlib.suppress(IngestError):
            read(head + body)


@few
@given(text=st.text(st.characters(), max_size=80))
def test_cleaned_text_is_fit_for_postgresql_and_stable(text):
    once = clean_text(text)
    assert "\0" not in once
    once.encode()
    assert once == " ".join(once.split())
