"""Generated reviews, written in any format and notation, are read as they were generated."""

import datetime as dt
import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lambdas.collection.reading.cleaning import clean_text
from tests.unit.collection_reading import written_dumps as written

HALVES = {1: 0.5, 2: 1.5, 3: 3.0, 4: 4.5, 5: 5.0}
SCALES = {
    "1..5": str,
    "0..5": lambda stars: str(HALVES[stars]),
    "decimal comma": lambda stars: f"{stars},0",
    "1..10": lambda stars: str(stars * 2),
    "0..100": lambda stars: str(stars * 20),
    "percent": lambda stars: f"{stars * 20}%",
    "out of": lambda stars: f"{stars * 2} out of 10",
    "slash": lambda stars: f"{stars}/5",
    "sentence": lambda stars: f"{stars},0 von 5 Sternen",
    "characters": lambda stars: "★" * stars + "☆" * (5 - stars),
    "words": lambda stars: ("ONE", "TWO", "THREE", "FOUR", "FIVE")[stars - 1],
}
MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
DATES = {
    "dmy": lambda day: f"{day.day}/{day.month}/{day.year} 8:06",
    "mdy": lambda day: f"{day.month}/{day.day}/{day:%y}",
    "dots": lambda day: f"{day:%d.%m.%Y}",
    "iso": lambda day: day.isoformat(),
    "iso time": lambda day: f"{day.isoformat()}T10:11:12.5Z",
    "ymd": lambda day: f"{day:%Y%m%d}",
    "amazon": lambda day: f"{day:%m} {day.day}, {day.year}",
    "short": lambda day: f"{day:%d-%b-%y}",
    "french": lambda day: f"{day.day} {MONTHS.split()[day.month - 1]} {day.year}",
    "ctime": lambda day: f"{day:%a %b %d} 13:55:02 +0000 {day.year}",
    "words": lambda day: f"Reviewed in Canada on {day:%B} {day.day}, {day.year}",
    "seconds": lambda day: str((day - dt.date(1970, 1, 1)).days * 86400),
    "excel": lambda day: str((day - dt.date(1899, 12, 30)).days),
}
MISSING = ["", "NaN", "NULL", "\\N", "N/A", "None", "-", "<NA>", "#n/a"]
NO_QUOTES = ("key-value", "fasttext", "blocks")
FORMATS = [
    *(("delimited", delimiter, style, layout, end)
      for delimiter in ",;\t|"
      for style in ("all", "minimal", "single", "escaped")
      for layout in ("plain", "sep", "trailing", "headerless")
      for end in ("\n", "\r\n")),
    *(("document", name, indent)
      for name in written.documents([["a"] * 6]) for indent in (None, 1)),
    *(("lines", ascii_only) for ascii_only in (False, True)),
    *((name,) for name in ("mongo", "xlsx", "parquet", *NO_QUOTES)),
]  # fmt: skip
pieces = st.sampled_from(
    ['"', "'", ",", ";", "|", "\t", "\n", "\r\n", ": ", "=", "\\", "{", "}", "[", "#", "%", "5",
     "😀", "👍🏽", "e\u0301", "n\u0303", "ß", "漢字", "Ω", "…", "\u00a0", "word", "good", " "]
)  # fmt: skip
texts = st.lists(pieces, max_size=8).map(lambda parts: f"x{''.join(parts)}x")
rows = st.lists(
    st.fixed_dictionaries(
        {
            "text": texts,
            "title": texts,
            "lost": st.sets(st.sampled_from(["rating", "date", "title", "sku", "user"])),
        }
    ),
    min_size=12,
    max_size=16,
)


def as_written(form, table):
    kind, *options = form
    if kind == "delimited":
        names = ("delimiter", "style", "layout", "end")
        return written.delimited(table, **dict(zip(names, options, strict=True)))
    if kind == "document":
        name, indent = options
        return written.Written(json.dumps(written.documents(table)[name], indent=indent).encode())
    if kind == "lines":
        return written.json_lines(table, ascii_only=options[0])
    writers = {
        "mongo": written.mongo,
        "xlsx": written.workbook,
        "parquet": written.parquet,
        "key-value": written.key_values,
        "fasttext": written.fasttext,
        "blocks": written.review_blocks,
    }
    return writers[kind](table)


