"""How the API's stage limits and logs."""

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs

from cdk.constructs.operations import Operations
from cdk.constructs.routes import Access, Route

STAGE = "v1"
_OPEN_RATE, _OPEN_BURST = 5, 10
"""Requests per second, and at once, of all callers of an open route together."""
_WORK_RATE, _WORK_BURST = 5, 10
"""The same for a route that starts work."""
_LIMITS = {Access.OPEN: (_OPEN_RATE, _OPEN_BURST), Access.IAM: (_WORK_RATE, _WORK_BURST)}
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "latencyMs": "$context.responseLatency",
    "functionMs": "$context.integrationLatency",
    "bytes": "$context.responseLength",
    "keyId": "$context.identity.apiKeyId",
    "caller": "$context.identity.userArn",
    "address": "$context.identity.sourceIp",
    "refused": "$context.error.responseType",
    "firewall": "$context.wafResponseCode",
    "tls": "$context.tlsVersion",
    "trace": "$context.xrayTraceId",
}
"""One line for each request: who, what, how long; neither texts nor keys."""


def stage_options(
    operations: Operations, routes: Sequence[Route], access_log: logs.ILogGroup
) -> apigateway.StageOptions:
    """Options of the stage.

    Args:
        operations: what one key may ask for; all keys together may ask for twice as much.
        routes: those that need no key have limits of their own, as no usage plan counts for them.
        access_log: gets a line for each request.
    """
    environment = operations.environment
    return apigateway.StageOptions(
        stage_name=STAGE,
        access_log_destination=apigateway.LogGroupLogDestination(access_log),
        access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG)),
        tracing_enabled=True,
        **_settings(2 * environment.read_rate, 2 * environment.read_burst),
        method_options={
            f"{route.path}/{route.method}": apigateway.MethodDeploymentOptions(
                **_settings(*_LIMITS[route.access])
            )
            for route in routes
            if route.access in _LIMITS
        },
    )


def _settings(rate: int, burst: int) -> dict[str, Any]:
    """Settings of methods; those of one method replace those of all, none is inherited."""
    return {
        "throttling_rate_limit": rate,
        "throttling_burst_limit": burst,
        "logging_level": apigateway.MethodLoggingLevel.ERROR,
        "data_trace_enabled": False,
        "metrics_enabled": False,  # they cost as custom metrics do, for each method
    }
