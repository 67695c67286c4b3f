"""The application: the environments that it synthesizes, and that it needs only pip."""

import json
import os
import subprocess
import sys

import pytest

from cdk.app import build
from cdk.environments import ENVIRONMENTS
from cdk.paths import ROOT
from tests.infra.templates import Assembly

pytestmark = pytest.mark.timeout(600)


def test_a_single_environment_can_be_selected():
    app = build(context={"environment": "staging"})
    assert [child.node.id for child in app.node.children if child.node.id != "Tree"] == [
        "reviewlens-staging"
    ]


def test_an_unknown_environment_is_an_error():
    with pytest.raises(ValueError, match="environment is 'test', not one of dev, staging, prod"):
        build(context={"environment": "test"})


def test_unknown_rules_are_an_error():
    with pytest.raises(ValueError, match="packs: 'SOC' is not one of AwsSolutions, HIPAASecurity"):
        build(context={"packs": "HIPAASecurity,SOC"})


def test_synthesis_needs_no_installed_node(tmp_path):
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


def test_the_pinned_command_line_can_read_the_assembly(assembly: Assembly):
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert pinned == "2.1148.1"
    assert json.loads((ROOT / "cdk.json").read_text())["app"] == ".venv/bin/python -m cdk.app"


def test_resources_have_the_tag_of_their_environment(assembly: Assembly):
    for kind in ("AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::RDS::DBCluster"):
        for resource in assembly.all(kind):
            tags = {tag["Key"]: tag["Value"] for tag in resource.properties["Tags"]}
            assert tags["reviewlens:environment"] == resource.stack.environment


def test_each_environment_has_a_budget_for_its_own_resources(assembly: Assembly):
    for name, environment in ENVIRONMENTS.items():
        (budget,) = assembly.one(name, "foundation").all("AWS::Budgets::Budget")
        properties = budget.properties["Budget"]
        assert properties["BudgetLimit"] == {"Amount": environment.budget_usd, "Unit": "USD"}
        assert properties["CostFilters"] == {"TagKeyValue": [f"user:reviewlens:environment${name}"]}
        subscribers = budget.properties["NotificationsWithSubscribers"]
        assert {n["Notification"]["NotificationType"] for n in subscribers} == {
            "ACTUAL",
            "FORECASTED",
        }


def test_the_alarm_address_is_read_at_deployment(assembly: Assembly):
    foundation = assembly.one("prod", "foundation")
    (subscription,) = foundation.all("AWS::SNS::Subscription")
    parameter = foundation.body["Parameters"][subscription.properties["Endpoint"]["Ref"]]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert parameter["Default"] == "/reviewlens/prod/alarm-email"
