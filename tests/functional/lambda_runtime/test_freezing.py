"""Lambda freezes a process between its invocations; a new index must be loaded all the same."""

from shared.index.build import build_index
from shared.storage import artefacts
from tests.corpus import made_up_reviews, put_shard
from tests.functional.lambda_runtime.conftest import event
from tests.functional.lambda_runtime.test_serving import json_body
from tests.models import opened_model


def cold(cloud, **variables):
    """A process of retrieval that is frozen between its invocations."""
    function = cloud.cold("retrieval", REVIEWLENS_POINTER_REFRESH_SECONDS="0", **variables)
    assert function.api.wait_until_idle(60)
    function.freezes = True
    return function


def add_index(cloud, name):
    """Make an index with 200 more reviews current; returns its version."""
    store, encoder = cloud.store("ARTEFACT"), opened_model()
    reviews = [{**row, "review_id": f"{name}:{row['review_id']}"} for row in made_up_reviews(200)]
    vectors = encoder.encode([row["text"] for row in reviews]).embeddings
    put_shard(store, encoder.version, reviews, vectors.astype("float16"))
    build_index(store)
    return artefacts.current(store, "index").version


def served_version(function):
    return json_body(function.invoke(event("rest_health"), seconds=28))["index_version"]


def test_a_moved_pointer_is_followed_after_the_response_that_noticed_it(cloud):
    add_index(cloud, "first")
    frozen = cold(cloud, REVIEWLENS_SWAP_DELAY_SECONDS="0")
    served_version(frozen)
    version = add_index(cloud, "second")
    served_version(frozen)
    assert served_version(frozen) == version


def test_a_first_load_goes_on_after_the_response_that_did_not_wait_for_it(cloud):
    version = add_index(cloud, "third")
    function = cold(cloud, REVIEWLENS_FIRST_LOAD_SECONDS="0.001")
    search = event("rest_search_similar")
    assert function.invoke(search, seconds=28).body["statusCode"] == 503
    assert function.invoke(search, seconds=28).body["statusCode"] == 200
    assert served_version(function) == version
