"""The API: who may call which route, what is checked, and how a release comes in."""

import json
import re

import pytest
from aws_cdk import App, Stack
from jsonschema import Draft4Validator
from pydantic import ValidationError

from cdk.constructs.routes import Access, document, routes_of, schema_of
from cdk.environments import ENVIRONMENTS
from lambdas.collection.uploads import UploadRequest
from lambdas.processing.api import EmbeddingsRequest, ProcessRequest
from shared.schemas.api import AnalyzeBatchRequest, AnalyzeRequest, Problem, SearchRequest
from tests.infra.gateway import (
    alias_of,
    aliases,
    function_of,
    methods,
    metric_of,
    rights,
    service_of,
)
from tests.infra.templates import Assembly, listed

pytestmark = pytest.mark.timeout(1800)

LONGEST_SECONDS = 29
PROMISED = {
    "GET /health": "open",
    "GET /health/{service}": "key",
    "POST /analyze": "key",
    "POST /analyze/batch": "key",
    "POST /search_similar": "key",
    "GET /products": "key",
    "GET /products/{product_id}": "key",
    "GET /reviews": "key",
    "GET /trends": "key",
    "GET /movers": "key",
    "GET /segments": "key",
    "GET /drift": "key",
    "GET /aspects": "key",
    "GET /duplicates": "key",
    "GET /collect": "key",
    "GET /collect/{ingest_id}": "key",
    "GET /collect/{ingest_id}/rejects": "key",
    "GET /status/{training_id}": "key",
    "POST /collect": "iam",
    "POST /uploads": "iam",
    "POST /process": "iam",
    "POST /embeddings": "iam",
    "POST /build_index": "iam",
    "POST /train": "iam",
    "POST /status/{training_id}/cancel": "iam",
}
"""Every route and who may call it; a new route must be added here, and so be thought about."""


@pytest.fixture(params=sorted(ENVIRONMENTS))
def api(request, assembly: Assembly):
    """The template of the API, of each environment."""
    return assembly.one(request.param, "api")


def _documented() -> dict[str, dict]:
    return {
        f"{verb.upper()} {path}": operation
        for path, operations in document()["paths"].items()
        for verb, operation in operations.items()
    }


def _as_documented(method) -> str:
    path = re.sub(r"^/health/\w+$", "/health/{service}", method.path).replace("+}", "}")
    return f"{method.verb} {path}"


def test_every_route_of_the_document_has_its_access_decided():
    assert PROMISED.keys() == _documented().keys()


def test_every_route_is_there_and_asks_for_what_was_promised(api):
    assert {_as_documented(method): method.access for method in methods(api)} == PROMISED


def test_every_route_leads_to_the_function_of_its_service(assembly: Assembly, api):
    documented = _documented()
    for method in methods(api):
        (tag,) = documented[_as_documented(method)]["tags"]
        if tag == "health":
            tag = method.path.rpartition("/")[2].replace("health", "inference")
        alias = alias_of(assembly, method)
        assert alias.properties["Name"] == "live"
        assert service_of(function_of(assembly, alias)) == tag, method.path


def test_a_post_that_nobody_thought_of_starts_work():
    new = {"paths": {"/erase": {"post": {"tags": ["collection"]}}}}
    assert [route.access for route in routes_of(new)] == [Access.IAM]


def test_a_route_that_names_no_service_is_an_error():
    with pytest.raises(ValueError, match="POST /erase has not one tag"):
        routes_of({"paths": {"/erase": {"post": {}}}})


def test_health_of_each_service_can_be_asked_for(api):
    named = {m.path.removeprefix("/health/") for m in methods(api) if m.path.startswith("/health/")}
    (parameter,) = document()["paths"]["/health/{service}"]["get"]["parameters"]
    assert named == set(parameter["schema"]["enum"])


