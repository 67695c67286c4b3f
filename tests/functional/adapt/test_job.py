"""Adapting a tiny model improves it for another meaning of words, or leaves it unchanged."""

import json

import numpy as np
import pytest

from sagemaker_jobs.adapt.config import AdaptConfig
from sagemaker_jobs.adapt.job import run
from sagemaker_jobs.evaluate.figures import log_losses
from shared.errors import ArtefactError, InvalidInputError
from shared.runtime.encoder import open_folder
from shared.schemas.sentiment import LABELS, sentiment_of_rating
from shared.storage.artefacts import publish, read_folder
from tests.fakes.objects import MemoryStore
from tests.sauces import HURTS, PLAIN, SOOTHES, sauces


def adapt(model, output, texts, stars, **more):
    return run(AdaptConfig(model_dir=model, output_dir=output, **more), texts, stars)


def accuracy(folder, texts, stars):
    predicted = open_folder(folder).encode(texts).probabilities.argmax(1)
    return np.mean(
        [LABELS[p] == sentiment_of_rating(s) for p, s in zip(predicted, stars, strict=True)]
    )


@pytest.fixture
def adapted(tiny, tmp_path):
    return adapt(tiny, tmp_path / "new", *sauces(120)), tmp_path / "new"


def test_unseen_reviews_are_classified_better_after_the_adaptation(tiny, adapted):
    report, folder = adapted
    texts, stars = sauces(200, seed=9)
    assert accuracy(tiny, texts, stars) < 0.2
    assert accuracy(folder, texts, stars) > 0.9
    assert report["after"]["accuracy"] > 0.9 > 0.2 > report["before"]["accuracy"]
    assert report["after"]["log_loss"] < report["before"]["log_loss"]
    assert report["change"]["accuracy"] > 5 * report["change"]["accuracy_standard_error"]


def test_embeddings_are_identical(tiny, adapted):
    texts, _ = sauces(50, seed=4)
    before, after = open_folder(tiny).encode(texts), open_folder(adapted[1]).encode(texts)
    assert before.embeddings.tobytes() == after.embeddings.tobytes()
    assert not np.array_equal(before.probabilities, after.probabilities)


def test_the_manifest_names_the_source_of_embeddings_and_the_fit(adapted):
    report, folder = adapted
    manifest = read_folder(folder, kind="model").manifest
    assert manifest.version == report["version"]
    assert manifest.version.startswith("tiny-1-0a1b2c3d-adapted-")
    assert manifest.version.endswith(manifest.files["model.onnx"].sha256[:8])
    assert manifest.parameters["embeddings_of"] == "tiny-1-0a1b2c3d"
    assert manifest.parameters["adapted_from"] == "tiny-1-0a1b2c3d"
    assert manifest.parameters["precision"] == "float32"
    assert (manifest.max_tokens, manifest.tail_tokens, manifest.dimension) == (32, 8, 16)
    assert set(manifest.metrics) == {"adaptation"}  # those of the base model do not apply
    assert manifest.metrics["adaptation"]["after"] == report["after"]
    json.dumps(report)
    publish(MemoryStore(), folder, manifest)


def test_adapting_again_still_names_the_original_embeddings(tiny, adapted, tmp_path):
    report, folder = adapted
    texts, stars = sauces(120, seed=2)
    back = adapt(folder, tmp_path / "back", texts, [6 - value for value in stars])
    manifest = read_folder(tmp_path / "back", kind="model").manifest
    assert manifest.parameters["embeddings_of"] == "tiny-1-0a1b2c3d"
    assert manifest.parameters["adapted_from"] == report["version"]
    assert back["version"].count("-adapted-") == 1
    assert accuracy(tmp_path / "back", texts, [6 - value for value in stars]) > 0.9
    assert (
        open_folder(tmp_path / "back").encode(texts).embeddings.tobytes()
        == open_folder(tiny).encode(texts).embeddings.tobytes()
    )


def test_the_same_reviews_result_in_the_same_version(tiny, adapted, tmp_path):
    assert adapt(tiny, tmp_path / "again", *sauces(120))["version"] == adapted[0]["version"]


def losses(folder, texts, stars):
    probabilities = open_folder(folder).encode(texts).probabilities.astype(np.float64)
    return log_losses(
        probabilities, np.array([LABELS.index(sentiment_of_rating(s)) for s in stars])
    )


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_written_for_a_calibrated_model(tiny, tmp_path, seed):
    """The stars are drawn from the model's probabilities."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice([*HURTS, *SOOTHES, *PLAIN], 5)) for _ in range(120)]
    probabilities = open_folder(tiny).encode(texts).probabilities.astype(np.float64)
    stars = [rng.choice([1.0, 3.0, 5.0], p=row / row.sum()) for row in probabilities]
    report = adapt(tiny, tmp_path / "new", texts, stars)
    assert (report["version"], report["strength"]) == (None, None)
    assert report["rows"] == 120
    assert list(tmp_path.iterdir()) == [tiny]


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_stars_do_not_make_the_model_significantly_worse(tiny, tmp_path, seed):
    """Measured on unseen reviews with shuffled stars."""
    rng = np.random.default_rng(seed)
    texts, stars = sauces(100, seed=20 + seed)
    report = adapt(tiny, tmp_path / "noise", texts, rng.permutation(stars).tolist())
    assert report["change"]["log_loss"] < 2 * report["change"]["log_loss_standard_error"]
    folder = tmp_path / "noise" if report["version"] else tiny
    texts, stars = sauces(300, seed=40 + seed)
    stars = rng.permutation(stars).tolist()
    worse = losses(folder, texts, stars) - losses(tiny, texts, stars)
    assert worse.mean() < 2 * worse.std() / np.sqrt(len(worse))


def test_an_empty_output_folder_is_accepted(tiny, tmp_path):
    (tmp_path / "new").mkdir()
    adapt(tiny, tmp_path / "new", *sauces(60))
    assert read_folder(tmp_path / "new", kind="model")


def test_a_folder_with_files_is_rejected_and_unchanged(tiny, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "notes.txt").write_text("mine")
    with pytest.raises(InvalidInputError, match="choose another output folder"):
        adapt(tiny, tmp_path / "new", *sauces(60))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["notes.txt"]


def test_too_few_reviews_are_rejected_with_their_number(tiny, tmp_path):
    with pytest.raises(InvalidInputError, match=r"at least 30 reviews .*, not 29"):
        adapt(tiny, tmp_path / "new", *sauces(29))


def test_reviews_of_one_class_are_rejected_with_its_name(tiny, tmp_path):
    texts, _ = sauces(40)
    with pytest.raises(InvalidInputError, match=r"all 40 reviews are positive .* at least two of"):
        adapt(tiny, tmp_path / "new", texts, [5.0] * 40)


def test_a_folder_without_a_model_is_rejected(tmp_path):
    (tmp_path / "void").mkdir()
    with pytest.raises(ArtefactError, match=r"void has no manifest\.json"):
        adapt(tmp_path / "void", tmp_path / "new", *sauces(40))


def test_a_corrupt_model_is_rejected(tiny, tmp_path):
    body = (tiny / "model.onnx").read_bytes()
    (tiny / "model.onnx").write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    with pytest.raises(ArtefactError, match="corrupt"):
        adapt(tiny, tmp_path / "new", *sauces(40))
    assert not (tmp_path / "new").exists()
