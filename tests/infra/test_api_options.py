"""Options of an environment's API: a domain, and pages of other sites (CORS)."""

import json
from dataclasses import replace

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from cdk.app import feature_flags
from cdk.constructs.gateway import Gateway
from cdk.constructs.routes import Access, openapi_document, routes_of
from cdk.environments import DEV
from cdk.stacks.foundation import FoundationStack

pytestmark = pytest.mark.timeout(600)


def gateway(**options):
    """The template of a stack with only the gateway, in front of one function."""
    app = App(context=feature_flags())
    environment = replace(DEV, **options)
    operations = FoundationStack(app, "foundation", environment=environment).operations
    stack = Stack(app, "gateway")
    function = lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_12,
        handler="handler",
        code=lambda_.Code.from_inline("pass"),
    )
    alias = lambda_.Alias(stack, "Live", alias_name="live", version=function.current_version)
    functions = {route.service: alias for route in routes_of(openapi_document())}
    Gateway(stack, "Gateway", operations=operations, functions=functions)
    return Template.from_stack(stack)


def test_without_a_domain_there_is_none():
    assert not gateway().find_resources("AWS::ApiGateway::DomainName")


def test_a_domain_has_the_tls_policy_of_the_api_and_a_certificate_from_a_parameter():
    template = gateway(domain="api.example.org")
    (domain,) = template.find_resources("AWS::ApiGateway::DomainName").values()
    (api,) = template.find_resources("AWS::ApiGateway::RestApi").values()
    properties = domain["Properties"]
    assert properties["DomainName"] == "api.example.org"
    for name in ("SecurityPolicy", "EndpointAccessMode"):
        assert properties[name] == api["Properties"][name]
    parameter = properties["RegionalCertificateArn"]["Ref"]
    body = template.to_json()["Parameters"][parameter]
    assert body["Default"] == "/reviewlens/dev/certificate"
    (mapping,) = template.find_resources("AWS::ApiGateway::BasePathMapping").values()
    assert mapping["Properties"]["BasePath"] == "v1"


SHOP, LOCAL = "https://shop.example.org", "http://localhost:3000"


@pytest.fixture(scope="module")
def shared_with_pages():
    return gateway(cors_origins=f"{SHOP}, {LOCAL}")


def preflights(template):
    """Path → the mock integration of its OPTIONS method."""
    parts = template.find_resources("AWS::ApiGateway::Resource")

    def path(reference):
        if "Ref" not in reference:
            return ""
        part = parts[reference["Ref"]]["Properties"]
        return f"{path(part['ParentId'])}/{part['PathPart']}"

    return {
        path(method["Properties"]["ResourceId"]): method["Properties"]
        for method in template.find_resources("AWS::ApiGateway::Method").values()
        if method["Properties"]["HttpMethod"] == "OPTIONS"
    }


def test_without_origins_there_is_no_preflight_and_no_cors_header():
    template = gateway()
    assert preflights(template) == {}
    assert "Access-Control" not in json.dumps(template.to_json())


def test_paths_that_only_read_answer_preflights_and_no_others_do(shared_with_pages):
    found = preflights(shared_with_pages)
    reads = {
        route.path for route in routes_of(openapi_document()) if route.access is not Access.IAM
    }
    assert found.keys() == reads
    assert "/search_similar" in reads
    assert not {"/train", "/uploads"} & reads
    for properties in found.values():
        assert properties["AuthorizationType"] == "NONE"
        assert not properties.get("ApiKeyRequired")
        assert properties["Integration"]["Type"] == "MOCK"


def test_a_preflight_names_the_methods_that_read_and_the_origin_that_asked(shared_with_pages):
    properties = preflights(shared_with_pages)["/collect"]
    (answer,) = properties["Integration"]["IntegrationResponses"]
    headers = {
        name.removeprefix("method.response.header."): value
        for name, value in answer["ResponseParameters"].items()
    }
    assert headers["Access-Control-Allow-Methods"] == "'GET'"
    assert headers["Access-Control-Allow-Headers"] == "'content-type,x-api-key'"
    assert headers["Access-Control-Max-Age"] == "'600'"
    assert headers["Vary"] == "'Origin'"
    assert headers["Access-Control-Allow-Origin"] == f"'{SHOP}'"
    assert "Access-Control-Allow-Credentials" not in headers
    (template,) = answer["ResponseTemplates"].values()
    assert LOCAL in template
    assert "*" not in template


def test_pages_can_read_why_the_gateway_refused_their_request(shared_with_pages):
    def allowed(template):
        name = "gatewayresponse.header.Access-Control-Allow-Origin"
        responses = template.find_resources("AWS::ApiGateway::GatewayResponse").values()
        return {each["Properties"]["ResponseParameters"][name] for each in responses}

    assert allowed(gateway(cors_origins=SHOP)) == {f"'{SHOP}'"}
    assert allowed(shared_with_pages) == {"'*'"}


def test_an_origin_that_is_none_stops_the_synthesis_and_is_named():
    with pytest.raises(ValueError, match=r"cors_origins: '\*' would let pages"):
        replace(DEV, cors_origins="*")
