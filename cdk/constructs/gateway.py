"""The REST API in front of the functions: routes, API keys, limits and logs."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from cdk.constructs.acknowledgments import acknowledge
from cdk.constructs.gateway_responses import add_problem_responses
from cdk.constructs.operations import Operations
from cdk.constructs.preflights import add_preflights
from cdk.constructs.routes import Access, Route, draft4_schema, openapi_document, routes_of
from cdk.constructs.stage_options import STAGE, stage_options
from shared.schemas.cors import parse_origins

_TLS_POLICY = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
"""TLS 1.3 or 1.2, with forward secrecy."""
_LOGGING_POLICY = (
    "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
)


class Gateway(Construct):
    """One regional REST API with every route of the OpenAPI document.

    Without ``cors_origins`` of the environment, there are no OPTIONS routes and no CORS headers:
    the Space calls the API from its server. All bodies are JSON: there are no binary media types.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        functions: Mapping[str, lambda_.Alias],
    ) -> None:
        """Create the API.

        Args:
            scope: the parent construct.
            construct_id: its id in the scope.
            operations: limits of an API key, retention of logs.
            functions: service of the document → the alias that handles its requests.

        Raises:
            KeyError: a route belongs to a service without a function.
        """
        super().__init__(scope, construct_id)
        spec = openapi_document()
        self.routes = routes_of(spec)
        self.api = self._create_api(operations)
        self._create_execution_logs(operations)
        self._add_models(spec)
        validator = self.api.add_request_validator(
            "Checked", validate_request_body=True, validate_request_parameters=True
        )
        integrations = {
            name: apigateway.LambdaIntegration(
                alias, allow_test_invoke=False, scope_permission_to_method=False
            )
            for name, alias in functions.items()
        }
        for route in self.routes:
            self._add_route(route, integrations[route.service], validator)
        origins = parse_origins(operations.environment.cors_origins)
        if origins:
            add_preflights(self.api, self.routes, origins)
        add_problem_responses(self.api, origins)
        self.domain = self._add_domain(operations)
        self.key = self._add_reader_key(operations)
        self._acknowledge_findings()

    @property
    def stage_arn(self) -> str:
        """ARN of the stage."""
        return self.api.deployment_stage.stage_arn

    def metric(self, name: str, **options: Any) -> cloudwatch.Metric:
        """A metric of the stage."""
        return self.api.deployment_stage.metric(name, **options)

    def _create_api(self, operations: Operations) -> apigateway.RestApi:
        api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=operations.environment.stage_name,
            description="Sentiment, similar reviews and trends",
            endpoint_configuration=apigateway.EndpointConfiguration(
                types=[apigateway.EndpointType.REGIONAL]
            ),
            # An account has one role per region: the newest API sets it, and all APIs use it for
            # their logs, even after that API is deleted. So the role is retained.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,
            deploy_options=stage_options(
                operations, self.routes, operations.log_group(self, "AccessLogs")
            ),
        )
        api.node.try_remove_child("Endpoint")  # the stack has its own output for it
        _require_strict_tls(api)
        return api

    def _add_domain(self, operations: Operations) -> apigateway.DomainName | None:
        """Serve the API at the domain of the environment, if it has one, below the stage's name."""
        environment = operations.environment
        if not environment.domain:
            return None
        arn = ssm.StringParameter.value_for_string_parameter(
            self, f"/reviewlens/{environment.name}/certificate"
        )
        domain = self.api.add_domain_name(
            "Domain",
            domain_name=environment.domain,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", arn),
            endpoint_type=apigateway.EndpointType.REGIONAL,
            base_path=STAGE,
        )
        _require_strict_tls(domain)
        return domain

    def _create_execution_logs(self, operations: Operations) -> None:
        """Create the log group; API Gateway itself would create it without retention and key."""
        group = logs.LogGroup(
            self,
            "ExecutionLogs",
            log_group_name=f"API-Gateway-Execution-Logs_{self.api.rest_api_id}/{STAGE}",
            encryption_key=operations.key,
            retention=operations.retention,
            removal_policy=operations.removal_policy,
        )
        self.api.deployment_stage.node.add_dependency(group)

    def _add_models(self, spec: Mapping[str, Any]) -> None:
        schemas = {
            route.model: draft4_schema(spec, route.model) for route in self.routes if route.model
        }
        self._models = {
            name: apigateway.Model.from_model_name(
                self,
                f"Named{name}",
                apigateway.CfnModel(
                    self,
                    f"Model{name}",
                    rest_api_id=self.api.rest_api_id,
                    name=name,
                    content_type="application/json",
                    schema=schema,
                ).ref,
            )
            for name, schema in schemas.items()
        }
        if self.api.latest_deployment:
            # a changed schema needs a new deployment
            self.api.latest_deployment.add_to_logical_id(schemas)

    def _add_route(
        self,
        route: Route,
        integration: apigateway.LambdaIntegration,
        validator: apigateway.RequestValidator,
    ) -> None:
        authorization = apigateway.AuthorizationType
        models = {"application/json": self._models[route.model]} if route.model else None
        self.api.root.resource_for_path(route.path).add_method(
            route.method,
            integration,
            api_key_required=route.access is Access.KEY,
            authorization_type=(
                authorization.IAM if route.access is Access.IAM else authorization.NONE
            ),
            request_models=models,
            request_validator=validator,
        )

    def _add_reader_key(self, operations: Operations) -> apigateway.IApiKey:
        environment = operations.environment
        key = self.api.add_api_key(
            "Reader", description=f"{environment.stage_name}: key for read requests"
        )
        plan = self.api.add_usage_plan(
            "Readers",
            description="Limits of each API key",
            throttle=apigateway.ThrottleSettings(
                rate_limit=environment.read_rate, burst_limit=environment.read_burst
            ),
            quota=apigateway.QuotaSettings(
                limit=environment.read_quota_daily, period=apigateway.Period.DAY
            ),
            api_stages=[
                apigateway.UsagePlanPerApiStage(api=self.api, stage=self.api.deployment_stage)
            ],
        )
        plan.add_api_key(key)
        return key

    def _acknowledge_findings(self) -> None:
        callers = "Callers are programs: reads use an API key, requests that start work use IAM"
        acknowledge(self.api, "AwsSolutions-COG4", callers)
        acknowledge(self.api, "AwsSolutions-APIG4", "Reads need a key; only /health is open")
        reason = "API Gateway requires this managed policy on its logging role"
        acknowledge(self.api, f"AwsSolutions-IAM4[Policy::{_LOGGING_POLICY}]", reason)


def _require_strict_tls(construct: Construct) -> None:
    """Set the TLS policy of an API or a domain, which CDK does not know."""
    resource = construct.node.default_child
    if not isinstance(resource, apigateway.CfnRestApi | apigateway.CfnDomainName):
        raise TypeError("neither an API nor a domain")
    resource.security_policy = _TLS_POLICY
    resource.endpoint_access_mode = "STRICT"
