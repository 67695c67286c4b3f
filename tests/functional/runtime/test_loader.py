"""The loader follows the pointer and keeps the current model when the next one is bad."""

import shutil

import pytest

from shared.errors import UnavailableError
from shared.runtime.loader import ModelLoader
from shared.storage import artefacts
from shared.storage.layout import version_prefix
from tests.corpus import publish_model
from tests.fakes.objects import MemoryStore
from tests.models import renamed_model


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def loader(store, tmp_path):
    return ModelLoader(store, tmp_path / "cache", refresh_seconds=0)


def test_the_loader_is_unavailable_until_a_model_is_published(store, loader, folder):
    with pytest.raises(UnavailableError):
        loader.encoder()
    manifest = publish_model(store, folder)
    assert loader.encoder().version == manifest.version


def test_the_encoder_stays_the_same_while_the_pointer_does(store, loader, folder):
    publish_model(store, folder)
    assert loader.encoder() is loader.encoder()


def test_the_loader_follows_the_pointer(store, loader, folder, tmp_path):
    publish_model(store, folder)
    loader.encoder()
    publish_model(store, renamed_model(tmp_path / "next", "next-model"))
    assert loader.encoder().version == "next-model"


def test_a_corrupt_new_model_leaves_the_old_one_in_use(store, loader, folder, tmp_path):
    manifest = publish_model(store, folder)
    loader.encoder()
    publish_model(store, renamed_model(tmp_path / "next", "next-model"))
    store.put(version_prefix("model", "next-model") + "model.onnx", b"gone wrong")
    assert loader.encoder().version == manifest.version
    assert "next-model" in loader.problem


def test_a_refused_model_is_not_fetched_again_immediately(store, loader, folder, tmp_path):
    publish_model(store, folder)
    loader.encoder()
    publish_model(store, renamed_model(tmp_path / "next", "next-model"))
    prefix = version_prefix("model", "next-model")
    good, _ = store.get(prefix + "model.onnx")
    store.put(prefix + "model.onnx", b"gone wrong")
    loader.encoder()
    problem = loader.problem
    store.put(prefix + "model.onnx", good)
    assert loader.encoder().version != "next-model"
    assert loader.problem == problem


def test_the_pointer_is_not_read_again_before_a_refresh_is_due(store, folder, tmp_path):
    publish_model(store, folder)
    loader = ModelLoader(store, tmp_path / "cache", refresh_seconds=3600)
    first = loader.encoder()
    store.delete("pointers/model.json")
    shutil.rmtree(tmp_path / "cache")
    assert loader.encoder() is first


def test_an_unavailable_store_leaves_the_old_model_in_use(store, loader, folder, monkeypatch):
    publish_model(store, folder)
    first = loader.encoder()

    def down(*_arguments):
        raise UnavailableError("S3 did not answer")

    monkeypatch.setattr(artefacts, "current", down)
    assert loader.encoder() is first
    assert loader.problem == "S3 did not answer"
