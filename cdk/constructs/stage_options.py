"""Throttling and logging options of the API's stage."""

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs

from cdk.constructs.operations import Operations
from cdk.constructs.routes import Access, Route

STAGE = "v1"
_LIMITS = {Access.OPEN: (5, 10), Access.IAM: (5, 10)}
"""Rate (requests per second) and burst limit of a route without an API key, for all callers."""
_ACCESS_LOG_FIELDS = {
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
"""One line per request: caller, route, status and latency, but neither texts nor API keys."""


def stage_options(
    operations: Operations, routes: Sequence[Route], access_log: logs.ILogGroup
) -> apigateway.StageOptions:
    """Options of the stage.

    Args:
        operations: limits of one API key; the limits of the stage are twice as high.
        routes: all routes; those without an API key get their own limits, as no usage plan
            applies to them.
        access_log: receives a line for each request.
    """
    environment = operations.environment
    return apigateway.StageOptions(
        stage_name=STAGE,
        access_log_destination=apigateway.LogGroupLogDestination(access_log),
        access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG_FIELDS)),
        tracing_enabled=True,
        **_method_settings(2 * environment.read_rate, 2 * environment.read_burst),
        method_options={
            f"{route.path}/{route.method}": apigateway.MethodDeploymentOptions(
                **_method_settings(*_LIMITS[route.access])
            )
            for route in routes
            if route.access in _LIMITS
        },
    )


def _method_settings(rate: int, burst: int) -> dict[str, Any]:
    """Complete settings: those of a method replace those of the stage and inherit nothing."""
    return {
        "throttling_rate_limit": rate,
        "throttling_burst_limit": burst,
        "logging_level": apigateway.MethodLoggingLevel.ERROR,
        "data_trace_enabled": False,
        "metrics_enabled": False,  # detailed metrics are billed as custom metrics per method
    }
