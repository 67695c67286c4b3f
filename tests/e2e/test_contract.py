"""Every route accepts what docs/openapi.json says, refuses the rest, and answers as it says.

Requests are generated from it: valid ones, and ones with a flaw. ``make fuzz`` tries more.
"""

import json

import pytest
import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

from cdk.paths import ROOT
from tests.e2e.stack import temporary_stack
from tests.fuzzing import EXAMPLES, IS_LONG, SEED

pytestmark = [pytest.mark.slow, pytest.mark.fuzz, pytest.mark.timeout(3600)]
NOT_IN_A_SCHEMA = (
    "the cursor was not returned by this route",
    "from must not be after to",
    "date_from must not be after date_to",
    "from and to span more than 2000 intervals",
    "min_rating must not be above max_rating",
    "source must be s3 or s3://reviewlens-raw",
    "set the prefix in source or in prefix, not in both",
    "unknown encoder",
    "must be at most",
)
"""Messages of rules that a JSON Schema cannot state: between fields, or about what is stored."""
CONFIG = schemathesis.Config.from_dict(
    {
        "seed": SEED,
        "generation": {"max-examples": EXAMPLES, "database": "none"},
        # by default 413 is none: a generated body may be larger than the service reads
        "checks": {"negative_data_rejection": {"expected-statuses": ["4xx", 503]}},
        "operations": [
            # all limits of a body at once are many values, and take minutes to enumerate
            {"include-method": "POST", "phases": {"coverage": {"enabled": False}}},
            {  # 503: no training environment here
                "include-name": "POST /train",
                "checks": {"not_a_server_error": {"expected-statuses": ["2xx", "4xx", 503]}},
            },
        ],
    }
)
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
if not IS_LONG:  # bodies take the generator seconds each; test_hostile_requests.py has written ones
    DOCUMENT["paths"] = {
        path: operations
        for path, operations in DOCUMENT["paths"].items()
        if operations.keys() <= {"get", "delete"}
    }
contract = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)


@pytest.fixture(scope="module")
def url():
    """The address of a stack of its own: valid requests start index builds and the like."""
    with temporary_stack(REVIEWLENS_TRAIN_PYTHON="/nonexistent") as stack:
        yield stack.start().running.gateway_url


@contract.parametrize()
def test_the_service_keeps_its_contract(case, url):
    response = case.call(base_url=url)
    case.validate_response(response, excluded_checks=[positive_data_acceptance] * excused(response))


def excused(response):
    """Whether a request was refused for a reason that its schema cannot state."""
    if response.status_code != 422:
        return False
    problem = response.json()
    is_about_content = problem["code"] != "invalid_input"  # the dump of a preview
    return is_about_content or any(rule in problem["detail"] for rule in NOT_IN_A_SCHEMA)
