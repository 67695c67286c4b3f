"""What an answer says of a dump fits into it, however long its names and values are."""

import base64
import gzip
import io
import json
import zipfile

import pytest

from lambdas.collection.shown import MAX_DETAILS_BYTES, fit_details, fit_names, shorten
from lambdas.collection.uploads import PreviewRequest, preview_upload
from shared.http.fitting import MAX_ANSWER_BYTES, sent_bytes


def long_texts():
    rows = ({"text": f"{n} " + "é" * 480_000, "rating": 5} for n in range(12))
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    return gzip.compress("\n".join(lines).encode(), 1)


def long_names():
    names = ["text", "rating", *(f"{n}" + "é" * 800 for n in range(600))]
    lines = [",".join(names), "A good text,5" + "," * 600]
    return gzip.compress("\n".join(lines).encode(), 1)


def short_names():
    names = ["text", "rating", *(f"é{n}" for n in range(60_000))]
    lines = [",".join(names), "A good text,5" + "," * 60_000]
    return gzip.compress("\n".join(lines).encode(), 1)


def many_members():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in range(40):
            names = ["text", "rating", *(f"{n}-{member}" + "é" * 400 for n in range(100))]
            lines = [",".join(names), f"A good text {member},5" + "," * 100]
            archive.writestr(f"{member}.csv", "\n".join(lines))
    return file.getvalue()


@pytest.mark.parametrize("dump", [long_texts, long_names, short_names, many_members])
def test_a_preview_fits_into_an_answer(dump):
    body = dump()
    content = base64.b64encode(body).decode()
    shown = preview_upload(PreviewRequest(filename="a", bytes=len(body), content=content))
    assert sent_bytes(shown.model_dump_json()) <= MAX_ANSWER_BYTES
    assert shown.rows_read > 0


def test_short_descriptions_stay_as_they_are():
    details = {"members": [{"file": "a.csv", "unused_columns": ["b"]}], "date_order": None}
    assert fit_details(details) == details
    assert fit_details({"rating_scale": {"scale": "1-5"}}) == {"rating_scale": {"scale": "1-5"}}
    assert fit_names(["a", "b" * 256]) == ["a", "b" * 256]
    assert shorten("x" * 257) == "x" * 255 + "…"


@pytest.mark.parametrize(("count", "is_listed"), [(700, True), (5_000, False)])
def test_members_of_an_archive_are_described_briefly_rather_than_left_out(count, is_listed):
    entry = {"rows_read": 1, "rejected": 0, "unused_columns": ["c" * 100] * 100, "format": "csv"}
    details = fit_details({"members": [{"file": f"{n}.csv", **entry} for n in range(count)]})
    members = details["members"]
    assert sent_bytes(json.dumps(details)) <= MAX_DETAILS_BYTES
    assert len(members) + details.get("members_left_out", 0) == count
    assert ("members_left_out" not in details) == is_listed
    assert "unused_columns" in members[0]
    assert members[-1] == {
        "file": f"{len(members) - 1}.csv", "format": "csv", "rows_read": 1, "rejected": 0
    }  # fmt: skip
