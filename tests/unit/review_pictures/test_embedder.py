"""The worker of pictures opens what gives pictures vectors, and no text model and no index."""

import numpy as np
import pytest
from PIL import Image

from lambdas.review_pictures.embedder import CurrentEmbedder
from shared.errors import ArtefactError, PictureError
from shared.pictures.decode import decode
from shared.runtime.picture_tower import CurrentPictureTower
from shared.runtime.pictures import PictureModel
from shared.schemas.fusion import HEAD_FILE
from shared.serving.opinions import agreed
from shared.serving.query_pictures import Pictures
from shared.storage import artefacts, registry
from tests.fakes.objects import MemoryStore
from tests.fused import STRENGTH, add_head
from tests.joint import joint_model
from tests.pictures import saved
from tests.sauces import tiny_model, tiny_picture_model


@pytest.fixture
def store():
    return MemoryStore("artefacts")


@pytest.fixture
def tower(tmp_path):
    return PictureModel(tiny_picture_model(tmp_path / "tower"))


@pytest.fixture
def embedder(store, tower, tmp_path):
    return CurrentEmbedder(store, tmp_path / "cache", Pictures(None, tower, CurrentPictureTower()))


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
    assert opened.opinions is None
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


def test_a_fused_model_says_what_its_pictures_show_and_only_its_head_is_read(
    store, embedder, publish, tower, tmp_path
):
    version = publish(add_head(tiny_model(tmp_path / "model"), picture_sha256=tower.sha256))
    for name in ("model.onnx", "tokenizer.json"):
        store.delete(f"models/{version}/{name}")
    opened = embedder.open()
    directions = STRENGTH * np.eye(16, dtype=np.float32)[:3]
    assert opened.opinions(directions) == ["negative", "positive", None]
    unsure = np.zeros((2, 16), np.float32)
    assert opened.opinions(unsure) == [None, None]
    assert not (tmp_path / "cache").exists()


def test_a_head_of_another_tower_says_nothing(embedder, publish, tmp_path):
    publish(add_head(tiny_model(tmp_path / "model"), picture_sha256="a" * 64))
    assert embedder.open().opinions is None


@pytest.mark.parametrize("body", [b"", b"damaged"])
def test_a_damaged_head_stops_the_worker(store, embedder, publish, tower, tmp_path, body):
    version = publish(add_head(tiny_model(tmp_path / "model"), picture_sha256=tower.sha256))
    store.put(f"models/{version}/{HEAD_FILE}", body)
    with pytest.raises(ArtefactError, match=f"{HEAD_FILE} of {version} is corrupt"):
        embedder.open()


def test_pictures_that_contradict_each_other_say_nothing():
    said = [("a", "negative"), ("b", None), ("a", "positive"), ("c", "positive"), ("c", None),
            ("d", "negative"), ("d", "negative")]  # fmt: skip
    assert agreed(said) == {"c": "positive", "d": "negative"}
    assert agreed([]) == {}
