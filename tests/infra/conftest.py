"""One synthesis of all environments for all tests in here."""

import pytest

from cdk.app import build, use_packaged_node
from tests.infra.templates import Assembly, load

# before any test module has jsii start another one
use_packaged_node()


@pytest.fixture(scope="session")
def assembly(tmp_path_factory) -> Assembly:
    """All templates of all environments; findings of cdk-nag are in its report."""
    folder = tmp_path_factory.mktemp("assembly")
    app = build(outdir=str(folder))
    try:
        app.synth()
    except RuntimeError as error:
        # templates and report are there: a test says what was found
        if "ValidationFailed" not in str(error):
            raise
    return load(folder)
