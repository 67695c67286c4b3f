"""JSON documents: lists below a key, paths of a mapping, feeds, tables of pandas, MongoDB."""

import json

import pytest

from shared.errors import IngestError

REVIEWS = [{"reviewText": f"The lamp is {n}", "overall": n % 5 + 1, "asin": "B1"} for n in range(7)]
TEXTS = [one["reviewText"] for one in REVIEWS]
chunks = pytest.mark.parametrize("chunk", [None, 7])
indents = pytest.mark.parametrize("indent", [None, 1])


@chunks
@indents
@pytest.mark.parametrize("key", ["reviews", "data", "results", "anything"])
def test_a_list_below_a_key_is_read(read, key, indent, chunk):
    document = {
        "success": 1,
        "summary": {"count": 7, "note": "a {brace}"},
        key: REVIEWS,
        "more": [],
    }
    got = read(json.dumps(document, indent=indent), chunk=chunk)
    assert got.texts == TEXTS
    assert got.rejects == []
    assert got.dump.profile.format == "json"


@chunks
def test_a_list_below_several_keys_is_read(read, chunk):
    document = {"response": {"pages": [{"items": REVIEWS[:3]}, {"items": REVIEWS[3:]}]}}
    assert read(json.dumps(document), chunk=chunk).texts == TEXTS


@chunks
def test_pages_of_an_api_are_read(read, chunk):
    pages = [{"page": n, "reviews": REVIEWS[n : n + 2]} for n in (0, 2, 4)]
    assert read("\n".join(map(json.dumps, pages)), chunk=chunk).texts == TEXTS[:6]
    assert read(json.dumps(pages, indent=1), chunk=chunk).texts == TEXTS[:6]


@chunks
@pytest.mark.parametrize("path", ["other.items[*]", "other.items", "$.other.items[*]"])
def test_a_mapping_chooses_the_list(read, path, chunk):
    document = {"reviews": [{"text": "Not this one"}], "other": {"items": REVIEWS}}
    assert read(json.dumps(document), hints={"records": path}, chunk=chunk).texts == TEXTS


def test_a_path_that_leads_nowhere_names_the_keys(read):
    body = json.dumps({"other": {"items": REVIEWS, "count": 7}})
    with pytest.raises(IngestError, match="other has no 'things'; its keys are count, items") as e:
        read(body, hints={"records": "other.things[*]"})
    assert e.value.code == "mapping_invalid"


@pytest.mark.parametrize("path", ["", "a..b", "a[0]", "[", "a.[*]]"])
def test_a_path_that_is_not_a_path_is_refused(read, path):
    with pytest.raises(IngestError, match="dotted keys") as caught:
        read(json.dumps({"a": REVIEWS}), hints={"records": path})
    assert caught.value.code == "mapping_invalid"


def test_a_mapping_names_nested_fields(read):
    rows = [{"id": n, "review": {"body": t, "stars": {"value": 4}}} for n, t in enumerate(TEXTS)]
    mapping = {"text": "review.body", "rating": "review.stars.value"}
    for body in ("\n".join(map(json.dumps, rows)), json.dumps(rows), json.dumps({"list": rows})):
        got = read(body, mapping=mapping)
        assert got.texts == TEXTS
        assert {row["rating"] for row in got.rows} == {4}


def test_nested_fields_with_known_names_are_read(read):
    rows = [{"id": n, "review": {"body": t, "rating": 3}} for n, t in enumerate(TEXTS)]
    got = read("\n".join(map(json.dumps, rows)))
    assert got.texts == TEXTS
    assert {row["rating"] for row in got.rows} == {3}


@chunks
def test_a_feed_of_the_app_store_is_read(read, chunk):
    entries = [
        {
            "author": {"uri": {"label": "u"}, "name": {"label": f"name {n}"}},
            "im:rating": {"label": str(n % 5 + 1)},
            "title": {"label": f"Title {n}"},
            "content": {"label": text, "attributes": {"type": "text"}},
            "link": {"attributes": {"href": "x"}},
        }
        for n, text in enumerate(TEXTS)
    ]
    feed = {"feed": {"author": {"name": {"label": "store"}}, "entry": entries}}
    got = read(json.dumps(feed), chunk=chunk)
    assert got.texts == TEXTS
    assert [row["rating"] for row in got.rows] == [n % 5 + 1 for n in range(7)]
    assert got.rows[0]["title"] == "Title 0"
    assert len({row["reviewer_key"] for row in got.rows}) == 7


