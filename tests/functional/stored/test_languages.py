"""From a dump to search: reviews that the model does not understand have no sentiment."""

import json

import numpy as np
import pytest

from shared.index.reader import IndexReader
from shared.schemas.search import SearchFilters
from shared.serving.answers import search_result
from shared.storage import artefacts
from tests.fakes.encoder import WordEncoder
from tests.fakes.objects import MemoryStore
from tests.fixtures.stored.make import DIMENSION, fill

ENGLISH = ("The lamp is lovely and bright", "A bad lamp, it broke within a week")
GERMAN = ("Sehr schlechte Lampe, nach einer Woche kaputt", "Die Verarbeitung ist leider schlecht")


@pytest.fixture
def stores(database):
    made = {name: MemoryStore(name) for name in ("raw", "clean", "artefacts")}
    dump = "\n".join(
        json.dumps({"text": text, "rating": 1, "parent_asin": "B1", "user_id": f"U{number}"})
        for number, text in enumerate(ENGLISH + GERMAN)
    )
    fill(database, made, dump.encode(), reviews=4)
    return made


@pytest.fixture
def search(stores, tmp_path):
    store = stores["artefacts"]
    version = artefacts.current(store, "index").version
    index = IndexReader(artefacts.fetch(store, "index", version, tmp_path))
    query = np.asarray(WordEncoder(DIMENSION).encode(["lamp"]).embeddings[0], np.float32)

    def results(**filters):
        hits = index.search(query, 10, SearchFilters(**filters) if filters else None)
        return {
            result.review_text: (result.language, result.sentiment)
            for result in map(search_result, hits)
        }

    return results


def test_results_show_the_language_and_no_sentiment(search):
    assert search() == {
        ENGLISH[0]: ("en", "positive"),
        ENGLISH[1]: ("en", "negative"),
        GERMAN[0]: ("de", None),
        GERMAN[1]: ("de", None),
    }


def test_a_filter_by_language_selects_its_reviews(search):
    assert set(search(language="de")) == set(GERMAN)
    assert set(search(languages=["en", "fr"])) == set(ENGLISH)
    assert search(language="fr") == {}


def test_a_filter_by_sentiment_selects_no_review_that_is_not_understood(search):
    assert set(search(sentiment="positive")) == {ENGLISH[0]}
    everything = search(sentiments=["negative", "neutral", "positive"])
    assert set(everything) == set(ENGLISH)


def test_the_database_keeps_the_language(stores, rows):
    assert stores
    stored = rows(
        "SELECT r.text, a.language, a.understood FROM analyses AS a JOIN reviews AS r"
        " USING (review_id)"
    )
    assert set(stored) == {
        *((text, "en", True) for text in ENGLISH),
        *((text, "de", False) for text in GERMAN),
    }
