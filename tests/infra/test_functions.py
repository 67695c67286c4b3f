"""Every function: its environment, its role, its queue, and its network access."""

import importlib
import os
from typing import Any

import pytest

from cdk.environments import ENVIRONMENTS
from shared.settings.base import ServiceSettings
from tests.infra.templates import Assembly, Resource, as_list

pytestmark = pytest.mark.timeout(600)

CALLED_BY_LAMBDA = {"ec2", "logs", "xray"}
"""Services that Lambda itself calls for a function, from outside the VPC."""
CALLED_BY_OTHER_SERVICES = {"kms"}
"""Services that S3 and Secrets Manager call for their callers."""
SIGNED_LOCALLY = {"rds-db"}
"""Services whose tokens are signed in the process."""
CHECKED_BY_OTHER_SERVICES = {"iam:PassRole"}
"""Actions that the service checks which receives the role."""
ENDPOINTS = {
    "secretsmanager": "secretsmanager",
    "sqs": "sqs",
    "sagemaker": "sagemaker.api",
    "states": "states",
    "ssm": "ssm",
}


def _service_functions(assembly: Assembly) -> list[tuple[Resource, str]]:
    """The functions that run our code, with the name of their package."""
    functions = []
    for function in assembly.all("AWS::Lambda::Function"):
        image = function.properties.get("ImageConfig", {})
        entry = function.properties.get("Handler") or image.get("Command", [""])[0]
        if entry.startswith("lambdas."):
            functions.append((function, entry.split(".")[1]))
    assert functions
    return functions


def _settings_of(package: str) -> type[ServiceSettings]:
    module = importlib.import_module(f"lambdas.{package}.settings")
    (settings,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ServiceSettings)
        and value.__module__ == module.__name__
    )
    return settings


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "known-after-deployment"


def test_every_function_gets_all_its_settings(assembly: Assembly, monkeypatch):
    for name in [name for name in os.environ if name.startswith("REVIEWLENS_")]:
        monkeypatch.delenv(name)
    for function, package in _service_functions(assembly):
        settings = _settings_of(package)
        variables = function.properties["Environment"]["Variables"]
        known = {f"REVIEWLENS_{field}".upper() for field in settings.model_fields}
        names = {name for name in variables if name.startswith("REVIEWLENS_")}
        assert names <= known, f"{function}: {sorted(names - known)}"
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, _text(value))
            environment = settings().environment
        assert environment == function.stack.environment
        assert environment in ENVIRONMENTS


def test_every_function_is_traced_and_has_its_own_log_group(assembly: Assembly):
    groups = []
    for function, package in _service_functions(assembly):
        # the function that fetches pictures may write its logs and nothing else
        traced = {"Mode": "Active"} if package != "image_fetch" else None
        assert function.properties.get("TracingConfig") == traced, str(function)
        group = function.properties["LoggingConfig"]["LogGroup"]
        groups.append(assembly.target(function.stack, group))
        assert function.properties["Architectures"] == ["x86_64"], str(function)
    assert len(set(groups)) == len(groups)


def test_the_vpc_has_endpoints_for_all_services_that_functions_may_call(assembly: Assembly):
    functions = [f for f, _ in _service_functions(assembly) if "VpcConfig" in f.properties]
    assert functions
    no_endpoint = CALLED_BY_LAMBDA | CALLED_BY_OTHER_SERVICES | SIGNED_LOCALLY
    for function in functions:
        network = assembly.one(function.stack.environment, "network")
        endpoints = {
            "".join(map(str, _parts(endpoint.properties["ServiceName"])))
            for endpoint in network.all("AWS::EC2::VPCEndpoint")
        }
        for service in _allowed_services(assembly, function) - no_endpoint:
            suffix = f".{ENDPOINTS.get(service, service)}"
            assert any(name.endswith(suffix) for name in endpoints), f"{function}: {service}"


def _parts(value: Any) -> list[Any]:
    return value["Fn::Join"][1] if isinstance(value, dict) and "Fn::Join" in value else [value]