def test_bodies_that_must_be_there_are_checked_before_they_reach_a_function(api):
    documented = _documented()
    for method in methods(api):
        required = documented[_as_documented(method)].get("requestBody", {}).get("required", False)
        models = method.found.properties.get("RequestModels", {})
        assert (set(models) == {"application/json"}) is required, method.path
        assert "RequestValidatorId" in method.found.properties
    (validator,) = api.all("AWS::ApiGateway::RequestValidator")
    assert validator.properties["ValidateRequestBody"] is True


BODIES = [
    (AnalyzeRequest, {"query_text": "The hinge broke."}),
    (AnalyzeRequest, {"query_text": "The hinge broke.", "top_k": 3, "ahead_of_us": 1}),
    (AnalyzeRequest, {"query_text": "x" * 10_001}),
    (AnalyzeRequest, {"top_k": 3}),
    (AnalyzeBatchRequest, {"texts": ["a"] * 64}),
    (AnalyzeBatchRequest, {"texts": ["a"] * 65}),
    (AnalyzeBatchRequest, {"texts": []}),
    (SearchRequest, {"query_text": "hinge", "filters": {"max_rating": 2, "sentiment": "negative"}}),
    (SearchRequest, {"query_text": "hinge", "filters": None, "image_url": None}),
    (SearchRequest, {"query_text": "hinge", "filters": {"sentiments": ["positive", "neutral"]}}),
    (SearchRequest, {"query_text": "hinge", "filters": {"sentiment": "furious"}}),
    (SearchRequest, {"query_text": "hinge", "filters": {"colour": "red"}}),
    (SearchRequest, {"query_text": "hinge", "top_k": 0}),
    (EmbeddingsRequest, {"texts": ["a"]}),
    (EmbeddingsRequest, {"texts": ["a"], "more": 1}),
    (ProcessRequest, {"ingest_id": "ing_0123"}),
    (ProcessRequest, {"ingest_id": "no spaces"}),
    (UploadRequest, {"filename": "a.csv", "bytes": 1}),
    (UploadRequest, {"filename": "a.csv", "bytes": 1, "mapping": {"text": "Opinion"}}),
    (UploadRequest, {"filename": "a.csv", "bytes": 1, "mapping": {"text": ""}}),
    (UploadRequest, {"filename": "a.csv", "bytes": 1, "mapping": {"text": 5}}),
    (UploadRequest, {"filename": "", "bytes": 1}),
    (UploadRequest, {"filename": "a.csv", "bytes": 0}),
    (UploadRequest, {"filename": "a.csv", "bytes": 5_000_000_001}),
    (UploadRequest, {"filename": "a.csv", "bytes": 1, "more": 1}),
]


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_the_gateway_takes_the_bodies_that_the_service_takes(assembly: Assembly, kind, body):
    (model,) = [
        found
        for found in assembly.one("prod", "api").all("AWS::ApiGateway::Model")
        if found.properties["Name"] == kind.__name__
    ]
    schema = model.properties["Schema"]
    Draft4Validator.check_schema(schema)
    try:
        kind.model_validate(body)
        taken = True
    except ValidationError:
        taken = False
    assert Draft4Validator(schema).is_valid(body) is taken


def test_a_schema_with_a_keyword_that_the_gateway_may_read_otherwise_is_an_error():
    spec = {"components": {"schemas": {"Odd": {"type": "number", "exclusiveMinimum": 0}}}}
    with pytest.raises(ValueError, match="exclusiveMinimum"):
        schema_of(spec, "Odd")


def test_a_key_has_the_rates_of_its_environment(assembly: Assembly, api):
    environment = ENVIRONMENTS[api.environment]
    (plan,) = api.all("AWS::ApiGateway::UsagePlan")
    assert plan.properties["Throttle"] == {
        "RateLimit": environment.read_rate,
        "BurstLimit": environment.read_burst,
    }
    assert plan.properties["Quota"] == {"Limit": environment.read_quota_daily, "Period": "DAY"}
    (stage,) = plan.properties["ApiStages"]
    assert assembly.resource(api, stage["Stage"]).resource["Type"] == "AWS::ApiGateway::Stage"
    (link,) = api.all("AWS::ApiGateway::UsagePlanKey")
    assert assembly.target(api, link.properties["UsagePlanId"])[1] == plan.name
    assert "Value" not in assembly.resource(api, link.properties["KeyId"]).properties


