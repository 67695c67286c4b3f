"""A model with a joint space: vectors of its towers, sentiments of its encoder."""

import shutil

import numpy as np
import pytest
from PIL import Image

from sagemaker_jobs.adapt.config import AdaptConfig
from sagemaker_jobs.adapt.job import run as adapt
from sagemaker_jobs.evaluate.model import ScoredModel
from shared.errors import ArtefactError, InvalidInputError, PictureError
from shared.pictures.decode import decode
from shared.runtime.encoder import BATCH_SIZE, open_folder
from shared.runtime.picture_tower import CurrentPictureTower
from tests.joint import COLOURS, LENGTH, joint_model
from tests.pictures import saved
from tests.sauces import sauces, tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return joint_model(tmp_path_factory.mktemp("models") / "tiny-joint-1")


@pytest.fixture(scope="module")
def encoder(folder):
    return open_folder(folder)


def picture(colour, size=(30, 20)):
    return decode(saved(Image.new("RGB", size, colour), "PNG"))


def test_texts_have_the_vectors_of_the_tower_and_the_sentiments_of_the_encoder(
    encoder, tmp_path_factory
):
    texts = ["a red sauce that burns", "blue", "", "Lime again"] * BATCH_SIZE
    plain = open_folder(tiny_model(tmp_path_factory.mktemp("plain") / "model")).encode(texts)
    encoded = encoder.encode(texts)
    assert encoded.embeddings.shape == (len(texts), 3)
    assert encoded.embeddings[:4].argmax(axis=1).tolist()[0:2] == [0, 2]
    np.testing.assert_allclose(np.linalg.norm(encoded.embeddings, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(encoded.probabilities, plain.probabilities)


def test_a_vector_does_not_depend_on_the_other_texts(encoder):
    texts = ["red", "blue " * 3, "lime and red", "nothing"] * 5
    together = encoder.encode(texts).embeddings
    alone = [encoder.encode([text]).embeddings[0] for text in texts]
    assert np.array_equal(together, np.stack(alone))


def test_a_text_that_the_tower_shortens_is_reported(encoder):
    assert encoder.encode(["red " * LENGTH, "red " * (LENGTH + 1)]).truncated == [False, True]


@pytest.mark.parametrize("colour", COLOURS)
def test_a_picture_is_nearest_to_its_colour(encoder, folder, colour):
    tower = CurrentPictureTower().of(folder, encoder.manifest.joint)
    vectors = encoder.encode(list(COLOURS)).embeddings
    nearest = (vectors @ tower.encode(picture(COLOURS[colour]))).argmax()
    assert list(COLOURS)[nearest] == colour


def test_the_tower_of_another_version_is_opened_when_the_model_changes(folder, tmp_path):
    other, towers = joint_model(tmp_path / "tiny-joint-2", "tiny-joint-2"), CurrentPictureTower()
    joint = open_folder(other).manifest.joint
    first = towers.of(folder, joint)
    assert towers.of(folder, joint) is first
    assert towers.of(other, joint) is not first


def test_a_tower_that_cannot_be_opened_is_a_problem_of_the_picture(encoder, tmp_path):
    with pytest.raises(PictureError, match="the picture tower of gone cannot be opened"):
        CurrentPictureTower().of(tmp_path / "gone", encoder.manifest.joint)


def test_a_folder_without_its_text_tower_is_refused(tmp_path):
    folder = joint_model(tmp_path / "model")
    (folder / "text.onnx").unlink()
    with pytest.raises(ArtefactError, match=r"text\.onnx of tiny-joint-1 is missing"):
        open_folder(folder)


def test_it_is_neither_adapted_nor_evaluated_but_the_model_of_its_sentiments(folder, tmp_path):
    config = AdaptConfig(model_dir=folder, output_dir=tmp_path / "adapted")
    with pytest.raises(InvalidInputError, match="adapt that, and import tiny again"):
        adapt(config, *sauces(40))
    with pytest.raises(ValueError, match="are those of tiny-1-0a1b2c3d: evaluate that"):
        ScoredModel(folder)


def test_a_tower_that_cannot_be_opened_is_tried_again_after_a_minute(encoder, folder, tmp_path):
    towers, joint, late = CurrentPictureTower(), encoder.manifest.joint, tmp_path / "late"
    with pytest.raises(PictureError):
        towers.of(late, joint)
    shutil.copytree(folder, late)
    with pytest.raises(PictureError, match="of late cannot be opened"):
        towers.of(late, joint)
    assert towers.of(folder, joint) is not None  # another version need not wait
