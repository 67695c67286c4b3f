"""Features are computed once: an interrupted cache continues, a damaged picture is counted."""

import json
import random
import zipfile

import numpy as np
import pytest

from sagemaker_jobs.pictures import features
from sagemaker_jobs.pictures.config import FeaturesConfig
from sagemaker_jobs.pictures.features import load_features, run
from sagemaker_jobs.pictures.products import load_products, read_products
from tests.train import tiny_pictures


@pytest.fixture
def config(tmp_path):
    tiny_pictures.make_products(tmp_path / "data", 40)
    tiny_pictures.make_backbone(tmp_path / "tiny.safetensors")
    return FeaturesConfig(
        data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", output_dir=tmp_path / "features",
        backbone=str(tmp_path / "tiny.safetensors"), size=tiny_pictures.SIZE, stages=[0],
        batch_size=4, part_size=8, threads=1,
    )  # fmt: skip


def replace_pictures(folder, changes):
    """Rewrite images.zip with other bytes; None leaves a picture out."""
    with zipfile.ZipFile(folder / "images.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()} | changes
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)


def test_an_interrupted_cache_continues(config, tmp_path, monkeypatch):
    whole = config.model_copy(update={"cache_dir": tmp_path / "a", "output_dir": tmp_path / "b"})
    distinct = run(whole)["computed"]
    compute, calls = features.compute, []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return compute(*arguments, **options)

    monkeypatch.setattr(features, "compute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(config)
    assert not (config.output_dir / "features.json").exists()
    monkeypatch.setattr(features, "compute", compute)
    # five batches of 4 were computed, and two parts of 8 written
    assert run(config)["computed"] == distinct - 16
    np.testing.assert_array_equal(load_features(config.output_dir), load_features(whole.output_dir))
    assert run(config)["computed"] == 0


def test_a_damaged_part_is_computed_again(config):
    distinct = run(config)["computed"]
    before = load_features(config.output_dir)
    part = min(config.cache_dir.glob("*/part-*.safetensors"))
    part.write_bytes(part.read_bytes()[:-5])
    assert run(config)["computed"] == 8 < distinct
    np.testing.assert_array_equal(load_features(config.output_dir), before)


def test_other_settings_have_their_own_cache(config):
    distinct = run(config)["computed"]
    other = config.model_copy(update={"stages": [1]})
    assert run(other)["computed"] == distinct
    assert run(config)["computed"] == 0


def test_damaged_pictures_are_skipped_and_counted(config):
    good = tiny_pictures.draw("Balls", "Red", random.Random(1))
    changes = {"3.png": good[:90], "5.png": b"not a picture", "8.png": None}
    replace_pictures(config.data_dir, changes)
    record = run(config)
    assert record["products"] == 40
    assert record["skipped"] == {
        "picture_damaged": 1, "picture_missing": 1, "picture_type": 1,
    }  # fmt: skip
    kept = {product.product_id for product in load_products(config.output_dir / "products.parquet")}
    assert kept == {str(number) for number in range(40)} - {"3", "5", "8"}
    assert load_features(config.output_dir).shape == (37, 2, 1280 + 16)
    assert json.loads((config.output_dir / "features.json").read_text()) == record


def test_without_a_readable_picture_there_is_an_error(config):
    replace_pictures(config.data_dir, {f"{number}.png": b"" for number in range(40)})
    with pytest.raises(ValueError, match="none of its 40 pictures can be read"):
        run(config)


def test_a_product_without_a_title_is_left_out_and_counted(config, caplog):
    with (config.data_dir / "products.csv").open("a") as stream:
        stream.write("77,Men,Balls,Red,, ,77.png\n")
    products, incomplete = read_products(config.data_dir)
    assert (len(products), incomplete) == (40, 1)
    assert "products.csv, line 42: id, productDisplayName" in caplog.text


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"backbone": "resnet"}, "resnet is not a file; give one, or one of: efficientnet-lite0"),
        ({"stages": [9]}, "stages: the backbone has the blocks 0 to 1"),
    ],
)
def test_a_wrong_backbone_or_stage_is_named(config, update, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        run(config.model_copy(update=update))
