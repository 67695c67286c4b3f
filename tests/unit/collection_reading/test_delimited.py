"""CSV and TSV: every dialect, and stray quotes that must not swallow rows."""

import csv
import io
import time

import pytest

ROWS = [
    ("5", "Pours well, no drips", "P1"),
    ("4", 'The lid says "open" twice', "P2"),
    ("3", "First line\nsecond line", "P3"),
    ("2", "Semicolon; pipe | and\ttab", "P4"),
    ("1", "It's broken", "P5"),
]
CLEAN = [" ".join(text.split()) for _, text, _ in ROWS]
DIALECTS = {
    "excel": {},
    "excel-tab": {"dialect": "excel-tab"},
    "unix": {"dialect": "unix"},
    "semicolon": {"delimiter": ";"},
    "pipe": {"delimiter": "|"},
    "escaped quotes": {"doublequote": False, "escapechar": "\\"},
    "single quotes": {"quotechar": "'", "quoting": csv.QUOTE_ALL},
    "numbers unquoted": {"quoting": csv.QUOTE_NONNUMERIC},
    "single quotes where needed": {"quotechar": "'"},
    "escapes only": {"quoting": csv.QUOTE_NONE, "escapechar": "\\"},
}


def written(rows, header=("rating", "text", "product_id"), **dialect) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, **dialect)
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("chunk", [None, 5])
def test_every_dialect_is_detected_from_the_content(read, dialect, chunk):
    got = read(written(ROWS, **DIALECTS[dialect]), chunk=chunk)
    assert got.texts == CLEAN
    assert [row["rating"] for row in got.rows] == [5, 4, 3, 2, 1]
    assert [row["product_id"] for row in got.rows] == ["P1", "P2", "P3", "P4", "P5"]
    assert got.rejects == []


def test_spaces_in_front_of_quotes_are_no_part_of_the_fields(read):
    body = written(ROWS, quoting=csv.QUOTE_ALL).replace('","', '", "')
    got = read(body)
    assert got.texts == CLEAN
    assert [row["rating"] for row in got.rows] == [5, 4, 3, 2, 1]
    assert got.dump.profile.columns == ("rating", "text", "product_id")


def test_quotes_that_all_seem_to_run_on_to_the_end_cost_linear_time(read):
    lines = ['5,runs on","x', "4,good", "3,fair"] * 20_000
    began = time.process_time()
    got = read("rating,text\n" + "\n".join(lines) + "\n")
    assert time.process_time() - began < 20
    assert got.texts == ["good", "fair"] * 20_000
    assert got.counted == {"malformed_record": 20_000}
    assert [r.line for r in got.rejects] == list(range(2, 60_002, 3))


def test_rows_with_too_few_or_too_many_fields_are_refused_with_their_line(read):
    got = read('rating,text\n5,fine\n4\n"3","two\nlines"\n2,a,b\n1,last\n')
    assert got.texts == ["fine", "two lines", "last"]
    assert [(r.line, r.record, r.reason.value, r.raw) for r in got.rejects] == [
        (3, 2, "malformed_record", "4"),
        (6, 4, "malformed_record", "2,a,b"),
    ]


def test_blank_lines_are_no_records_and_a_second_header_is_refused(read):
    got = read("rating,text\n\n5,fine\n\nrating,text\n4,good\n\n")
    assert got.texts == ["fine", "good"]
    assert got.reasons == [(2, "malformed_record")]


@pytest.mark.parametrize(
    "stray",
    ['3,"opened and left', '3,"opened, with a comma', '"3,opened in front'],
)
@pytest.mark.parametrize("later", ["", '1,"quoted, later"\n', '1,ends with 19"\n'])
def test_a_stray_quote_costs_its_own_line_only(read, stray, later):
    body = "rating,text\n5,first\n" + stray + "\n" + "4,good\n" * 30 + later + "2,end\n"
    got = read(body)
    assert got.texts.count("good") == 30
    assert got.texts[0] == "first"
    assert got.texts[-1] == "end"
    assert got.counted == {"malformed_record": 1}
    assert got.rejects[0].line == 3


def test_a_stray_quote_swallows_nothing_where_there_is_no_rating(read):
    got = read('text,shop\nfirst,a\n"opened,b\n' + "good,c\n" * 500)
    assert got.texts == ["first"] + ["good"] * 500
    assert got.reasons == [(2, "malformed_record")]
    got = read('text,shop\n"opened,b\n' + "good,c\n" * 500, max_record_bytes=1000)
    assert got.texts == ["good"] * 500