def _settings(api) -> dict[str, dict]:
    (stage,) = api.all("AWS::ApiGateway::Stage")
    return {
        f"{said['HttpMethod']} {said['ResourcePath'].replace('/~1', '/').replace('~1', '/')}": said
        for said in stage.properties["MethodSettings"]
    }


def test_what_needs_no_key_is_throttled_harder_than_the_rest(api):
    settings = _settings(api)
    everything = settings["* /*"]["ThrottlingRateLimit"]
    for method in methods(api):
        if method.access != "key":
            limited = settings[f"{method.verb} {method.path}"]
            assert 0 < limited["ThrottlingRateLimit"] < everything, method.path


def test_logs_say_who_asked_for_what_and_never_hold_a_text(api):
    for said in _settings(api).values():
        assert said["LoggingLevel"] == "ERROR"
        assert said["DataTraceEnabled"] is False
    (stage,) = api.all("AWS::ApiGateway::Stage")
    assert stage.properties["TracingEnabled"] is True
    line = json.loads(stage.properties["AccessLogSetting"]["Format"])
    assert {"$context.requestId", "$context.status", "$context.identity.apiKeyId"} <= set(
        line.values()
    )
    groups = [group.properties.get("LogGroupName") for group in api.all("AWS::Logs::LogGroup")]
    (execution,) = [said for said in groups if "API-Gateway-Execution-Logs_" in str(said)]
    assert execution["Fn::Join"][1][-1] == "/v1"


def test_the_stage_waits_for_the_role_and_the_group_that_it_logs_by(assembly: Assembly, api):
    (stage,) = api.all("AWS::ApiGateway::Stage")
    awaited = {
        assembly.resource(api, {"Ref": name}).resource["Type"]
        for name in listed(stage.resource["DependsOn"])
    }
    assert {"AWS::ApiGateway::Account", "AWS::Logs::LogGroup"} <= awaited
    (account,) = api.all("AWS::ApiGateway::Account")
    role = assembly.resource(api, account.properties["CloudWatchRoleArn"])
    assert {account.resource["DeletionPolicy"], role.resource["DeletionPolicy"]} == {"Retain"}


