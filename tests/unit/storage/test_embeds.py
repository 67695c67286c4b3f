"""A model without an embedding can be registered, and cannot become the current one."""

import json

import pytest

from shared.errors import ConflictError
from shared.storage import artefacts
from tests.fakes.objects import MemoryStore
from tests.models import stub_model


@pytest.fixture
def publish(tmp_path):
    """``publish(**fields)``: a bucket with a model whose manifest has these fields."""

    def run(**fields):
        folder = stub_model(tmp_path, "m1")
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))
        store = MemoryStore()
        artefacts.publish(store, folder, artefacts.read_folder(folder, kind="model").manifest)
        return store

    return run


def test_a_model_without_an_embedding_is_refused_as_the_current_one(publish):
    store = publish(embeds=False)
    assert artefacts.read_manifest(store, "model", "m1").embeds is False
    with pytest.raises(ConflictError, match="m1 has no embedding to search with"):
        artefacts.move_pointer(store, "model", "m1", if_match=None)
    assert artefacts.current(store, "model") is None


def test_the_manifest_of_a_model_with_an_embedding_is_that_of_earlier_releases(publish):
    store = publish()
    artefacts.move_pointer(store, "model", "m1", if_match=None)
    stored = json.loads(store.get("models/m1/manifest.json")[0])
    assert not {"embeds", "format"} & stored.keys()
    assert artefacts.read_manifest(store, "model", "m1").embeds is True