def test_quotes_around_blank_lines_are_records(read):
    assert read('rating,text\n5,fine\n"\n"\n4,good\n').rows_read == 3


def test_quotes_that_are_not_doubled_are_read_as_other_readers_do(read):
    body = 'rating,text\n5,"he said "wow" and left"\n4,a 19" screen\n3,"quoted"\n'
    assert read(body).texts == ['he said wow" and left"', 'a 19" screen', "quoted"]


def test_a_long_text_over_the_limit_is_one_record(read):
    body = 'rating,text\n5,one\n4,"' + "line of it\n" * 500 + '"\n3,three\n'
    got = read(body, max_record_bytes=2000)
    assert got.texts == ["one", "three"]
    assert [(r.line, r.reason.value) for r in got.rejects] == [(3, "record_too_long")]


def test_a_line_over_the_limit_is_refused_and_the_next_one_read(read):
    for chunk in (100, None):
        body = "rating,text\n5,one\n4," + "x" * 9000 + "\n3,three\n"
        got = read(body, max_record_bytes=2000, chunk=chunk)
        assert got.texts == ["one", "three"]
        assert got.reasons == [(2, "record_too_long")]


def test_a_file_that_ends_within_a_row(read):
    for end in ("4", '4,"opened\nand more', '4,"opened'):
        got = read("rating,text,product_id\n5,fine,P1\n" + end)
        assert got.texts == ["fine"]
        assert got.reasons == [(2, "truncated_record")]


AWS = (
    "marketplace\tcustomer_id\treview_id\tproduct_id\tproduct_parent\tproduct_title\t"
    "product_category\tstar_rating\thelpful_votes\ttotal_votes\tvine\tverified_purchase\t"
    "review_headline\treview_body\treview_date\n"
)


def aws_row(number: int, body: str, stars: str = "4") -> str:
    return (
        f"US\t1{number}\tRX{number}\tB{number}\t77\tA Lamp\tHome\t{stars}\t3\t4\tN\tY\t"
        f'"Quoted headline"\t{body}\t2015-08-31\n'
    )


def test_the_aws_tsv_has_no_quoting(read):
    bodies = ['"Starts with a quote', 'ends with one"', '"', 'a 5" lamp, "nice"', "plain"]
    got = read(AWS + "".join(aws_row(n, body) for n, body in enumerate(bodies)))
    assert got.texts == bodies
    assert got.dump.profile.dump_schema == "aws-tsv"
    row = got.rows[0]
    assert row["review_id"] == "aws-tsv:RX0"
    assert row["title"] == '"Quoted headline"'
    assert row["verified"] is True
    assert row["helpful_votes"] == 3
    assert row["category"] == "Home"
    assert row["reviewed_at"].isoformat() == "2015-08-31T00:00:00+00:00"


def test_an_aws_body_of_the_word_none_is_no_text(read):
    got = read(AWS + aws_row(1, "None") + aws_row(2, "None of them work") + aws_row(3, ""))
    assert got.texts == ["None of them work"]
    assert got.reasons == [(1, "text_missing"), (3, "text_missing")]


def test_an_aws_tsv_that_a_csv_writer_wrote_is_unquoted(read):
    bodies = ['he said "wow"', "two\nlines", "plain"]
    rows = [aws_row(n, "BODY").rstrip("\n").split("\t") for n in range(3)]
    for row, body in zip(rows, bodies, strict=True):
        row[12:14] = ["A headline", body]
    text = written(rows, header=AWS.rstrip("\n").split("\t"), delimiter="\t")
    assert read(text).texts == ['he said "wow"', "two lines", "plain"]


def test_a_tab_in_an_aws_body_is_a_malformed_row(read):
    got = read(AWS + aws_row(1, "fine") + aws_row(2, "a\ttab") + aws_row(3, "good"))
    assert got.texts == ["fine", "good"]
    assert got.reasons == [(2, "malformed_record")]


def test_an_aws_file_that_ends_within_a_row(read):
    got = read((AWS + aws_row(1, "fine") + aws_row(2, "good"))[:-30])
    assert got.reasons == [(2, "truncated_record")]


def test_a_tsv_with_stray_quotes_loses_no_row(read):
    got = read('rating\ttext\n5\t"Great" lamp\n4\t"left open\n3\tfine\n')
    assert got.texts == ['"Great" lamp', '"left open', "fine"]
    assert got.rejects == []
