"""Searches by pictures, and the pictures of the reviews that are found."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from shared.index.build import build_index
from shared.index.reader import IndexReader
from shared.pictures.decode import decode
from shared.runtime.encoder import open_folder
from shared.schemas.pictures import KeptPicture, PictureResults
from shared.serving.answers import NO_INDEX
from shared.serving.snapshots import Snapshot
from shared.storage import layout
from shared.storage.artefacts import fetch
from shared.storage.review_pictures import write_vectors
from tests.corpus import made_up_reviews, publish_manifest_only, put_shard, random_vectors
from tests.fakes.objects import MemoryStore
from tests.functional.local.pictures.samples import (
    COLOURS,
    PNG,
    TEXT,
    UNUSED,
    encoded,
    one_colour,
)
from tests.joint import COLOURS as JOINT_COLOURS
from tests.joint import VERSION, joint_model
from tests.pictures import saved
from tests.sauces import WIDTH


@pytest.fixture(scope="module")
def pictured(snapshot, model, stored, tmp_path_factory):
    """The same model with an index of six reviews, of which the last has a lime picture."""
    version, rows = snapshot.encoder.version, made_up_reviews(len(COLOURS), 1)
    publish_manifest_only(stored, version, WIDTH)
    put_shard(stored, version, rows, random_vectors(len(COLOURS), WIDTH), ingest="ing_1", part=1)
    lime = decode(saved(one_colour("lime"), "PNG"))
    kept = KeptPicture(
        review_id=rows[-1]["review_id"], url="https://a.example/", outcome="fetched", sha256="lime"
    )
    results = PictureResults(pictures=[kept]).model_dump_json()
    stored.put(layout.picture_results("ing_1", 1), results.encode())
    vectors = model.encode(lime)[None].astype(np.float16)
    write_vectors(stored, layout.picture_vectors("ing_1", version, 1), vectors)
    stored.put(layout.picture_file("ing_1", "lime"), lime.data)
    folder = tmp_path_factory.mktemp("pictured")
    built = build_index(stored).version
    return Snapshot(snapshot.encoder, IndexReader(fetch(stored, "index", built, folder)))


@pytest.fixture(scope="module")
def indexed(snapshot, model, tmp_path_factory):
    """The same model with an index of six reviews: the vector of ``COLOURS[i]`` is review i's."""
    pictures = [decode(saved(one_colour(each), "PNG")) for each in COLOURS]
    vectors = np.stack([model.encode(each) for each in pictures]).astype(np.float16)
    store, version = MemoryStore("artefacts"), snapshot.encoder.version
    publish_manifest_only(store, version, WIDTH)
    put_shard(store, version, made_up_reviews(len(COLOURS), 1), vectors, part=1)
    built = build_index(store).version
    folder = tmp_path_factory.mktemp("index")
    return Snapshot(snapshot.encoder, IndexReader(fetch(store, "index", built, folder)))


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """A model with a joint space, with an index of a review named after each of its colours."""
    encoder = open_folder(joint_model(tmp_path_factory.mktemp("j") / VERSION))
    store = MemoryStore("artefacts")
    publish_manifest_only(store, VERSION, encoder.dimension)
    vectors = encoder.encode(list(JOINT_COLOURS)).embeddings.astype(np.float16)
    put_shard(store, VERSION, made_up_reviews(len(vectors), 1), vectors, part=1)
    built = build_index(store).version
    return Snapshot(
        encoder, IndexReader(fetch(store, "index", built, tmp_path_factory.mktemp("i")))
    )


@pytest.mark.parametrize("colour", JOINT_COLOURS)
def test_a_model_with_a_joint_space_finds_what_a_picture_shows(ask, joint, colour):
    picture = encoded(saved(one_colour(colour), "PNG"))
    body = {"image_data": picture, "top_k": 1}
    status, answer = ask(body, path="/search_similar", snapshot=joint)
    assert (status, answer["modalities"], answer["warnings"]) == (200, ["image"], [])
    assert answer["model_version"] == VERSION
    by_name = ask({"query_text": colour, "top_k": 1}, path="/search_similar", snapshot=joint)[1]
    (found,), (named,) = answer["results"], by_name["results"]
    assert found["review_id"] == named["review_id"]
    assert found["similarity_score"] > 0.9


