"""The tiny model of the sauces."""

import pytest

from shared.runtime.encoder import open_folder
from shared.serving.snapshots import Snapshot
from tests.sauces import tiny_model


@pytest.fixture
def snapshot(tmp_path):
    def make(tokens="vectors", **parameters):
        folder = tiny_model(tmp_path / "model", tokens=tokens, **parameters)
        return Snapshot(open_folder(folder), None)

    return make