def pandas_layouts():
    columns = list(REVIEWS[0])
    rows = [list(one.values()) for one in REVIEWS]
    fields = [{"name": name, "type": "string"} for name in columns]
    return {
        "split": {"columns": columns, "index": list(range(7)), "data": rows},
        "index": {str(n): one for n, one in enumerate(REVIEWS)},
        "columns": {c: {str(n): one[c] for n, one in enumerate(REVIEWS)} for c in columns},
        "list": {c: [one[c] for one in REVIEWS] for c in columns},
        "table": {"schema": {"fields": fields, "pandas_version": "1.4.0"}, "data": REVIEWS},
        "records": REVIEWS,
        "rows": [columns, *rows],
    }


@chunks
@indents
@pytest.mark.parametrize("layout", list(pandas_layouts()))
def test_tables_of_pandas_are_read(read, layout, indent, chunk):
    got = read(json.dumps(pandas_layouts()[layout], indent=indent), chunk=chunk)
    assert got.texts == TEXTS
    assert [row["rating"] for row in got.rows] == [one["overall"] for one in REVIEWS]
    assert got.rejects == []


def test_values_without_columns_are_mapped_by_position(read):
    rows = [[one["overall"], one["reviewText"]] for one in REVIEWS]
    mapping = {"rating": "1", "text": "2"}
    got = read(json.dumps(rows), mapping=mapping, hints={"header": "none"})
    assert got.texts == TEXTS


def test_columns_that_do_not_fit_into_memory_are_refused(read, monkeypatch):
    monkeypatch.setattr("lambdas.collection.reading.formats.json_columns.MAX_DOCUMENT_BYTES", 100)
    with pytest.raises(IngestError, match="JSON lines") as caught:
        read(json.dumps(pandas_layouts()["columns"]))
    assert caught.value.code == "object_too_large"


def test_a_document_that_is_cut_off_keeps_its_records(read):
    body = json.dumps({"reviews": REVIEWS})
    for end in range(len(body) // 2, len(body) - 1):
        got = read(body[:end])
        assert got.texts == TEXTS[: len(got.texts)]
        assert set(got.counted) <= {"truncated_record"}
        assert got.dump.warnings


@chunks
def test_flawed_and_long_records_cost_only_themselves(read, chunk):
    good = json.dumps(REVIEWS[0])
    long = json.dumps({"reviewText": "x" * 900, "more": [{"reviewText": "inner"}]})
    body = f'{{"reviews": [{good}, {{"reviewText": oops}}, {long}, {good}]}}'
    got = read(body, max_record_bytes=500, chunk=chunk)
    assert got.texts == TEXTS[:1] * 2
    assert got.counted == {"malformed_record": 1, "record_too_long": 1}


def test_several_unknown_lists_are_named(read):
    body = json.dumps({"a": [{"x": 1}], "b": {"c": [{"y": "z"}]}})
    with pytest.raises(IngestError, match=r"a\[\*\].*b\.c\[\*\]") as caught:
        read(body)
    assert caught.value.code == "schema_unknown"


@chunks
@indents
def test_exports_of_mongodb_are_read(read, indent, chunk):
    rows = [{"_id": {"$oid": f"{n:024x}"}} | one for n, one in enumerate(REVIEWS)]
    assert read(json.dumps(rows, indent=indent), chunk=chunk).texts == TEXTS
    lines = "\n".join(json.dumps(row, indent=indent) for row in rows)
    assert read(lines, chunk=chunk).texts == TEXTS


@chunks
def test_a_long_string_beside_the_records_is_skipped(read, chunk):
    document = {"page": 'a "quoted" \\ page ' * 200, "reviews": REVIEWS}
    assert read(json.dumps(document), chunk=chunk, max_record_bytes=500).texts == TEXTS
