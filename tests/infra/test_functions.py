"""Every function: its environment, its role, its queue, and what it can reach."""

import importlib
import os
from typing import Any

import pytest

from cdk.environments import ENVIRONMENTS
from shared.settings.base import ServiceSettings
from tests.infra.templates import Assembly, Resource, as_list

pytestmark = pytest.mark.timeout(600)

OWN_WAY = {"ec2", "logs", "xray"}
"""Lambda itself calls these for a function, from outside of the VPC."""
ON_BEHALF = {"kms"}
"""S3 and Secrets Manager call it for whoever calls them."""
NO_CALL = {"rds-db"}
"""A token is signed in the process."""
HANDED_ON = {"iam:PassRole"}
"""Looked at by the service that the role is handed to."""
DOORS = {
    "secretsmanager": "secretsmanager",
    "sqs": "sqs",
    "sagemaker": "sagemaker.api",
    "states": "states",
    "ssm": "ssm",
}


def _ours(assembly: Assembly) -> list[tuple[Resource, str]]:
    """The functions that run code of ours, and the name of the package that they run."""
    found = []
    for function in assembly.all("AWS::Lambda::Function"):
        said = function.properties
        entry = said.get("Handler") or said.get("ImageConfig", {}).get("Command", [""])[0]
        if entry.startswith("lambdas."):
            found.append((function, entry.split(".")[1]))
    assert found
    return found


def _settings_of(package: str) -> type[ServiceSettings]:
    module = importlib.import_module(f"lambdas.{package}.settings")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ServiceSettings)
        and value.__module__ == module.__name__
    )
    return found


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else "known-once-deployed"


def test_every_function_finds_all_its_settings(assembly: Assembly, monkeypatch):
    for name in [name for name in os.environ if name.startswith("REVIEWLENS_")]:
        monkeypatch.delenv(name)
    for function, package in _ours(assembly):
        settings = _settings_of(package)
        variables = function.properties["Environment"]["Variables"]
        known = {f"REVIEWLENS_{field}".upper() for field in settings.model_fields}
        ours = {name for name in variables if name.startswith("REVIEWLENS_")}
        assert ours <= known, f"{function}: {sorted(ours - known)}"
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, _plain(value))
            read = settings()
        assert read.environment == function.stack.environment
        assert read.environment in ENVIRONMENTS


def test_every_function_is_traced_and_has_a_log_group_of_its_own(assembly: Assembly):
    groups = []
    for function, _ in _ours(assembly):
        assert function.properties["TracingConfig"] == {"Mode": "Active"}, str(function)
        group = function.properties["LoggingConfig"]["LogGroup"]
        groups.append(assembly.target(function.stack, group))
        assert function.properties["Architectures"] == ["x86_64"], str(function)
    assert len(set(groups)) == len(groups)


def test_functions_in_the_network_have_doors_to_what_their_roles_may_call(assembly: Assembly):
    inside = [found for found, _ in _ours(assembly) if "VpcConfig" in found.properties]
    assert inside
    for function in inside:
        network = assembly.one(function.stack.environment, "network")
        doors = {
            "".join(map(str, _flat(endpoint.properties["ServiceName"])))
            for endpoint in network.all("AWS::EC2::VPCEndpoint")
        }
        for service in _services(assembly, function) - OWN_WAY - ON_BEHALF - NO_CALL:
            wanted = DOORS.get(service, service)
            assert any(door.endswith(f".{wanted}") for door in doors), f"{function}: {service}"


def _flat(value: Any) -> list[Any]:
    return value["Fn::Join"][1] if isinstance(value, dict) and "Fn::Join" in value else [value]


def _services(assembly: Assembly, function: Resource) -> set[str]:
    role = assembly.target(function.stack, function.properties["Role"])
    return {
        action.split(":")[0]
        for policy in assembly.all("AWS::IAM::Policy")
        if any(assembly.target(policy.stack, r) == role for r in policy.properties["Roles"])
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        if action not in HANDED_ON
    }


def test_what_a_queue_hands_out_stays_hidden_six_times_as_long_as_the_work_may_take(
    assembly: Assembly,
):
    sources = assembly.all("AWS::Lambda::EventSourceMapping")
    assert sources
    for source in sources:
        function = assembly.resource(source.stack, source.properties["FunctionName"])
        queue = assembly.resource(source.stack, source.properties["EventSourceArn"])
        work = function.properties["Timeout"]
        assert queue.properties["VisibilityTimeout"] >= 6 * work, str(source)
        assert work <= 900, str(source)


def test_only_the_failed_messages_of_a_batch_come_again(assembly: Assembly):
    for source in assembly.all("AWS::Lambda::EventSourceMapping"):
        assert source.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"], str(
            source
        )


def test_no_queue_asks_for_more_than_its_function_has_reserved(assembly: Assembly):
    for source in assembly.all("AWS::Lambda::EventSourceMapping"):
        function = assembly.resource(source.stack, source.properties["FunctionName"])
        most = source.properties["ScalingConfig"]["MaximumConcurrency"]
        assert 2 <= most <= function.properties["ReservedConcurrentExecutions"], str(source)


def test_functions_get_no_policy_that_aws_wrote(assembly: Assembly):
    for function, _ in _ours(assembly):
        role = assembly.resource(function.stack, function.properties["Role"])
        assert "ManagedPolicyArns" not in role.properties, str(role)


def test_functions_fit_an_account_that_asked_for_nothing(assembly: Assembly):
    for function, _ in _ours(assembly):
        assert function.properties.get("MemorySize", 128) <= 3008, str(function)
