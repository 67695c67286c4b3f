"""No answer of collection is longer than Lambda returns, whatever dumps and their names are."""

import io
import zipfile

import pytest
from fastapi.testclient import TestClient

from lambdas.collection.api import create_app
from shared.db.ingest import exclusions
from shared.http.fitting import MAX_ANSWER_BYTES, sent_bytes
from shared.schemas.exclusions import ExclusionKind, HoldingUpload


@pytest.fixture
def http(world):
    return TestClient(create_app(lambda: world.dependencies))


def answer(http, path):
    response = http.get(path)
    assert response.status_code == 200
    assert sent_bytes(response.text) <= MAX_ANSWER_BYTES
    return response.json()


def test_an_archive_of_many_tables_with_long_names_is_described(world, http):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in range(80):
            names = ["text", "rating", *(f"{n}-{member}" + "é" * 400 for n in range(100))]
            lines = [",".join(names), f"A good text {member},5" + "," * 100]
            archive.writestr(f"{member}.csv", "\n".join(lines))
    ingest_id = world.collect("uploads/a.zip", file.getvalue()).ingest_id
    report = answer(http, f"/collect/{ingest_id}")
    assert report["stored"] == len(report["details"]["members"]) == 80
    assert report["details"]["members"][-1]["stored"] == 1
    assert [each["ingest_id"] for each in answer(http, "/collect")["ingests"]] == [ingest_id]


def test_an_exclusion_of_very_many_uploads_is_shown_with_some_of_them(world, http):
    database = world.dependencies.database
    exclusion_id = exclusions.add_exclusion(database, ExclusionKind.PRODUCT, "P").exclusion_id

    def hold(receipt):
        key = "uploads/" + "é" * 500
        receipt.uploads = [HoldingUpload(ingest_id=f"i{n}", key=key) for n in range(3_000)]

    exclusions.update_receipt(database, exclusion_id, hold)
    for shown in (
        answer(http, f"/exclusions/{exclusion_id}"),
        answer(http, "/exclusions")["exclusions"][0],
        http.delete("/products/P").json(),
    ):
        assert len(shown["receipt"]["uploads"]) == 500
        assert shown["receipt"]["more_uploads"] == 2_500