def _allowed_services(assembly: Assembly, function: Resource) -> set[str]:
    role = assembly.target(function.stack, function.properties["Role"])
    return {
        action.split(":")[0]
        for policy in assembly.all("AWS::IAM::Policy")
        if any(assembly.target(policy.stack, r) == role for r in policy.properties["Roles"])
        for statement in policy.properties["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        if action not in CHECKED_BY_OTHER_SERVICES
    }


def test_the_visibility_timeout_is_six_times_the_timeout_of_the_function(assembly: Assembly):
    sources = assembly.all("AWS::Lambda::EventSourceMapping")
    assert sources
    for source in sources:
        function = assembly.resource(source.stack, source.properties["FunctionName"])
        queue = assembly.resource(source.stack, source.properties["EventSourceArn"])
        timeout = function.properties["Timeout"]
        assert queue.properties["VisibilityTimeout"] >= 6 * timeout, str(source)
        assert timeout <= 900, str(source)


def test_a_function_may_delay_the_messages_of_its_own_queue_and_no_others(assembly: Assembly):
    """Functions make failed messages visible again; see shared/http/backoff.py."""
    own = {
        (assembly.target(source.stack, source.properties["FunctionName"]),
         assembly.target(source.stack, source.properties["EventSourceArn"]))
        for source in assembly.all("AWS::Lambda::EventSourceMapping")
    }  # fmt: skip
    allowed = set()
    for function in assembly.all("AWS::Lambda::Function"):
        role = assembly.target(function.stack, function.properties["Role"])
        for policy in assembly.all("AWS::IAM::Policy"):
            if all(assembly.target(policy.stack, r) != role for r in policy.properties["Roles"]):
                continue
            for statement in policy.properties["PolicyDocument"]["Statement"]:
                if "sqs:ChangeMessageVisibility" in as_list(statement["Action"]):
                    allowed |= {
                        ((function.stack.name, function.name), assembly.target(policy.stack, queue))
                        for queue in as_list(statement["Resource"])
                    }
    assert allowed == own


def test_only_the_failed_messages_of_a_batch_are_redelivered(assembly: Assembly):
    for source in assembly.all("AWS::Lambda::EventSourceMapping"):
        types = source.properties["FunctionResponseTypes"]
        assert types == ["ReportBatchItemFailures"], str(source)


def test_the_concurrency_of_a_queue_is_within_the_reserved_one(assembly: Assembly):
    for source in assembly.all("AWS::Lambda::EventSourceMapping"):
        function = assembly.resource(source.stack, source.properties["FunctionName"])
        maximum = source.properties["ScalingConfig"]["MaximumConcurrency"]
        assert maximum >= 2, str(source)
        if ENVIRONMENTS[source.stack.environment].reserve_concurrency:
            assert maximum <= function.properties["ReservedConcurrentExecutions"], str(source)


def test_dev_reserves_no_concurrency_and_fits_into_a_new_account(assembly: Assembly):
    functions = assembly.all("AWS::Lambda::Function")
    reserving = {
        each.stack.environment
        for each in functions
        if "ReservedConcurrentExecutions" in each.properties
    }
    assert reserving == {"staging", "prod"}
    sources = assembly.all("AWS::Lambda::EventSourceMapping")
    workers = [
        source.properties["ScalingConfig"]["MaximumConcurrency"]
        for source in sources
        if source.stack.environment == "dev"
    ]
    assert sum(workers) < 10, "the concurrency of a new account"


def test_functions_have_no_managed_policies(assembly: Assembly):
    for function, _ in _service_functions(assembly):
        role = assembly.resource(function.stack, function.properties["Role"])
        assert "ManagedPolicyArns" not in role.properties, str(role)


def test_functions_fit_the_memory_quota_of_a_new_account(assembly: Assembly):
    for function, _ in _service_functions(assembly):
        assert function.properties.get("MemorySize", 128) <= 3008, str(function)
