"""Pictures in an index version: one query searches reviews and pictures."""

import numpy as np
import pytest

from shared.errors import ArtefactError
from shared.index import pictures
from shared.index.build import build_index
from shared.index.reader import IndexReader
from shared.schemas.pictures import KeptPicture, PictureResults
from shared.schemas.search import SearchFilters
from shared.storage import artefacts, layout
from shared.storage.review_pictures import forget_reviews, write_vectors
from tests.corpus import made_up_reviews, publish_manifest_only, put_shard
from tests.fakes.objects import MemoryStore

MODEL, INGEST, COUNT, WIDTH = "m-1", "ing_made", 12, 32
UNIT = np.eye(WIDTH, dtype=np.float16)
"""The text of review n is direction n, and its picture direction COUNT + n."""


def reviews():
    return [{**row, "text": f"{row['text']} {n}"} for n, row in enumerate(made_up_reviews(COUNT))]


def kept(review, name="a", outcome="fetched"):
    return KeptPicture(
        review_id=reviews()[review]["review_id"],
        url=f"https://a.example/{name}",
        outcome=outcome,
        sha256=f"{name}{review}" if outcome == "fetched" else "",
    )


def store_batch(store, entries, vectors, first=1, model=MODEL):
    results = PictureResults(pictures=entries)
    store.put(layout.picture_results(INGEST, first), results.model_dump_json().encode())
    write_vectors(store, layout.picture_vectors(INGEST, model, first), np.stack(vectors))


@pytest.fixture
def store():
    store = MemoryStore("artefacts")
    publish_manifest_only(store, MODEL, WIDTH)
    put_shard(store, MODEL, reviews(), UNIT[:COUNT], ingest=INGEST, part=0)
    return store


@pytest.fixture
def opened(store, tmp_path):
    def build():
        version = build_index(store).version
        return IndexReader(artefacts.fetch(store, "index", version, tmp_path))

    return build


def found(reader, direction, **filters):
    hits = reader.search(UNIT[direction].astype(np.float32), 3, SearchFilters(**filters))
    near = [hit for hit in hits if hit.score > 0.5]
    return [(hit.row.review_id, hit.file if hit.by_picture else None) for hit in near]


def test_a_review_is_found_by_its_text_and_by_its_picture(store, opened):
    store_batch(store, [kept(2), kept(5, outcome="refused"), kept(7)], [UNIT[14], UNIT[19]])
    reader = opened()
    assert reader.manifest.parameters["pictures"] == 2
    ids = [row["review_id"] for row in reviews()]
    assert found(reader, 7) == [(ids[7], None)]
    assert found(reader, 19) == [(ids[7], f"{INGEST}/a7")]
    assert found(reader, 14) == [(ids[2], f"{INGEST}/a2")]
    assert found(reader, 25) == []


def test_a_review_with_several_pictures_is_one_result(store, opened):
    store_batch(store, [kept(2, "a"), kept(2, "b")], [UNIT[14], UNIT[14]])
    assert len(found(opened(), 14)) == 1


def test_a_review_that_matches_by_its_text_has_its_first_picture(store, opened):
    store_batch(store, [kept(2, "a"), kept(2, "b")], [UNIT[14], UNIT[15]])
    best = opened().search(UNIT[2].astype(np.float32), 1)[0]
    assert (best.file, best.by_picture) == (f"{INGEST}/a2", False)
    best = opened().search(UNIT[15].astype(np.float32), 1)[0]
    assert (best.file, best.by_picture) == (f"{INGEST}/b2", True)


def test_filters_apply_to_pictures(store, opened):
    store_batch(store, [kept(2), kept(7)], [UNIT[14], UNIT[14]])
    reader, rows = opened(), reviews()
    for number in (2, 7):
        if rows[2]["product_id"] != rows[7]["product_id"]:
            (hit,) = found(reader, 14, product_id=rows[number]["product_id"])
            assert hit[0] == rows[number]["review_id"]
    assert found(reader, 14, product_id="another") == []


def test_new_pictures_are_a_reason_to_build_and_nothing_else_is(store, opened):
    before = opened().version
    assert build_index(store).outcome == "unchanged"
    store_batch(store, [kept(2)], [UNIT[14]])
    report = build_index(store)
    assert (report.outcome, report.version != before) == ("published", True)
    assert build_index(store).outcome == "unchanged"
    store_batch(store, [kept(3)], [UNIT[15]], first=9, model="another")
    assert build_index(store).outcome == "unchanged"


def test_a_forgotten_review_is_not_found_by_its_picture(store, opened):
    store_batch(store, [kept(2), kept(7)], [UNIT[14], UNIT[19]])
    opened()
    forget_reviews(store, INGEST, {reviews()[7]["review_id"]})
    assert found(opened(), 19) == []
    write_vectors(store, layout.picture_vectors(INGEST, MODEL, 1), UNIT[14:15])
    reader = opened()
    assert found(reader, 19) == []
    assert len(found(reader, 14)) == 1, "the picture that is left was embedded again"


@pytest.mark.parametrize("damage", ["vectors", "results", "count"])
def test_a_batch_that_cannot_be_read_is_left_out(store, opened, damage):
    store_batch(store, [kept(2)], [UNIT[14]])
    store_batch(store, [kept(7)], [UNIT[19]] * (2 if damage == "count" else 1), first=9)
    if damage == "vectors":
        store.put(layout.picture_vectors(INGEST, MODEL, 9), b"damaged")
    if damage == "results":
        store.put(layout.picture_results(INGEST, 9), b"damaged")
    reader = opened()
    assert len(found(reader, 14)) == 1
    assert found(reader, 19) == []


def test_an_index_without_pictures_has_no_file_for_them(store, opened):
    store_batch(store, [kept(2).model_copy(update={"review_id": "unknown"})], [UNIT[14]])
    reader = opened()
    assert pictures.FILE not in reader.manifest.files
    assert found(reader, 14) == []


def test_pictures_that_do_not_belong_to_the_rows_are_refused(store, tmp_path):
    store_batch(store, [kept(2)], [UNIT[14]])
    fetched = artefacts.fetch(store, "index", build_index(store).version, tmp_path)
    store_batch(store, [kept(2), kept(3)], [UNIT[14], UNIT[15]])
    other = artefacts.fetch(store, "index", build_index(store).version, tmp_path)
    (fetched.folder / pictures.FILE).write_bytes((other.folder / pictures.FILE).read_bytes())
    with pytest.raises(ArtefactError, match="pictures"):
        IndexReader(fetched)
