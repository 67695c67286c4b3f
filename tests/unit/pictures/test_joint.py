"""How pictures are prepared for a tower, in the manifest of a model."""

from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

from shared.pictures.prepare import prepare
from shared.schemas.formats import FormatError
from shared.schemas.joint import JointSpace, Preparation
from shared.schemas.manifest import Manifest
from shared.storage.artefacts import parse_manifest

FIELDS = {
    "shortest_side": 4, "crop": (2, 2), "resample": 3, "scale": 1 / 255, "mean": (0.0,) * 3,
    "deviation": (1.0,) * 3,
}  # fmt: skip


def manifest(**fields):
    created = datetime(2026, 1, 1, tzinfo=UTC)
    return Manifest(kind="model", version="m1", created_at=created, files={}, dimension=2, **fields)


def test_the_middle_is_kept_and_normalised():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 4:] = (255, 0, 51)
    values = prepare(pixels, Preparation(**FIELDS | {"mean": (0.5,) * 3, "deviation": (0.5,) * 3}))
    np.testing.assert_allclose(values[:, 0, 0], -1, atol=1e-6)
    np.testing.assert_allclose(values[:, 0, 1], (1, -1, -0.6), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": (4, 4)}, "set shortest_side or size, not both"),
        ({"crop": None}, "set crop or size"),
        ({"deviation": (1.0, 0.0, 1.0)}, "deviation must be greater than 0"),
        ({"resample": 6}, "resample"),
        ({"shortest_side": 100_000}, "shortest_side"),
        ({"mean": (0.0,)}, "mean"),
    ],
    ids="-".join,
)
def test_rules_that_contradict_one_another_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        Preparation(**FIELDS | change)


def test_a_model_without_a_joint_space_is_written_as_before():
    assert not {"joint", "format"} & set(manifest().model_dump(mode="json"))


def test_a_release_that_does_not_know_joint_spaces_refuses_the_model_by_its_format():
    joint = JointSpace(source="clip", sentiment="m0", picture=Preparation(**FIELDS))
    written = manifest(joint=joint, format=2)
    body = written.model_dump_json().encode()
    assert parse_manifest(body) == written
    with pytest.raises(FormatError, match="model versions 1 and 2"):
        parse_manifest(body.replace(b'"format":2', b'"format":3'))
