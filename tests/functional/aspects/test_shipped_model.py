"""The shipped model distinguishes praised aspects from criticised ones."""

import pytest

from lambdas.processing.dependencies import Model
from shared.runtime.encoder import open_folder
from tests.models import model_folder

REVIEWS = [
    "The sound is wonderful, rich and clear. The hinge snapped after three weeks.",
    "I love the sound. The hinge broke and nobody would replace it, terrible.",
    "Wonderful sound and very comfortable ear pads. Sadly the hinge broke on the second day.",
    "The hinge is a cheap, awful piece of plastic and it cracked at once.",
    "The ear pads are soft and comfortable, I love them.",
    "Lovely ear pads, excellent sound.",
]


@pytest.fixture(scope="module")
def encoder():
    return open_folder(model_folder())


@pytest.fixture
def model(encoder):
    return Model(encoder, encoder.version)


def test_praised_and_criticised_aspects_of_the_same_reviews_are_distinguished(process, aspects):
    process([{"text": text, "rating": 3.0} for text in REVIEWS])
    by_name = aspects(product_id="p1", min_reviews=3)
    counts = {name: (entry["reviews"], entry["negative_share"]) for name, entry in by_name.items()}
    assert counts == {"hinge": (4, 1.0), "sound": (4, 0.0), "ear pad": (3, 0.0)}
    assert {quote["text"] for quote in by_name["hinge"]["quotes"]} <= {
        "The hinge snapped after three weeks.",
        "The hinge broke and nobody would replace it, terrible.",
        "Sadly the hinge broke on the second day.",
        REVIEWS[3],
    }
    assert {quote["sentiment"] for quote in by_name["ear pad"]["quotes"]} == {"positive"}
