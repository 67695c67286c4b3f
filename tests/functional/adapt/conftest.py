import pytest

from tests.sauces import tiny_model


@pytest.fixture
def tiny(tmp_path):
    return tiny_model(tmp_path / "tiny")
