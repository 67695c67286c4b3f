"""The flow that reads huge dumps in ranges: its definition and its permissions."""

import json

import pytest

from cdk.environments import ENVIRONMENTS
from cdk.stacks.collection import FLOW
from shared.errors import ConflictError, UnavailableError
from shared.storage import layout
from tests.infra.templates import Assembly, Statement, as_list, statements

pytestmark = pytest.mark.timeout(600)


def grants(assembly: Assembly, role: str, action: str) -> list[Statement]:
    """Statements that allow an action in the policies of a role of production's collection."""
    return [
        statement
        for statement in statements(assembly)
        if statement.resource.stack.name == "reviewlens-prod-collection"
        and statement.resource.name.startswith(role)
        and action in statement.actions
    ]


def resources(found: list[Statement]) -> str:
    return json.dumps([as_list(statement.body["Resource"]) for statement in found])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_deployed_flow_is_the_tested_one_with_as_many_workers_as_the_queue(
    assembly: Assembly, environment
):
    (machine,) = assembly.one(environment, "collection").all("AWS::StepFunctions::StateMachine")
    deployed = json.loads(machine.properties["DefinitionString"])
    workers = deployed["States"]["ReadRanges"].pop("MaxConcurrency")
    tested = json.loads(FLOW.read_text())
    tested["States"]["ReadRanges"].pop("MaxConcurrency")
    assert deployed == tested
    assert workers == ENVIRONMENTS[environment].collection_workers
    assert machine.properties["LoggingConfiguration"]["Level"] == "ALL"
    # input and output of states quote the header of the dump
    assert machine.properties["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine.properties["TracingConfiguration"] == {"Enabled": True}


def test_every_step_is_repeated_after_an_error_that_passes():
    """Step Functions compares names, and knows nothing of base classes."""
    steps = json.loads(FLOW.read_text())["States"]
    steps |= steps["ReadRanges"]["ItemProcessor"]["States"]
    passing = {UnavailableError, *UnavailableError.__subclasses__(), ConflictError}
    for step in (each for each in steps.values() if each["Type"] == "Task"):
        repeated = {name for retry in step["Retry"] for name in retry["ErrorEquals"]}
        assert {each.__name__ for each in passing} <= repeated
    assert not any(each.__subclasses__() for each in passing - {UnavailableError})


def test_ranges_leave_concurrency_for_messages(assembly: Assembly):
    (function,) = (
        each
        for each in assembly.one("prod", "collection").all("AWS::Lambda::Function")
        if each.name.startswith("CollectionFunction")
    )
    prod = ENVIRONMENTS["prod"]
    reserved = function.properties["ReservedConcurrentExecutions"]
    assert reserved == 2 * prod.collection_workers + prod.spare_concurrency


def test_the_flow_calls_its_function_and_runs_its_own_items(assembly: Assembly):
    (invoke,) = grants(assembly, "FlowRole", "lambda:InvokeFunction")
    (function,) = as_list(invoke.body["Resource"])
    assert function["Fn::GetAtt"][0].startswith("CollectionFunction")
    start = resources(grants(assembly, "FlowRole", "states:StartExecution"))
    assert ":stateMachine:reviewlens-prod-collection" in start
    assert "*" not in start
    for action in ("states:DescribeExecution", "states:StopExecution"):
        items = resources(grants(assembly, "FlowRole", action))
        assert items.count("*") == 1
        assert ":execution:reviewlens-prod-collection/ranges:*" in items


def test_the_flow_reads_plans_and_writes_results(assembly: Assembly):
    read = resources(grants(assembly, "FlowRole", "s3:GetObject"))
    write = resources(grants(assembly, "FlowRole", "s3:PutObject"))
    assert (read.count("*"), write.count("*")) == (2, 1)
    assert "/plans/*" in read
    assert "/plan-results/*" in read
    assert "/plan-results/*" in write
    prefix = json.loads(FLOW.read_text())["States"]["ReadRanges"]["ResultWriter"]["Parameters"]
    assert prefix == {"Bucket": "${CleanBucket}", "Prefix": "plan-results"}
    assert layout.PLANS == "plans/"


def test_only_the_function_that_collects_starts_the_flow(assembly: Assembly):
    starters = {
        (statement.resource.stack.name, statement.resource.name.partition("Role")[0])
        for statement in statements(assembly)
        if "states:StartExecution" in statement.actions
        and ":stateMachine:reviewlens-prod-collection" in resources([statement])
    }
    assert starters == {
        ("reviewlens-prod-collection", "Collection"),
        ("reviewlens-prod-collection", "Flow"),
    }


def test_plans_and_results_of_a_flow_expire_after_a_month(assembly: Assembly):
    buckets = assembly.one("prod", "storage").all("AWS::S3::Bucket")
    (clean,) = (bucket for bucket in buckets if bucket.name.startswith("Clean"))
    rules = clean.properties["LifecycleConfiguration"]["Rules"]
    days = {r["Prefix"]: r["ExpirationInDays"] for r in rules if "ExpirationInDays" in r}
    assert days == {"plans/": 30, "plan-results/": 30}
