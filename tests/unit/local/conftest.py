from functools import partial

import pytest

from tests.models import stub_model


@pytest.fixture
def model(tmp_path):
    """Creates a model folder; its content depends on the version."""
    return partial(stub_model, tmp_path)
