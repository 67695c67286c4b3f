"""The domain of an environment, which is an option."""

from dataclasses import replace

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from cdk.app import feature_flags
from cdk.constructs.gateway import Gateway
from cdk.constructs.routes import openapi_document, routes_of
from cdk.environments import DEV
from cdk.stacks.foundation import FoundationStack

pytestmark = pytest.mark.timeout(600)


def gateway(domain):
    """The template of a stack with only the gateway, in front of one function."""
    app = App(context=feature_flags())
    environment = replace(DEV, domain=domain)
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
    assert not gateway("").find_resources("AWS::ApiGateway::DomainName")


def test_a_domain_has_the_tls_policy_of_the_api_and_a_certificate_from_a_parameter():
    template = gateway("api.example.org")
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