def table_of(rows, form, scale, dates, missing):
    """The cells of the dump, and what a reader must make of them."""
    table, expected = [], []
    for number, row in enumerate(rows):
        # every star and a day that is no month are among the first rows
        lost = row["lost"] if number >= 5 else set()
        stars, day = number % 5 + 1, dt.date(2020, 1, 20 + number % 5)
        day += dt.timedelta(days=number * 11 if number >= 5 else 0)
        text, title = row["text"], row["title"]
        if "escaped" in form:  # without an escaped quote, a double backslash may be just that
            text, title = (each.replace("\\", "/") for each in (text, title))
        if form[0] in NO_QUOTES:  # these formats have lines and elements, and nothing to quote them
            text, title = (" ".join(each.split()).replace(": ", " ") for each in (text, title))
        cells = {
            "text": text,
            "rating": SCALES[scale](stars),
            "date": DATES[dates](day),
            "title": title,
            "sku": f"00{number % 3}",
            "user": f"user {number}",
        }
        table.append([missing if name in lost else cell for name, cell in cells.items()])
        shown = HALVES[stars] if scale == "0..5" else stars
        expected.append(
            (
                clean_text(text),
                None if "rating" in lost else shown,
                None if "date" in lost else day,
                None if "title" in lost else clean_text(title),
                None if "sku" in lost else cells["sku"],
                "user" not in lost,
            )
        )
    return table, expected


def as_read(row):
    day = row["reviewed_at"]
    return (
        *(row["text"], row["rating"], day and day.date(), row["title"], row["product_id"]),
        row["reviewer_key"] is not None,
    )


@settings(
    max_examples=400,
    derandomize=True,
    phases=[Phase.generate],  # a dump is small, and shrinking one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=rows,
    form=st.sampled_from(FORMATS),
    scale=st.sampled_from(list(SCALES)),
    dates=st.sampled_from(list(DATES)),
    missing=st.sampled_from(MISSING),
    packing=st.sampled_from(list(written.PACKINGS)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    chunk=st.sampled_from([None, 7, 1000]),
)
def test_a_dump_is_read_as_it_was_generated(
    read, rows, form, scale, dates, missing, packing, encoding, chunk
):
    if form[0] == "fasttext" and scale not in ("1..5", "1..10", "0..100"):
        scale = "1..5"  # a label is one word
    if "escaped" in form and missing == "\\N":
        missing = "NULL"
    table, expected = table_of(rows, form, scale, dates, missing)
    if form[0] == "fasttext":
        table = [[text, rating or "none", *others] for text, rating, *others in table]
    body, mapping, hints = as_written(form, table)
    if form[0] not in ("xlsx", "parquet"):
        body = body.decode().encode(encoding)
    options = {"mapping": mapping, "hints": hints}
    got = read(written.PACKINGS[packing](body), chunk=chunk, **options)
    assert got.rejects == []
    actual = list(map(as_read, got.rows))
    if form[0] == "fasttext":
        actual, expected = ([each[:2] for each in rows] for rows in (actual, expected))
    assert actual == expected


@pytest.mark.parametrize("layout", ["plain", "headerless"])
@pytest.mark.parametrize("text", ['say "x" twice', 'a "\nb', '"', "plain; text\n\nand more"])
def test_one_escaped_quote_is_enough(read, layout, text):
    """A row whose quotes do not match was no evidence against doubled quotes."""
    rows = [[f"text {n}", "5", "2020-01-20", "title", "sku", f"u{n}"] for n in range(8)]
    rows[3][0] = f"x {text} x"
    dump = written.delimited(rows, delimiter=";", style="escaped", layout=layout, end="\n")
    got = read(dump.body, mapping=dump.mapping, hints=dump.hints)
    assert got.texts == [clean_text(row[0]) for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_single_quotes_without_a_header(read, delimiter):
    rows = [[f"it's {delimiter} {n}", "5", "2020-01-20", "a", "b", "c"] for n in range(8)]
    dump = written.delimited(
        rows, delimiter=delimiter, style="single", layout="headerless", end="\n"
    )
    got = read(dump.body, mapping=dump.mapping, hints=dump.hints)
    assert got.texts == [clean_text(row[0]) for row in rows]
