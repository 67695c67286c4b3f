import pytest

from tests.models import model_folder, opened_model


@pytest.fixture(scope="session")
def folder():
    return model_folder()


@pytest.fixture(scope="session")
def encoder():
    return opened_model()
