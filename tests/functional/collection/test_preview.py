"""POST /uploads/preview: how a dump would be read."""

import base64
import gzip
import io
import json

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from lambdas.collection import uploads
from lambdas.collection.api import create_app
from shared.schemas.preview import PREVIEW_BYTES

BODY = b"Meinung,Note\nWarm.,5\nKalt.,1\n,3\n"


@pytest.fixture
def http(world):
    return TestClient(create_app(lambda: world.dependencies))


def request(body, **values):
    content = base64.b64encode(body).decode()
    return {"filename": "a.csv", "bytes": max(1, len(body)), "content": content, **values}


def test_a_preview_applies_the_mapping_and_stores_nothing(http, world, rows):
    body = request(BODY, mapping={"text": "Meinung", "rating": "Note"})
    response = http.post("/uploads/preview", json=body)
    assert response.status_code == 200
    shown = response.json()
    assert (shown["format"], shown["columns"]) == ("csv", ["Meinung", "Note"])
    assert shown["mapping"] == {"text": ["Meinung"], "rating": ["Note"]}
    assert [row["text"] for row in shown["rows"]] == ["Warm.", "Kalt."]
    assert (shown["rows_read"], shown["stored"], shown["rejected"]) == (3, 2, 1)
    assert shown["is_complete"]
    assert list(world.raw.list("")) == []
    assert rows("SELECT count(*) FROM ingests") == [(0,)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (bytes(range(256)) * 50, "format_unknown"),
        (b"\n\n", "empty_object"),
        (gzip.compress(b"text\n" + b"x" * 100_000_000), "decompression_limit"),
        (b"PAR1" + b"x" * 500, "format_unknown"),
    ],
    ids=["binary", "empty", "bomb", "truncated Parquet"],
)
def test_what_cannot_be_read_is_refused_with_its_reason(http, body, code):
    response = http.post("/uploads/preview", json=request(body))
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert response.json()["detail"]


def test_a_file_that_must_be_read_whole_has_no_preview_of_its_beginning(http):
    table, sheet = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.table({"text": ["Fine and warm."] * 9, "rating": [5] * 9}), table)
    workbook = openpyxl.Workbook()
    workbook.active.append(["text", "rating"])
    workbook.active.append(["Fine and warm.", 5])
    workbook.save(sheet)
    files = [table.getvalue(), sheet.getvalue()]
    for file in [*files, *map(gzip.compress, files)]:
        whole = http.post("/uploads/preview", json=request(file))
        assert (whole.status_code, whole.json()["mapping"]["text"]) == (200, ["text"])
        response = http.post(
            "/uploads/preview", json=request(file[: len(file) * 2 // 3], bytes=len(file))
        )
        assert (response.status_code, response.json()["code"]) == (422, "preview_unavailable")
        assert "it can be uploaded" in response.json()["detail"]


def test_the_columns_of_an_unknown_schema_can_be_chosen_from(http):
    response = http.post("/uploads/preview", json=request(BODY))
    assert response.status_code == 200
    shown = response.json()
    assert (shown["columns"], shown["error_code"]) == (["Meinung", "Note"], "schema_unknown")
    assert "'Meinung', 'Note'" in shown["error_detail"]
    assert "text" in shown["fields"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"content": "?"},
        {"content": ""},
        {"content": "A" * (uploads.MAX_CONTENT + 4)},
        {"filename": "../a"},
        {"mapping": {"nope": "x"}},
        {"bytes": 0},
    ],
)
def test_invalid_requests_are_refused(http, wrong):
    response = http.post("/uploads/preview", json=request(BODY) | wrong)
    assert response.status_code == 422


def test_the_largest_preview_fits_into_a_request(http):
    line = json.dumps({"text": "Fine and warm.", "rating": 5}).encode() + b"\n"
    body = (line * (PREVIEW_BYTES // len(line) + 1))[:PREVIEW_BYTES]
    response = http.post("/uploads/preview", json=request(body, bytes=10**9))
    assert response.status_code == 200
    assert not response.json()["is_complete"]


def test_a_flaw_of_a_parser_is_not_a_server_error(http, monkeypatch):
    def fail(*_arguments, **_options):
        raise RuntimeError("flaw")

    monkeypatch.setattr(uploads, "preview_dump", fail)
    response = http.post("/uploads/preview", json=request(BODY))
    assert (response.status_code, response.json()["code"]) == (422, "format_unknown")


def test_a_collection_request_corrects_one_object(http, world):
    body = b"a,b\nOne.,Two.\n"
    world.raw.put("uploads/x.csv.mapping.json", b'{"text": "a"}')
    world.collect("uploads/x.csv", body)
    accepted = http.post("/collect", json={"key": "uploads/x.csv", "mapping": {"text": "b"}})
    assert (accepted.status_code, accepted.json()["objects"]) == (202, 1)
    for wrong in (
        {"key": "uploads/x.csv", "prefix": "uploads/"},
        {"mapping": {"text": "b"}},
        {"key": "uploads/x.csv", "mapping": {"nope": "b"}},
        {"key": "uploads/\0"},
    ):
        assert http.post("/collect", json=wrong).status_code == 422
    assert http.post("/collect", json={"key": "uploads/none.csv"}).status_code == 404
