from functools import partial

import pytest

from tests.models import stub_model


@pytest.fixture
def model(tmp_path):
    """Makes a model folder; the content follows the version."""
    return partial(stub_model, tmp_path)
