"""The worker of pictures opens what gives pictures vectors, and no text model and no index."""

import numpy as np
import pytest
from PIL import Image

from lambdas.review_pictures.embedder import CurrentEmbedder
from shared.errors import PictureError
from shared.pictures.decode import decode
from shared.runtime.picture_tower import CurrentPictureTower
from shared.runtime.pictures import PictureModel
from shared.serving.query_pictures import Pictures
from shared.storage import artefacts, registry
from tests.fakes.objects import MemoryStore
from tests.joint import joint_model
from tests.pictures import saved
from tests.sauces import tiny_model, tiny_picture_model


@pytest.fixture
def store():
    return MemoryStore("artefacts")


@pytest.fixture
def embedder(store, tmp_path):
    model = PictureModel(tiny_picture_model(tmp_path / "tower"))
    return CurrentEmbedder(store, tmp_path / "cache", Pictures(None, model, CurrentPictureTower()))


@pytest.fixture
def publish(store, tmp_path):
    def make_current(folder):
        version = registry.register(store, folder).version
        before = artefacts.current(store, "model")
        artefacts.move_pointer(store, "model", version, if_match=before and before.etag)
        return version

    return make_current


def red():
    return decode(saved(Image.new("RGB", (8, 8), "red"), "PNG"))


def test_beside_a_text_model_nothing_of_it_is_downloaded(store, embedder, publish, tmp_path):
    version = publish(tiny_model(tmp_path / "model"))
    store.delete(f"models/{version}/model.onnx")
    opened = embedder.open()
    assert (opened.model_version, opened.encode(red()).shape) == (version, (16,))
    assert embedder.open() is opened
    assert not (tmp_path / "cache").exists()


def test_the_towers_follow_the_pointer(embedder, publish, tmp_path):
    publish(tiny_model(tmp_path / "model"))
    embedder.open()
    version = publish(joint_model(tmp_path / "joint"))
    opened = embedder.open()
    assert opened.model_version == version
    np.testing.assert_allclose(opened.encode(red()), [1, 0, 0], atol=1e-6)


def test_without_a_model_pictures_wait(store, embedder, tmp_path):
    with pytest.raises(PictureError, match="no model is published yet"):
        embedder.open()
    with pytest.raises(PictureError, match="no picture model is configured"):
        CurrentEmbedder(store, tmp_path, None).open()