def test_tls_older_than_1_2_is_refused(api):
    (rest,) = api.all("AWS::ApiGateway::RestApi")
    assert rest.properties["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2_")
    assert rest.properties["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert "BinaryMediaTypes" not in rest.properties


def _rules(api) -> dict[str, dict]:
    (acl,) = api.all("AWS::WAFv2::WebACL")
    return {rule["Name"]: rule for rule in acl.properties["Rules"]}


def test_a_firewall_stands_before_the_stage(assembly: Assembly, api):
    (association,) = api.all("AWS::WAFv2::WebACLAssociation")
    assert "/stages/" in json.dumps(association.properties["ResourceArn"])
    acl = assembly.resource(api, association.properties["WebACLArn"])
    assert acl.properties["Scope"] == "REGIONAL"
    assert _rules(api).keys() == {"TooLong", "TooMany", "CommonRuleSet", "KnownBadInputsRuleSet"}
    counted = _rules(api)["CommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
    for override in counted["RuleActionOverrides"]:
        assert override["Name"].endswith("_BODY")
        assert override["ActionToUse"] == {"Count": {}}


@pytest.mark.parametrize(
    ("length", "refused"),
    [("0", False), ("4999999", False), ("5000000", True), ("9999999", True), ("10000000", True)],
)
def test_a_body_that_no_function_could_take_stops_at_the_firewall(assembly, length, refused):
    rule = _rules(assembly.one("prod", "api"))["TooLong"]
    pattern = rule["Statement"]["RegexMatchStatement"]["RegexString"]
    assert bool(re.search(pattern, length)) is refused
    assert rule["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 413


def test_one_address_may_ask_for_as_much_as_one_key(api):
    rate = _rules(api)["TooMany"]["Statement"]["RateBasedStatement"]
    allowed = ENVIRONMENTS[api.environment].read_rate * rate["EvaluationWindowSec"]
    assert rate["Limit"] == allowed


def test_what_the_gateway_refuses_is_a_problem(api):
    kinds = {}
    for found in api.all("AWS::ApiGateway::GatewayResponse"):
        said = found.properties
        headers = said["ResponseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        body = json.loads(said["ResponseTemplates"]["application/json"])
        kinds[said["ResponseType"]] = said.get("StatusCode")
        if not said["ResponseType"].startswith("DEFAULT"):
            problem = Problem.model_validate(body)
            assert str(problem.status) == said["StatusCode"]
            assert problem.instance == "urn:uuid:$context.requestId"
    assert {"401", "403", "404", "413", "422", "429", "500", "503", "504"} <= set(kinds.values())
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "WAF_FILTERED", "THROTTLED"} <= kinds.keys()


def test_what_the_firewall_answers_is_a_problem(api):
    (acl,) = api.all("AWS::WAFv2::WebACL")
    for body in acl.properties["CustomResponseBodies"].values():
        assert Problem.model_validate_json(body["Content"]).status in {413, 429}


def test_no_function_works_longer_than_the_gateway_waits(assembly: Assembly, api):
    for alias in aliases(api):
        function = function_of(assembly, alias)
        assert function.properties["Timeout"] < LONGEST_SECONDS, str(function)


def test_only_this_api_may_call_its_functions_by_one_permission_each(assembly: Assembly, api):
    permissions = api.all("AWS::Lambda::Permission")
    allowed = [assembly.target(api, p.properties["FunctionName"])[1] for p in permissions]
    assert sorted(allowed) == sorted(alias.name for alias in aliases(api))
    (rest,) = api.all("AWS::ApiGateway::RestApi")
    for permission in permissions:
        assert permission.properties["Principal"] == "apigateway.amazonaws.com"
        assert {"Ref": rest.name} in permission.properties["SourceArn"]["Fn::Join"][1]


def test_a_release_moves_step_by_step_and_comes_back_when_an_alarm_is_raised(
    assembly: Assembly, api
):
    steps = {
        True: "CodeDeployDefault.LambdaCanary10Percent5Minutes",
        False: "CodeDeployDefault.LambdaAllAtOnce",
    }
    for alias in aliases(api):
        update = alias.resource["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = assembly.resource(api, update["DeploymentGroupName"]).properties
        wanted = steps[ENVIRONMENTS[api.environment].canary]
        assert group["DeploymentConfigName"] == wanted
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        alarms = group["AlarmConfiguration"]
        assert alarms["Enabled"] is True
        watched = [assembly.resource(api, alarm["Name"]) for alarm in alarms["Alarms"]]
        assert {metric_of(alarm) for alarm in watched} == {"Errors", "Duration"}
        live = {"Fn::Join": ["", [alias.properties["FunctionName"], ":live"]]}
        for alarm in watched:
            assert json.dumps(live) in json.dumps(alarm.properties), str(alarm)


def test_an_answer_of_500_counts_as_a_failure_though_lambda_calls_it_a_success(api):
    filters = api.all("AWS::Logs::MetricFilter")
    assert len(filters) == len(list(aliases(api)))
    for found in filters:
        assert found.properties["FilterPattern"] == '{ $.level = "ERROR" }'
        (made,) = found.properties["MetricTransformations"]
        named = [
            alarm
            for alarm in api.all("AWS::CloudWatch::Alarm")
            if made["MetricName"] in json.dumps(alarm.properties.get("Metrics", []))
        ]
        assert len(named) == 1, str(found)


def test_production_goes_to_some_first_and_development_to_all_at_once():
    assert (ENVIRONMENTS["prod"].canary, ENVIRONMENTS["dev"].canary) == (True, False)


def test_inference_is_kept_warm_where_the_environment_says_so(assembly: Assembly, api):
    wanted = ENVIRONMENTS[api.environment].provisioned_concurrency
    for alias in aliases(api):
        warm = alias.properties.get("ProvisionedConcurrencyConfig", {})
        count = warm.get("ProvisionedConcurrentExecutions", 0)
        inference = service_of(function_of(assembly, alias)) == "inference"
        assert count == (wanted if inference else 0), str(alias)


@pytest.mark.parametrize(
    ("service", "more"), [("inference", set()), ("retrieval", {"sqs:SendMessage"})]
)
def test_what_answers_texts_needs_s3_alone_and_no_network(assembly, api, service, more):
    function, statements = rights(assembly, api, service)
    assert "VpcConfig" not in function.properties
    assert function.properties["PackageType"] == "Image"
    actions = {action for said in statements for action in listed(said["Action"])}
    own = {action for action in actions if action.split(":")[0] in {"logs", "xray"}}
    assert actions - own == {"s3:GetObject", "s3:ListBucket", "kms:Decrypt", *more}
    (reading,) = [said for said in statements if "s3:GetObject" in listed(said["Action"])]
    places = {each["Fn::Join"][1][-1] for each in listed(reading["Resource"])}
    assert places == {"/pointers/*", "/models/*", "/indexes/*"}


def test_collection_signs_uploads_below_one_prefix_and_reads_no_dump(assembly: Assembly, api):
    _, statements = rights(assembly, api, "collection")
    actions = {action for said in statements for action in listed(said["Action"])}
    assert {one for one in actions if one.startswith("s3:")} == {"s3:PutObject", "s3:ListBucket"}
    (putting,) = [said for said in statements if "s3:PutObject" in listed(said["Action"])]
    places = {each["Fn::Join"][1][-1] for each in listed(putting["Resource"])}
    assert places == {"/uploads/web/*"}
    # what is put is encrypted by KMS, with the rights of whoever signed it
    assert "kms:GenerateDataKey" in actions


@pytest.mark.parametrize("service", ["insights", "training", "collection", "processing"])
def test_what_uses_the_database_stands_in_the_network_and_signs_in_by_iam(assembly, api, service):
    function, statements = rights(assembly, api, service)
    assert function.properties["VpcConfig"]["SubnetIds"]
    assert function.properties["ReservedConcurrentExecutions"] > 0
    assert any("rds-db:connect" in listed(said["Action"]) for said in statements)


def test_what_is_needed_to_call_the_api_is_told_when_it_is_deployed(api):
    outputs = api.body["Outputs"]
    assert "execute-api" in json.dumps(outputs["ApiUrl"]["Value"])
    (key,) = api.all("AWS::ApiGateway::ApiKey")
    assert outputs["ApiKeyId"]["Value"] == {"Ref": key.name}


def test_no_stack_comes_near_the_limits_of_cloudformation(assembly: Assembly):
    for template in assembly.templates:
        assert len(template.body.get("Resources", {})) < 400, template.name
        assert len(template.path.read_bytes()) < 900_000, template.name


def test_a_service_without_a_function_is_an_error():
    from cdk.constructs.gateway import Gateway
    from cdk.stacks.foundation import FoundationStack

    app = App()
    operations = FoundationStack(app, "f", environment=ENVIRONMENTS["dev"]).operations
    with pytest.raises(KeyError, match="inference"):
        Gateway(Stack(app, "s"), "Gateway", operations=operations, functions={})
