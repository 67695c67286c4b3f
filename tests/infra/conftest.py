"""One synthesis of all environments for all tests in this folder."""

import pytest

from cdk.app import build, use_packaged_node
from cdk.environments import ENVIRONMENTS
from tests.infra.templates import Assembly, Template, load

# jsii starts Node at the first import of aws_cdk, so this must come before the test modules
use_packaged_node()


@pytest.fixture(scope="session")
def assembly(tmp_path_factory) -> Assembly:
    """All templates of all environments; findings of cdk-nag are in its report."""
    folder = tmp_path_factory.mktemp("assembly")
    app = build(outdir=str(folder))
    try:
        app.synth()
    except RuntimeError as error:
        # templates and report exist, and a test shows the findings
        if "ValidationFailed" not in str(error):
            raise
    return load(folder)


@pytest.fixture(params=sorted(ENVIRONMENTS))
def api(request, assembly: Assembly) -> Template:
    """The template of the API, for each environment."""
    return assembly.one(request.param, "api")
