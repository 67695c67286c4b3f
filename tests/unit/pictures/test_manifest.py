"""Vectors of pictures are compared only with texts of the encoder that the tower learned from."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from shared.schemas.manifest import FileEntry, Manifest
from shared.schemas.picture_manifest import PictureManifest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRAPH = {"model.onnx": FileEntry(sha256="a" * 64, bytes=1)}
TOWER = PictureManifest(
    version="pictures-1", created_at=NOW, files=GRAPH, dimension=384, size=160, text_model="base"
)


def text_model(cosine=0.99, base="base", version="reviews-1", dimension=384, **fields):
    parameters = {
        "base_cosine": cosine,
        "training": {"parameters": {"model_name": base}},
    }
    return Manifest(
        kind="model", version=version, created_at=NOW, files={}, dimension=dimension,
        parameters=parameters, **fields,
    )  # fmt: skip


def test_a_text_model_near_the_same_base_fits():
    assert TOWER.fits(text_model())
    assert TOWER.fits(text_model(base="another", cosine=None, version="base"))


@pytest.mark.parametrize(
    "other",
    [
        {"base": "another"},
        {"cosine": 0.9},
        {"cosine": None},
        {"cosine": "0.99"},
        {"dimension": 768},
        {"embeds": False},
    ],
    ids="-".join,
)
def test_any_other_text_model_does_not(other):
    assert not TOWER.fits(text_model(**other))


def test_a_model_with_its_own_picture_tower_does_not():
    joint = {
        "source": "clip", "sentiment": "reviews-1",
        "picture": {
            "size": (224, 224), "resample": 3, "scale": 1 / 255, "mean": (0.5,) * 3,
            "deviation": (0.5,) * 3,
        },
    }  # fmt: skip
    assert not TOWER.fits(text_model(joint=joint))


def test_a_manifest_without_its_training_does_not():
    manifest = text_model().model_copy(update={"parameters": {"base_cosine": 0.99}})
    assert not TOWER.fits(manifest)


def test_a_manifest_without_a_graph_is_refused():
    with pytest.raises(ValidationError, match=r"files must name model\.onnx"):
        PictureManifest.model_validate({**TOWER.model_dump(), "files": {}})