def test_a_picture_alone_finds_the_reviews_near_it(ask, indexed):
    for number, colour in enumerate(COLOURS):
        body = {"image_data": encoded(saved(one_colour(colour), "PNG")), "top_k": 2}
        status, answer = ask(body, path="/search_similar", snapshot=indexed)
        assert (status, answer["warnings"], answer["modalities"]) == (200, [], ["image"])
        best = answer["results"][0]
        assert best["review_id"] == f"made:1-{number}"
        assert best["similarity_score"] == pytest.approx(1, abs=1e-3)


def test_text_and_picture_together_find_what_is_near_both(ask, indexed):
    red = encoded(saved(one_colour("red"), "PNG"))
    alone, beside = (
        ask({"query_text": TEXT, "top_k": 6, **extra}, path="/search_similar", snapshot=indexed)
        for extra in ({}, {"image_data": red})
    )
    assert (alone[1]["modalities"], beside[1]["modalities"]) == (["text"], ["text", "image"])
    scores = [
        next(
            each["similarity_score"]
            for each in answer["results"]
            if each["review_id"] == "made:1-0"
        )
        for _, answer in (alone, beside)
    ]
    assert scores[1] > scores[0]


def test_a_refused_picture_alone_finds_nothing_and_says_why(ask, indexed):
    body = {"image_data": encoded(PNG[:-40])}
    status, answer = ask(body, path="/search_similar", snapshot=indexed)
    assert (status, answer["results"], answer["modalities"]) == (200, [], [])
    assert answer["warnings"] == [f"{UNUSED}it is damaged or cut off"]


def test_a_search_by_picture_alone_needs_a_picture_model(ask):
    status, answer = ask({"image_data": encoded(PNG)}, path="/search_similar", model=None)
    assert (status, answer["errors"][0]["field"]) == (422, "query_text")
    assert "no picture model is loaded" in answer["detail"]


@pytest.mark.parametrize("body", [{}, {"query_text": None}, {"top_k": 3}])
def test_a_search_for_nothing_names_what_is_missing(ask, body):
    status, answer = ask(body, path="/search_similar")
    assert (status, answer["errors"][0]["field"]) == (422, "query_text")
    assert "a text or a picture" in answer["detail"]


def test_one_query_searches_reviews_and_their_pictures(ask, pictured):
    lime = encoded(saved(one_colour("lime"), "PNG"))
    body = {"image_data": lime, "top_k": 6, "picture_preview": True}
    results = ask(body, path="/search_similar", snapshot=pictured)[1]["results"]
    best = results[0]
    assert (best["review_id"], best["matched"]) == ("made:1-5", "image")
    assert best["similarity_score"] == pytest.approx(1, abs=1e-3)
    assert (best["picture"]["width"], best["picture"]["height"]) == (40, 40)
    assert {each["matched"] for each in results[1:]} == {"text"}
    assert all(each["picture"] is None for each in results[1:])
    similar = ask({"query_text": TEXT, **body}, snapshot=pictured)[1]["similar_reviews"]
    (shown,) = (each["picture"] for each in similar if each["review_id"] == "made:1-5")
    assert Image.open(BytesIO(base64.b64decode(shown["data"]))).format == "JPEG"


def test_the_pictures_of_listed_reviews_are_answered_by_their_ids(ask, pictured, snapshot, stored):
    ids = [row["review_id"] for row in made_up_reviews(len(COLOURS), 1)]
    status, body = ask(
        {"review_ids": [*ids, ids[-1], "unknown"]}, path="/review_pictures", snapshot=pictured
    )
    assert (status, list(body["pictures"])) == (200, [ids[-1]])
    picture = body["pictures"][ids[-1]]
    file, _ = stored.get(layout.picture_file("ing_1", "lime"))
    assert base64.b64decode(picture["data"]) == file
    assert body["index_version"] == pictured.index.version
    status, body = ask({"review_ids": ids}, path="/review_pictures", snapshot=snapshot)
    assert (body["pictures"], body["warnings"]) == ({}, [NO_INDEX])
    assert ask({"review_ids": []}, path="/review_pictures")[0] == 422


def test_a_picture_that_is_gone_or_not_asked_for_is_not_in_the_answer(ask, pictured, stored):
    body = {"query_text": TEXT, "top_k": 6}
    for asked in (False, True):
        if asked:
            stored.delete(layout.picture_file("ing_1", "lime"))
        answer = ask({**body, "picture_preview": asked}, path="/search_similar", snapshot=pictured)
        assert {each["picture"] for each in answer[1]["results"]} == {None}
