"""CSV as exports write it: the line sep=;, trailing delimiters, rows without a header."""

import pytest

from shared.errors import IngestError

TEXTS = ["Pours well", "The lid leaks; sadly", "Fine, for the price"]
chunks = pytest.mark.parametrize("chunk", [None, 9])


@chunks
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|", "^"])
@pytest.mark.parametrize("line", ["sep={}\r\n", "\ufeffsep={}\n", '"sep={}"\n', "SEP={}\r\n"])
def test_the_delimiter_that_excel_names_is_used(read, line, delimiter, chunk):
    rows = "".join(f'{delimiter}{stars}{delimiter}"{t}"\n' for stars, t in enumerate(TEXTS, 1))
    header = f"id{delimiter}rating{delimiter}review text\n"
    got = read(line.format(delimiter) + header + rows, chunk=chunk)
    assert got.texts == TEXTS
    assert [row["rating"] for row in got.rows] == [1, 2, 3]
    assert got.rejects == []


def test_lines_are_counted_from_the_hint_on(read):
    got = read("sep=;\nrating;text\n5;Good\n4\n3;Fine\n")
    assert [reject.line for reject in got.rejects] == [4]


@chunks
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_may_end_with_a_delimiter(read, delimiter, end, chunk):
    rows = [f'P1{delimiter}{stars}{delimiter}"{t}"{delimiter}' for stars, t in enumerate(TEXTS, 1)]
    body = end.join([delimiter.join(["product_id", "rating", "text"]), *rows])
    got = read(body, chunk=chunk)
    assert got.texts == TEXTS
    assert got.rejects == []
    assert got.dump.profile.columns == ("product_id", "rating", "text")


def test_a_trailing_delimiter_without_quotes_is_accepted(read):
    rows = "".join(f'1\tSays "open {n}\t\n' for n in range(9))
    got = read("rating\ttext\n" + rows)
    assert got.texts == [f'Says "open {n}' for n in range(9)]


def test_rows_without_the_trailing_delimiter_are_read_too(read):
    got = read("rating,text\n5,Good,\n4,Fine\n3,So so,\n2,Poor,\n1,Too,many\n")
    assert got.texts == ["Good", "Fine", "So so", "Poor"]
    assert got.counted == {"malformed_record": 1}


def test_a_single_row_with_an_extra_delimiter_is_malformed(read):
    got = read("rating,text\n5,Good\n4,Fine\n3,So so,\n2,Poor\n")
    assert got.counted == {"malformed_record": 1}


@chunks
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_without_a_header_are_mapped_by_position(read, delimiter, chunk):
    body = "".join(
        f'"{stars}"{delimiter}"Title, {stars}"{delimiter}"{t}"\n'
        for stars, t in enumerate(TEXTS, 1)
    )
    mapping = {"text": "3", "title": "2", "rating": "1"}
    got = read(body, mapping=mapping, hints={"header": "none"}, chunk=chunk)
    assert got.texts == TEXTS
    assert [row["rating"] for row in got.rows] == [1, 2, 3]
    assert got.rows[0]["title"] == "Title, 1"
    assert got.rejects == []


def test_quoted_fields_without_a_header_keep_their_delimiters(read):
    body = "".join(f'"{n % 5 + 1}","Good, lamp {n}"\n' for n in range(9))
    got = read(body, mapping={"rating": "1", "text": "2"}, hints={"header": "none"})
    assert got.texts == [f"Good, lamp {n}" for n in range(9)]


def test_unquoted_rows_without_a_header_are_read(read):
    rows = [f'{n % 5 + 1}\tThe 5" screen {n}' for n in range(20)]
    got = read("\n".join(rows), mapping={"text": "2", "rating": "1"}, hints={"header": "none"})
    assert got.texts == [f'The 5" screen {n}' for n in range(20)]
    assert got.rejects == []


def test_a_position_beyond_the_row_is_refused(read):
    with pytest.raises(IngestError, match="'7'") as caught:
        read("5,Good\n4,Fine\n", mapping={"text": "7"}, hints={"header": "none"})
    assert caught.value.code == "mapping_invalid"


def test_no_header_and_no_positions_is_refused(read):
    with pytest.raises(IngestError, match="positions") as caught:
        read("5,Good\n4,Fine\n", hints={"header": "none"})
    assert caught.value.code == "mapping_invalid"


def test_an_unknown_header_explains_positions(read):
    with pytest.raises(IngestError, match="header=none") as caught:
        read('"5","Good lamp"\n"4","Fine lamp"\n')
    assert caught.value.code == "schema_unknown"


def test_a_quoted_decimal_comma_is_one_field(read):
    got = read('rating,text\n"4,5",Good lamp\n"3,0",Fine lamp\n')
    assert got.rows_read == 2
    assert "malformed_record" not in got.counted
