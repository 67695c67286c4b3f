"""The REST API in front of the functions: routes, keys, limits, logs."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.constructs.explained import acknowledge
from cdk.constructs.operations import Operations
from cdk.constructs.problems import answer_as_problems
from cdk.constructs.routes import Access, Route, document, routes_of, schema_of
from cdk.constructs.stage_options import STAGE, stage_options

_TLS = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
"""TLS 1.3 or 1.2, with forward secrecy."""
_PUSH = "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"


class Gateway(Construct):
    """Every route of the OpenAPI document on one regional REST API, by access.

    No route answers OPTIONS and nothing sends CORS headers: pages of other sites have no business
    here, the Space asks from its server. There are no binary media types: all bodies are JSON.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        operations: Operations,
        functions: Mapping[str, lambda_.Alias],
    ) -> None:
        """Make it.

        Args:
            scope: where it belongs.
            construct_id: its id there.
            operations: rates of a key, retention of logs.
            functions: for each service of the document the alias that answers.

        Raises:
            KeyError: a route of a service that has no function.
        """
        super().__init__(scope, construct_id)
        spec = document()
        self.routes = routes_of(spec)
        self.api = self._api(operations)
        self._log_execution(operations)
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
            self._add(route, integrations[route.service], validator)
        answer_as_problems(self.api)
        self.key = self._let_readers_in(operations)
        self._explain()

    @property
    def stage_arn(self) -> str:
        """The stage, as WAF names it."""
        return self.api.deployment_stage.stage_arn

    def metric(self, name: str, **options: Any) -> cloudwatch.Metric:
        """A metric of the stage."""
        return self.api.deployment_stage.metric(name, **options)

    def _api(self, operations: Operations) -> apigateway.RestApi:
        api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=operations.environment.stage_name,
            description="Sentiment, similar reviews and trends",
            endpoint_configuration=apigateway.EndpointConfiguration(
                types=[apigateway.EndpointType.REGIONAL]
            ),
            # One role per account and region: the newest API of any environment sets it, and all
            # of them go on logging by it when that API goes. So it stays.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,
            deploy_options=stage_options(
                operations, self.routes, operations.log_group(self, "AccessLogs")
            ),
        )
        api.node.try_remove_child("Endpoint")  # an output that the stack has under a better name
        resource = api.node.default_child
        if not isinstance(resource, apigateway.CfnRestApi):
            raise TypeError("the API has no resource")
        resource.security_policy = _TLS
        resource.endpoint_access_mode = "STRICT"
        return api

    def _log_execution(self, operations: Operations) -> None:
        """The group that API Gateway would make by itself, without end and without our key."""
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
            route.model: schema_of(spec, route.model) for route in self.routes if route.model
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
            # a changed schema must be deployed, too
            self.api.latest_deployment.add_to_logical_id(schemas)

    def _add(
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

    def _let_readers_in(self, operations: Operations) -> apigateway.IApiKey:
        environment = operations.environment
        key = self.api.add_api_key("Reader", description=f"{environment.stage_name}: reads")
        plan = self.api.add_usage_plan(
            "Readers",
            description="What each key may ask for",
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

    def _explain(self) -> None:
        acknowledge(self.api, "AwsSolutions-COG4", "Callers are programs: keys read, IAM starts")
        acknowledge(self.api, "AwsSolutions-APIG4", "Reads need a key; only /health needs nothing")
        reason = "AWS's own policy for this one role, which API Gateway checks when it is set"
        acknowledge(self.api, f"AwsSolutions-IAM4[Policy::{_PUSH}]", reason)
