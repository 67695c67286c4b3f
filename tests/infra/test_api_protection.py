"""Protection of the API: rate limits, logs, TLS, the firewall, and the errors of both."""

import json
import re

import pytest

from cdk.environments import ENVIRONMENTS
from shared.schemas.api import Problem
from tests.infra.gateway import methods
from tests.infra.templates import Assembly, Template, as_list

pytestmark = pytest.mark.timeout(1800)


def test_an_api_key_has_the_limits_of_its_environment(assembly: Assembly, api):
    environment = ENVIRONMENTS[api.environment]
    (plan,) = api.all("AWS::ApiGateway::UsagePlan")
    assert plan.properties["Throttle"] == {
        "RateLimit": environment.read_rate,
        "BurstLimit": environment.read_burst,
    }
    assert plan.properties["Quota"] == {"Limit": environment.read_quota_daily, "Period": "DAY"}
    (stage,) = plan.properties["ApiStages"]
    assert assembly.resource(api, stage["Stage"]).definition["Type"] == "AWS::ApiGateway::Stage"
    (link,) = api.all("AWS::ApiGateway::UsagePlanKey")
    assert assembly.target(api, link.properties["UsagePlanId"])[1] == plan.name
    assert "Value" not in assembly.resource(api, link.properties["KeyId"]).properties


def _method_settings(api: Template) -> dict[str, dict]:
    (stage,) = api.all("AWS::ApiGateway::Stage")
    return {
        f"{settings['HttpMethod']} {_unescaped(settings['ResourcePath'])}": settings
        for settings in stage.properties["MethodSettings"]
    }


def _unescaped(path: str) -> str:
    return path.replace("/~1", "/").replace("~1", "/")


def test_routes_without_an_api_key_have_lower_limits(api):
    settings = _method_settings(api)
    stage_rate = settings["* /*"]["ThrottlingRateLimit"]
    for method in methods(api):
        if method.access != "key":
            rate = settings[f"{method.verb} {method.path}"]["ThrottlingRateLimit"]
            assert 0 < rate < stage_rate, method.path


def test_logs_show_callers_and_routes_but_no_texts(api):
    for settings in _method_settings(api).values():
        assert settings["LoggingLevel"] == "ERROR"
        assert settings["DataTraceEnabled"] is False
    (stage,) = api.all("AWS::ApiGateway::Stage")
    assert stage.properties["TracingEnabled"] is True
    line = json.loads(stage.properties["AccessLogSetting"]["Format"])
    assert {"$context.requestId", "$context.status", "$context.identity.apiKeyId"} <= set(
        line.values()
    )
    names = [group.properties.get("LogGroupName") for group in api.all("AWS::Logs::LogGroup")]
    (execution,) = [name for name in names if "API-Gateway-Execution-Logs_" in str(name)]
    assert execution["Fn::Join"][1][-1] == "/v1"


def test_the_stage_depends_on_its_logging_role_and_its_log_group(assembly: Assembly, api):
    (stage,) = api.all("AWS::ApiGateway::Stage")
    dependencies = {
        assembly.resource(api, {"Ref": name}).definition["Type"]
        for name in as_list(stage.definition["DependsOn"])
    }
    assert {"AWS::ApiGateway::Account", "AWS::Logs::LogGroup"} <= dependencies
    (account,) = api.all("AWS::ApiGateway::Account")
    role = assembly.resource(api, account.properties["CloudWatchRoleArn"])
    assert {account.definition["DeletionPolicy"], role.definition["DeletionPolicy"]} == {"Retain"}


def test_tls_older_than_1_2_is_rejected(api):
    (rest_api,) = api.all("AWS::ApiGateway::RestApi")
    assert rest_api.properties["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2_")
    assert rest_api.properties["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert "BinaryMediaTypes" not in rest_api.properties


def _firewall_rules(api: Template) -> dict[str, dict]:
    (acl,) = api.all("AWS::WAFv2::WebACL")
    return {rule["Name"]: rule for rule in acl.properties["Rules"]}


def test_a_firewall_protects_the_stage(assembly: Assembly, api):
    (association,) = api.all("AWS::WAFv2::WebACLAssociation")
    assert "/stages/" in json.dumps(association.properties["ResourceArn"])
    acl = assembly.resource(api, association.properties["WebACLArn"])
    assert acl.properties["Scope"] == "REGIONAL"
    rules = _firewall_rules(api)
    assert rules.keys() == {"TooLong", "TooMany", "CommonRuleSet", "KnownBadInputsRuleSet"}
    managed = rules["CommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
    for override in managed["RuleActionOverrides"]:
        assert override["Name"].endswith("_BODY")
        assert override["ActionToUse"] == {"Count": {}}


@pytest.mark.parametrize(
    ("length", "blocked"),
    [("0", False), ("4999999", False), ("5000000", True), ("9999999", True), ("10000000", True)],
)
def test_the_firewall_blocks_bodies_that_are_too_large_for_a_function(assembly, length, blocked):
    rule = _firewall_rules(assembly.one("prod", "api"))["TooLong"]
    pattern = rule["Statement"]["RegexMatchStatement"]["RegexString"]
    assert bool(re.search(pattern, length)) is blocked
    assert rule["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 413


def test_an_address_has_the_same_rate_limit_as_an_api_key(api):
    rate = _firewall_rules(api)["TooMany"]["Statement"]["RateBasedStatement"]
    limit = ENVIRONMENTS[api.environment].read_rate * rate["EvaluationWindowSec"]
    assert rate["Limit"] == limit


def test_errors_of_the_gateway_are_problems(api):
    statuses = {}
    for response in api.all("AWS::ApiGateway::GatewayResponse"):
        properties = response.properties
        headers = properties["ResponseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        body = json.loads(properties["ResponseTemplates"]["application/json"])
        statuses[properties["ResponseType"]] = properties.get("StatusCode")
        if not properties["ResponseType"].startswith("DEFAULT"):
            problem = Problem.model_validate(body)
            assert str(problem.status) == properties["StatusCode"]
            assert problem.instance == "urn:uuid:$context.requestId"
    assert {"401", "403", "404", "413", "422", "429", "500", "503", "504"} <= set(statuses.values())
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "WAF_FILTERED", "THROTTLED"} <= statuses.keys()


def test_errors_of_the_firewall_are_problems(api):
    (acl,) = api.all("AWS::WAFv2::WebACL")
    for body in acl.properties["CustomResponseBodies"].values():
        assert Problem.model_validate_json(body["Content"]).status in {413, 429}
