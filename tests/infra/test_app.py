"""The application: which environments it writes, and that it needs nothing but pip."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdk.app import build
from cdk.environments import ENVIRONMENTS
from tests.infra.templates import Assembly

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).parents[2]


def test_one_environment_can_be_asked_for():
    app = build(context={"environment": "staging"})
    assert [child.node.id for child in app.node.children if child.node.id != "Tree"] == [
        "reviewlens-staging"
    ]


def test_an_environment_that_there_is_not_is_named():
    with pytest.raises(ValueError, match="environment is 'test', not one of dev, staging, prod"):
        build(context={"environment": "test"})


def test_it_is_written_where_no_node_is_installed(tmp_path):
    bare = {"PATH": "", "CDK_OUTDIR": str(tmp_path), "HOME": str(tmp_path)}
    keep = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    context = json.dumps({"environment": "dev"})
    done = subprocess.run(
        [sys.executable, "-m", "cdk.app"],
        cwd=ROOT,
        env={**bare, **keep, "CDK_CONTEXT_JSON": context},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Node" not in done.stderr
    assert list(tmp_path.glob("assembly-reviewlens-dev/*.template.json"))
    assert not (tmp_path / "assembly-reviewlens-prod").exists()


def test_the_command_line_is_pinned_to_one_that_reads_the_assembly(assembly: Assembly):
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert pinned == "2.1148.1"
    assert json.loads((ROOT / "cdk.json").read_text())["app"] == "python -m cdk.app"


def test_every_resource_that_can_be_tagged_says_its_environment(assembly: Assembly):
    for kind in ("AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::RDS::DBCluster"):
        for found in assembly.all(kind):
            tags = {tag["Key"]: tag["Value"] for tag in found.properties["Tags"]}
            assert tags["reviewlens:environment"] == found.stack.environment


def test_the_budget_is_that_of_the_environment_and_counts_its_own_resources(assembly: Assembly):
    for name, environment in ENVIRONMENTS.items():
        (budget,) = assembly.one(name, "foundation").all("AWS::Budgets::Budget")
        said = budget.properties["Budget"]
        assert said["BudgetLimit"] == {"Amount": environment.budget_usd, "Unit": "USD"}
        assert said["CostFilters"] == {"TagKeyValue": [f"user:reviewlens:environment${name}"]}
        subscribers = budget.properties["NotificationsWithSubscribers"]
        assert {n["Notification"]["NotificationType"] for n in subscribers} == {
            "ACTUAL",
            "FORECASTED",
        }


def test_the_address_of_alarms_is_read_at_deployment(assembly: Assembly):
    foundation = assembly.one("prod", "foundation")
    (subscription,) = foundation.all("AWS::SNS::Subscription")
    parameter = foundation.body["Parameters"][subscription.properties["Endpoint"]["Ref"]]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert parameter["Default"] == "/reviewlens/prod/alarm-email"
