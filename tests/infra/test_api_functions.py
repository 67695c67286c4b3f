"""The functions behind the API: timeouts, permissions, releases and rollback."""

import json

import pytest

from cdk.environments import ENVIRONMENTS
from tests.infra.gateway import (
    aliases,
    allowed_actions,
    function_of,
    metric_of,
    object_prefixes,
    permissions,
    service_of,
    statements_of,
)
from tests.infra.templates import Assembly, as_list

pytestmark = pytest.mark.timeout(1800)

GATEWAY_TIMEOUT_SECONDS = 29


def test_every_function_times_out_before_the_gateway(assembly: Assembly, api):
    for alias in aliases(api):
        function = function_of(assembly, alias)
        assert function.properties["Timeout"] < GATEWAY_TIMEOUT_SECONDS, str(function)


def test_each_function_has_one_permission_which_is_for_this_api(assembly: Assembly, api):
    invoke_permissions = api.all("AWS::Lambda::Permission")
    callable_names = [
        assembly.target(api, permission.properties["FunctionName"])[1]
        for permission in invoke_permissions
    ]
    assert sorted(callable_names) == sorted(alias.name for alias in aliases(api))
    (rest_api,) = api.all("AWS::ApiGateway::RestApi")
    for permission in invoke_permissions:
        assert permission.properties["Principal"] == "apigateway.amazonaws.com"
        assert {"Ref": rest_api.name} in permission.properties["SourceArn"]["Fn::Join"][1]


def test_releases_are_gradual_and_roll_back_on_an_alarm(assembly: Assembly, api):
    configs = {
        True: "CodeDeployDefault.LambdaCanary10Percent5Minutes",
        False: "CodeDeployDefault.LambdaAllAtOnce",
    }
    for alias in aliases(api):
        update = alias.definition["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = assembly.resource(api, update["DeploymentGroupName"]).properties
        assert group["DeploymentConfigName"] == configs[ENVIRONMENTS[api.environment].canary]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        configuration = group["AlarmConfiguration"]
        assert configuration["Enabled"] is True
        alarms = [assembly.resource(api, alarm["Name"]) for alarm in configuration["Alarms"]]
        assert {metric_of(alarm) for alarm in alarms} == {"Errors", "Duration"}
        live = {"Fn::Join": ["", [alias.properties["FunctionName"], ":live"]]}
        for alarm in alarms:
            assert json.dumps(live) in json.dumps(alarm.properties), str(alarm)


def test_a_response_with_status_500_counts_as_a_failure(api):
    filters = api.all("AWS::Logs::MetricFilter")
    assert len(filters) == len(list(aliases(api)))
    for metric_filter in filters:
        assert metric_filter.properties["FilterPattern"] == '{ $.level = "ERROR" }'
        (metric,) = metric_filter.properties["MetricTransformations"]
        alarms = [
            alarm
            for alarm in api.all("AWS::CloudWatch::Alarm")
            if metric["MetricName"] in json.dumps(alarm.properties.get("Metrics", []))
        ]
        assert len(alarms) == 1, str(metric_filter)


def test_only_development_releases_all_at_once():
    assert (ENVIRONMENTS["prod"].canary, ENVIRONMENTS["dev"].canary) == (True, False)


def test_inference_has_the_provisioned_concurrency_of_its_environment(assembly: Assembly, api):
    provisioned = ENVIRONMENTS[api.environment].provisioned_concurrency
    for alias in aliases(api):
        config = alias.properties.get("ProvisionedConcurrencyConfig", {})
        count = config.get("ProvisionedConcurrentExecutions", 0)
        inference = service_of(function_of(assembly, alias)) == "inference"
        assert count == (provisioned if inference else 0), str(alias)


@pytest.mark.parametrize(
    ("service", "additional"),
    [
        ("inference", {"lambda:InvokeFunction"}),
        ("retrieval", {"lambda:InvokeFunction", "sqs:SendMessage"}),
    ],
)
def test_inference_and_retrieval_need_no_database_and_no_vpc(assembly, api, service, additional):
    function, statements = permissions(assembly, api, service)
    assert "VpcConfig" not in function.properties
    assert function.properties["PackageType"] == "Image"
    actions = allowed_actions(statements)
    telemetry = {action for action in actions if action.split(":")[0] in {"logs", "xray"}}
    assert actions - telemetry == {"s3:GetObject", "s3:ListBucket", "kms:Decrypt", *additional}
    assert object_prefixes(statements, "s3:GetObject") == {
        *("/pointers/*", "/models/*", "/indexes/*"),
        # which versions were current before, and what is damaged, for fallbacks and health
        *("/activations/*", "/quarantine/open/*"),
        # pictures of reviews
        "/pictures/files/*",
    }


def image_fetch_of(api):
    (function,) = (
        each
        for each in api.all("AWS::Lambda::Function")
        if each.properties.get("Handler") == "lambdas.image_fetch.handler.handler"
    )
    return function


def assert_reserved(function):
    """Its concurrency is limited in each environment that reserves any."""
    reserved = function.properties.get("ReservedConcurrentExecutions", 0)
    assert (reserved > 0) == ENVIRONMENTS[function.stack.environment].reserve_concurrency


def test_image_fetch_may_only_write_its_logs_and_is_outside_the_vpc(assembly: Assembly, api):
    function = image_fetch_of(api)
    assert "VpcConfig" not in function.properties
    assert_reserved(function)
    assert allowed_actions(statements_of(assembly, function)) == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    variables = function.properties["Environment"]["Variables"]
    assert not [name for name in variables if name.startswith("REVIEWLENS_IMAGE_FETCH")]


def test_only_functions_that_use_pictures_may_invoke_image_fetch(assembly: Assembly, api):
    function = image_fetch_of(api)
    resources = [
        (policy, statement["Resource"])
        for policy in assembly.all("AWS::IAM::Policy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if policy.stack is api and "lambda:InvokeFunction" in as_list(statement["Action"])
    ]
    assert len(resources) == 3
    for policy, resource in resources:
        assert assembly.target(api, resource)[1] == function.name
        assert len(policy.properties["Roles"]) == 1
    for name in ("inference", "retrieval"):
        _, statements = permissions(assembly, api, name)
        assert any("lambda:InvokeFunction" in as_list(each["Action"]) for each in statements)


def test_collection_signs_uploads_under_one_prefix_and_reads_no_dump(assembly: Assembly, api):
    _, statements = permissions(assembly, api, "collection")
    actions = allowed_actions(statements)
    assert {a for a in actions if a.startswith("s3:")} == {"s3:PutObject", "s3:ListBucket"}
    assert object_prefixes(statements, "s3:PutObject") == {
        "/uploads/web/*",
        "/uploads/*.mapping.json",
    }
    # S3 encrypts an upload with the permissions of the function that signed it
    assert "kms:GenerateDataKey" in actions


@pytest.mark.parametrize("service", ["insights", "training", "collection", "processing"])
def test_functions_with_a_database_run_in_the_vpc_and_connect_with_iam(assembly, api, service):
    function, statements = permissions(assembly, api, service)
    assert function.properties["VpcConfig"]["SubnetIds"]
    assert_reserved(function)
    assert any("rds-db:connect" in as_list(statement["Action"]) for statement in statements)
