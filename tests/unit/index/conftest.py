import pytest

from tests.corpus import publish_manifest_only
from tests.fakes.objects import MemoryStore

DIMENSION = 16


@pytest.fixture
def store():
    """A bucket with a current model of 16 dimensions (its manifest is all that a build reads)."""
    made = MemoryStore()
    publish_manifest_only(made, "tiny-1", DIMENSION)
    return made
