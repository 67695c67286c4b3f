"""JSON lines and JSON arrays: what is read, what is refused, where reading goes on."""

import json

import pytest


def review(number: int, **other) -> dict:
    return {
        "reviewerID": f"R{number}",
        "asin": "B000001",
        "reviewText": f"The kettle number {number} boils quickly",
        "overall": float(number % 5 + 1),
        "summary": "Boils",
        "unixReviewTime": 1_400_630_400,
    } | other


REVIEWS = [review(n) for n in range(6)]
LINES = [json.dumps(one) for one in REVIEWS]
TEXTS = [one["reviewText"] for one in REVIEWS]

LAYOUTS = {
    "lines": "\n".join(LINES) + "\n",
    "lines without a last line end": "\n".join(LINES),
    "lines with carriage returns": "\r\n".join(LINES) + "\r\n",
    "lines of an old Macintosh": "\r".join(LINES) + "\r",
    "blank lines between": "\n\n".join(LINES) + "\n\n \n",
    "array on one line": json.dumps(REVIEWS),
    "array, one object a line": "[" + ",\n".join(LINES) + "]",
    "array, brackets on their own lines": "[\n" + ",\n".join(LINES) + "\n]\n",
    "array, commas in front": "[\n" + "\n,".join(LINES) + "\n]\n",
    "pretty-printed array": json.dumps(REVIEWS, indent=2),
    "pretty-printed objects": "\n".join(json.dumps(one, indent=4) for one in REVIEWS),
    "two objects on a line": LINES[0] + LINES[1] + "\n" + "\n".join(LINES[2:]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("chunk", [None, 7, 100])
def test_every_layout_gives_the_same_rows(read, layout, chunk):
    got = read(LAYOUTS[layout], chunk=chunk)
    assert got.texts == TEXTS
    assert got.rejects == []
    assert got.dump.profile.dump_schema == "amazon2014"
    assert got.warnings == []


@pytest.mark.parametrize(
    "broken",
    [
        '{"reviewText": "no end',
        '{"reviewText": "x", "overall": }',
        "not JSON at all",
        "[1, 2]",
        "17",
        "{}}",
        '{"reviewText": "x"} trailing',
    ],
)
def test_a_broken_line_costs_itself_only(read, broken):
    got = read("\n".join([*LINES[:2], broken, *LINES[2:]]) + "\n")
    assert got.texts == TEXTS
    assert got.reasons == [(3, "malformed_record")]
    assert got.rejects[0].line == 3
    assert got.rejects[0].raw == broken


def test_a_line_number_counts_blank_lines_and_a_record_number_does_not(read):
    got = read("\n\n".join([LINES[0], "broken {", LINES[1]]))
    assert (got.rejects[0].line, got.rejects[0].record) == (3, 2)


@pytest.mark.parametrize("cut", [1, 20, 80])
def test_a_file_that_ends_within_a_record_gives_all_whole_records(read, cut):
    got = read(LAYOUTS["lines without a last line end"][:-cut])
    assert got.texts == TEXTS[:-1]
    assert got.reasons == [(6, "truncated_record")]


@pytest.mark.parametrize("layout", ["array, one object a line", "pretty-printed array"])
def test_an_array_that_is_cut_off_gives_all_whole_records_and_a_warning(read, layout):
    got = read(LAYOUTS[layout][:-60])
    assert got.texts == TEXTS[:-1]
    assert got.reasons == [(6, "truncated_record")]
    assert any("truncated" in warning for warning in got.dump.warnings)


def test_an_array_cut_between_records_loses_none_and_warns(read):
    got = read("[" + ",\n".join(LINES) + ",\n")
    assert got.texts == TEXTS
    assert got.rejects == []
    assert any("truncated" in warning for warning in got.dump.warnings)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('number 2 boils quickly"', "number 2 boils quickly"),  # a quote is missing
        ('"overall": 3.0,', '"overall": ,'),
        ('"reviewerID": "R2"', '"reviewerID": {"R2"'),  # opened and not closed
    ],
)
@pytest.mark.parametrize("layout", ["array on one line", "pretty-printed array"])
def test_a_broken_object_among_spread_ones_costs_no_other(read, layout, right, wrong):
    body = LAYOUTS[layout]
    assert body.count(right) == 1
    got = read(body.replace(right, wrong))
    assert got.texts == TEXTS[:2] + TEXTS[3:]
    assert set(got.counted) == {"malformed_record"}


def test_what_follows_an_object_that_was_closed_too_early_is_refused(read):
    body = LAYOUTS["pretty-printed array"].replace('"overall": 3.0,', '"overall": 3.0 }')
    got = read(body)
    assert got.texts == TEXTS
    assert got.reasons == [(4, "malformed_record")]


def test_json_accepted_by_other_readers_is_accepted(read):
    lines = [
        LINES[0],
        '{"reviewText": "NaN rating", "overall": NaN}',
        '{"reviewText": "a \x01 raw control\tcharacter", "overall": 4}',
        '{"reviewText": "half a pair \\ud83d here", "overall": 4}',
        '{"reviewText": "nothing \\u0000 here", "overall": 4}',
        "{'reviewText': 'a Python dictionary', 'overall': 4.0, 'verified': True}",
    ]
    got = read("\n".join(lines))
    assert got.texts[1:] == [
        "NaN rating",
        "a raw control character",
        "half a pair � here",
        "nothing here",
        "a Python dictionary",
    ]
    assert got.rejects == []
    assert got.rows[1]["rating"] is None


def test_a_record_over_the_limit_is_refused_and_the_next_one_read(read):
    long = json.dumps(review(9, reviewText="long " * 1000))
    lines = "\n".join([LINES[0], long, LINES[1]])
    for body in (lines, json.dumps([REVIEWS[0], json.loads(long), REVIEWS[1]])):
        for chunk in (50, None):
            got = read(body, max_record_bytes=2000, chunk=chunk)
            assert got.texts == TEXTS[:2]
            assert got.reasons == [(2, "record_too_long")]
            assert "long long" in got.rejects[0].raw


def test_a_text_that_is_no_string_is_malformed(read):
    got = read("\n".join([LINES[0], json.dumps(review(1, reviewText={"a": 1}))]))
    assert got.reasons == [(2, "malformed_record")]


def test_keys_that_appear_late_are_used(read):
    lines = [json.dumps(review(n)) for n in range(50)]
    late = json.dumps(review(60, verified=True, vote="1,341", overall=4.5))
    row = read("\n".join([*lines, late])).rows[-1]
    assert row["verified"] is True
    assert row["helpful_votes"] == 1341
    assert row["rating"] == 4.5
