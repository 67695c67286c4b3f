"""Pictures are prepared as the processor of the checkpoint does it, whatever their shape."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPImageProcessor, SiglipImageProcessor

from sagemaker_jobs.clip.checkpoint import Checkpoint
from sagemaker_jobs.clip.errors import CheckpointError
from sagemaker_jobs.clip.preparation import read_preparation
from shared.pictures.prepare import prepare

TOLERANCE = 1e-3
SIDES = st.one_of(st.integers(1, 12), st.integers(1, 500))
FILTERS = st.sampled_from(range(6))


def read(processor, folder, image_size=None):
    """The rules that are read from the saved processor; the towers read what it gives."""
    processor.save_pretrained(folder)
    crop = getattr(processor, "crop_size", None)
    size = crop if crop and processor.do_center_crop else processor.size
    side = image_size or size["height"]
    config = {"model_type": "clip", "vision_config": {"image_size": side}}
    return read_preparation(Checkpoint(folder, config, "tiny"))


def difference(processor, preparation, width, height):
    noise = np.random.default_rng(width * 1000 + height)
    pixels = noise.integers(0, 256, (height, width, 3), dtype=np.uint8)
    options = {"return_tensors": "np", "input_data_format": "channels_last"}
    expected = processor(pixels, **options)["pixel_values"][0]
    actual = prepare(pixels, preparation)
    assert (actual.shape, actual.dtype) == (expected.shape, np.float32)
    return np.abs(actual - expected).max()


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.integers(1, 80), st.integers(1, 60), FILTERS)
def test_clip_resizes_the_short_side_and_keeps_the_middle(
    tmp_path_factory, width, height, short, crop, resample
):
    processor = CLIPImageProcessor(size={"shortest_edge": short}, crop_size=crop, resample=resample)
    preparation = read(processor, tmp_path_factory.mktemp("clip"))
    assert difference(processor, preparation, width, height) < TOLERANCE


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, st.integers(1, 80), FILTERS)
def test_siglip_resizes_to_a_square(tmp_path_factory, width, height, side, resample):
    processor = SiglipImageProcessor(size={"height": side, "width": side}, resample=resample)
    preparation = read(processor, tmp_path_factory.mktemp("siglip"))
    assert difference(processor, preparation, width, height) < TOLERANCE


@pytest.mark.parametrize("resample", [1, 3])
@pytest.mark.parametrize("shape", [(1, 1024), (1024, 1), (3, 1000), (1000, 3)], ids=str)
def test_strips_that_grow_very_long_have_the_same_pixels(tmp_path, shape, resample):
    processor = CLIPImageProcessor(resample=resample)
    assert difference(processor, read(processor, tmp_path), *shape) < TOLERANCE


@pytest.mark.parametrize(
    "options",
    [
        {"do_rescale": False},
        {"do_normalize": False},
        {"do_resize": False},
        {"rescale_factor": 1 / 127.5, "image_mean": 1.0, "image_std": 1.0},
        {"size": {"height": 20, "width": 30}},
        {"size": {"height": 24, "width": 24}, "do_center_crop": False},
    ],
    ids="-".join,
)
def test_steps_that_are_switched_off_or_differ(tmp_path, options):
    processor = CLIPImageProcessor(**{"size": {"shortest_edge": 30}, "crop_size": 24, **options})
    preparation = read(processor, tmp_path)
    for shape in ((40, 30), (10, 50), (24, 24)):
        assert difference(processor, preparation, *shape) < TOLERANCE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"image_processor_type": "BlipImageProcessor"}, "allowed are CLIPImageProcessor"),
        (
            {"image_processor_type": "CLIPImageProcessor", "crop_size": 20},
            r"\(20, 20\) pixels \(height, width\), but the picture tower in config.json reads 30",
        ),
        ({"image_processor_type": "SiglipImageProcessor", "resample": 9}, "resample"),
        ({"image_processor_type": "SiglipImageProcessor", "size": {"longest_edge": 9}}, "size"),
    ],
    ids=["another", "another-size", "filter", "long-side"],
)
def test_other_processors_are_refused_with_the_reason(tmp_path, content, message):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(content))
    config = {"model_type": "clip", "vision_config": {"image_size": 30}}
    with pytest.raises(CheckpointError, match=message):
        read_preparation(Checkpoint(tmp_path, config, "tiny"))


@pytest.mark.parametrize("place", ["preprocessor_config.json", "processor_config.json"])
def test_files_of_older_and_newer_releases_are_read(tmp_path, place):
    rules = {"size": 30, "crop_size": 30, "resample": 3}
    if place == "processor_config.json":
        rules = {"image_processor": {**rules, "image_processor_type": "CLIPImageProcessorFast"}}
    (tmp_path / place).write_text(json.dumps(rules))
    config = {"model_type": "clip", "vision_config": {"image_size": 30}}
    preparation = read_preparation(Checkpoint(tmp_path, config, "tiny"))
    processor = CLIPImageProcessor(size=30, crop_size=30)
    assert difference(processor, preparation, 50, 40) < TOLERANCE
