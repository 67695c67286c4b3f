"""A picture tower learns to find generated pictures by their titles and types."""

import json

import numpy as np
import onnxruntime as ort
import pytest

from sagemaker_jobs.export.parity import ParityError
from sagemaker_jobs.pictures.__main__ import main
from sagemaker_jobs.pictures.config import MAX_GRAPH_BYTES
from sagemaker_jobs.pictures.learner import Learner
from sagemaker_jobs.pictures.projection import load_projection
from sagemaker_jobs.train.checkpoint import CheckpointError
from shared.schemas.picture_manifest import PictureManifest
from tests.train import tiny_pictures


def step(name, **options):
    arguments = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
    assert main([name, *arguments]) == 0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with products, backbone, text model, features and captions."""
    root = tmp_path_factory.mktemp("pictures")
    tiny_pictures.make_products(root / "data")
    tiny_pictures.make_backbone(root / "tiny.safetensors")
    tiny_pictures.make_text_model(root / "text")
    step(
        "features", data_dir=root / "data", cache_dir=root / "cache", output_dir=root / "features",
        backbone=root / "tiny.safetensors", size=tiny_pictures.SIZE, stages="[0]", threads=1,
    )  # fmt: skip
    step(
        "captions", features_dir=root / "features", text_model=root / "text",
        output_dir=root / "captions",
    )  # fmt: skip
    return root


def learn(root, output, **options):
    step(
        "learn", **{
            "features_dir": root / "features", "captions_dir": root / "captions",
            "output_dir": output, "hidden": 32, "epochs": 12, "batch_size": 64, "patience": 0,
            "checkpoint_epochs": 1, "threads": 1, "average": 0.5, **options,
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def learned(made):
    learn(made, made / "learned")
    return made / "learned"


def export(root, output, **options):
    step(
        "export", **{
            "data_dir": root / "data", "features_dir": root / "features",
            "learned_dir": root / "learned", "output_dir": output,
            "parity_pictures": 30, **options,
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def served(made, learned):
    export(made, made / "served")
    return made / "served"


def test_the_tower_finds_pictures_that_training_never_saw(made, served):
    output = made / "evaluation" / "evaluation.json"
    step(
        "evaluate", data_dir=made / "data", features_dir=made / "features", model_dir=served,
        text_model=made / "text", output=output, resamples=200,
    )  # fmt: skip
    result = json.loads(output.read_text())
    figures, chance = result["figures"], result["references"]
    assert figures["zero_shot_type"]["value"] >= 0.8
    assert figures["linear_probe_type"]["value"] >= 0.8
    assert figures["title_to_picture@10"]["value"] >= 0.8 > 2 * chance["chance@10"]
    assert figures["picture_to_title@10"]["value"] >= 0.8
    for figure in figures.values():
        low, high = figure["interval"]
        assert low <= figure["value"] <= high
    assert "title to picture, recall@10" in output.with_suffix(".md").read_text()


def test_the_graph_answers_for_any_number_of_pictures_in_uint8(served):
    manifest = PictureManifest.model_validate_json((served / "manifest.json").read_bytes())
    assert manifest.files["model.onnx"].bytes <= MAX_GRAPH_BYTES
    session = ort.InferenceSession(served / "model.onnx", providers=["CPUExecutionProvider"])
    size = manifest.size
    pixels = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), np.uint8)
    (together,) = session.run(["embedding"], {"pixels": pixels})
    assert together.shape == (3, manifest.dimension)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = [session.run(["embedding"], {"pixels": each[None]})[0][0] for each in pixels]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_manifest_says_how_near_int8_is_to_float32(served):
    parameters = json.loads((served / "manifest.json").read_text())["parameters"]
    assert parameters["float32_parity"] <= 1e-4
    assert parameters["int8_parity"]["mean_cosine"] >= 0.99
    assert parameters["learned"]["text_model"] == "words-1"


def test_a_graph_that_is_not_near_float32_is_rejected(made, learned, tmp_path):
    with pytest.raises(ParityError, match="mean cosine"):
        export(made, tmp_path, min_cosine=1.0)
    assert not (tmp_path / "manifest.json").exists()


def test_the_tower_of_another_text_model_is_rejected(made, served, tmp_path):
    tiny_pictures.make_text_model(tmp_path / "text")
    manifest = tmp_path / "text" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("words-1", "words-2"))
    with pytest.raises(ValueError, match="it is words-2, but the tower was made for words-1"):
        step(
            "evaluate", data_dir=made / "data", features_dir=made / "features", model_dir=served,
            text_model=tmp_path / "text", output=tmp_path / "evaluation.json",
        )  # fmt: skip


def test_learning_is_better_than_the_ridge_regression_it_starts_from(learned):
    record = json.loads((learned / "learn.json").read_text())
    assert record["validation"]["score"] >= record["ridge"]["score"]
    assert len(record["history"]) == 13


def test_an_interrupted_learning_continues_to_the_same_result(made, learned, tmp_path, monkeypatch):
    whole_epoch = Learner.run_epoch

    def interrupted(self):
        if self.epoch == 5:
            raise KeyboardInterrupt
        whole_epoch(self)

    monkeypatch.setattr(Learner, "run_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(made, tmp_path)
    assert not (tmp_path / "learn.json").exists()
    epochs = []

    def counted(self):
        epochs.append(self.epoch)
        whole_epoch(self)

    monkeypatch.setattr(Learner, "run_epoch", counted)
    learn(made, tmp_path)
    assert epochs == list(range(5, 12))
    for name in ("projection.safetensors", "learn.json"):
        assert (tmp_path / name).read_bytes() == (learned / name).read_bytes()


def test_the_weights_that_are_kept_are_a_running_mean(made, tmp_path, monkeypatch):
    take, seen, last, expected = Learner._take_into_mean, [], None, None

    def recorded(self, number):
        nonlocal last, expected
        last, mean = (each.up.weight.detach().clone() for each in (self.projection, self._mean))
        kept = min(0.3, (1 + number) / (10 + number))
        expected = kept * (mean if expected is None else expected) + (1 - kept) * last
        take(self, number)
        seen.append(self)

    monkeypatch.setattr(Learner, "_take_into_mean", recorded)
    learn(made, tmp_path, epochs=6, average=0.3)
    assert len(seen) > 4
    np.testing.assert_allclose(seen[-1]._mean.up.weight, expected, atol=1e-6)
    saved = load_projection(tmp_path).up.weight.detach()
    np.testing.assert_allclose(saved, expected, atol=1e-6)
    assert (saved - last).abs().max() > 1e-6


def test_a_checkpoint_of_other_parameters_is_rejected(made, tmp_path, monkeypatch):
    whole_epoch = Learner.run_epoch

    def interrupted(self):
        if self.epoch == 2:
            raise KeyboardInterrupt
        whole_epoch(self)

    monkeypatch.setattr(Learner, "run_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(made, tmp_path)
    with pytest.raises(CheckpointError, match=r"learning_rate was 0\.001, is 0\.002"):
        learn(made, tmp_path, learning_rate=0.002)


def test_texts_of_other_products_are_rejected(made, tmp_path):
    (tmp_path / "captions.json").write_text(json.dumps({"products_sha256": "0" * 64}))
    with pytest.raises(ValueError, match="its texts are those of other products"):
        learn(made, tmp_path / "out", captions_dir=tmp_path)
