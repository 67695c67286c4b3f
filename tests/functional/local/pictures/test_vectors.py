"""Vectors of texts and pictures."""

import numpy as np
import pytest

from shared.pictures.decode import decode
from shared.serving.answers import IMAGE_IGNORED
from tests.functional.local.pictures.samples import (
    PNG,
    TEXT,
    UNUSED,
    encoded,
    one_colour,
)
from tests.hostile import response
from tests.pictures import saved


def vectors_of(ask, **body):
    status, answer = ask(body, path="/embeddings")
    assert status == 200
    return answer


def test_texts_and_pictures_are_embedded_each_in_its_order(ask, model, snapshot, server):
    server.answers["/red"] = response(saved(one_colour("red"), "PNG"))
    url = f"https://localhost:{server.port}/red"
    blue = encoded(saved(one_colour("blue"), "PNG"))
    answer = vectors_of(
        ask, texts=[TEXT, "gentle"], pictures=[{"image_data": blue}, {"image_url": url}]
    )
    texts = snapshot.encoder.encode([TEXT, "gentle"]).embeddings
    np.testing.assert_allclose(answer["embeddings"], texts, atol=1e-6)
    pictures = [model.encode(decode(saved(one_colour(c), "PNG"))) for c in ("blue", "red")]
    np.testing.assert_allclose(answer["picture_embeddings"], pictures, atol=1e-6)
    assert answer["modalities"] == ["text", "image"]
    assert answer["model_version"] == snapshot.encoder.version
    assert (answer["picture_model_version"], answer["warnings"]) == ("tiny-pictures-1", [])


def test_a_picture_that_cannot_be_embedded_is_null_and_a_warning_names_it(ask):
    bad, good = ({"image_data": encoded(data)} for data in (PNG[:-40], PNG))
    answer = vectors_of(ask, pictures=[bad, good, {"image_url": "https://169.254.169.254/"}])
    assert [vector is None for vector in answer["picture_embeddings"]] == [True, False, True]
    assert answer["warnings"] == [
        f"pictures.0: {UNUSED}it is damaged or cut off",
        f"pictures.2: {UNUSED}its host is not on the public internet",
    ]
    assert (answer["embeddings"], answer["modalities"]) == ([], ["image"])
    answer = vectors_of(ask, texts=[TEXT], pictures=[bad])
    assert (answer["modalities"], answer["picture_model_version"]) == (["text"], None)


def test_pictures_are_embedded_only_by_a_picture_model(ask, server):
    url = {"image_url": f"https://localhost:{server.port}/a"}
    status, answer = ask({"pictures": [url]}, path="/embeddings", model=None)
    assert (status, answer["errors"][0]["field"]) == (422, "pictures")
    status, answer = ask({"texts": [TEXT], "pictures": [url]}, path="/embeddings", model=None)
    assert (status, answer["picture_embeddings"]) == (200, [None])
    assert answer["warnings"] == [f"pictures.0: {IMAGE_IGNORED}"]
    assert server.requests == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "texts"),
        ({"texts": []}, "texts"),
        ({"texts": ["a"] * 65}, "texts"),
        ({"texts": ["a" * 10_001]}, "texts.0"),
        ({"pictures": []}, "pictures"),
        ({"pictures": [{}]}, "pictures.0"),
        ({"pictures": [{"image_url": "ftp://a/"}]}, "pictures.0.image_url"),
        ({"pictures": [{"image_data": "AA=="}] * 9}, "pictures"),
        ({"texts": ["a"], "model": "b"}, "model"),
    ],
    ids=range(9),
)
def test_what_cannot_be_embedded_is_refused_by_name(ask, body, field):
    status, answer = ask(body, path="/embeddings")
    assert (status, answer["errors"][0]["field"]) == (422, field)


def test_the_largest_batch_of_texts_is_embedded(ask):
    assert len(vectors_of(ask, texts=["\u00e9" * 10_000] * 64)["embeddings"]) == 64
