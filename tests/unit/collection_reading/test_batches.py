"""Batches: their bounds, their order, and what they say."""

import json

LINES = [
    json.dumps({"reviewText": f"Bright lamp {n}" if n % 7 not in (0, 6) else "", "overall": n % 7})
    for n in range(95)
]


def test_batches_end_at_the_same_records_however_the_stream_comes(read):
    body = "\n".join(LINES)
    for chunk in (None, 1, 64):
        got = read(body, batch_rows=20, chunk=chunk)
        assert got.batches == [20, 20, 20, 20, 15]


def test_all_records_count_rejects_too(read):
    got = read("\n".join(LINES), batch_rows=20)
    assert got.rows_read == 95
    assert got.counted == {"text_missing": len([n for n in range(95) if n % 7 in (0, 6)])}


def test_the_profile_is_known_with_the_first_batch(read):
    profile = read("\n".join(LINES)).dump.profile
    assert (profile.format, profile.compression, profile.encoding) == ("jsonl", "none", "utf-8")
    assert profile.dump_schema == "amazon2014"


def test_a_dump_without_records_is_one_empty_batch(read):
    assert read("[]").batches == [0]
    assert read("rating,text\n").batches == [0]


def test_long_texts_end_a_batch_early(read):
    line = json.dumps({"reviewText": "word " * 100_000, "overall": 5})
    got = read("\n".join([line] * 150))
    assert got.rows_read == 150
    assert len(got.batches) > 1
