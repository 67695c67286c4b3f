"""Answers to the preflights of browsers, for pages whose origins the environment lists."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway

from cdk.constructs.routes import Route
from shared.schemas.cors import ALLOWED_HEADERS, MAX_AGE_SECONDS, is_read


def add_preflights(
    api: apigateway.RestApi, routes: Sequence[Route], origins: Sequence[str]
) -> None:
    """Let pages of some origins send the requests that only read.

    API Gateway answers preflights itself. A path without such a request has no OPTIONS method, so a
    browser does not send requests that start work.

    Args:
        api: the API, with all its routes.
        routes: the routes.
        origins: the origins, at least one.
    """
    methods: dict[str, list[str]] = {}
    for route in routes:
        if is_read(route.method, route.path):
            methods.setdefault(route.path, []).append(route.method)
    for path, allowed in methods.items():
        api.root.resource_for_path(path).add_cors_preflight(
            allow_origins=list(origins),
            allow_methods=sorted(allowed),
            allow_headers=list(ALLOWED_HEADERS),
            max_age=Duration.seconds(MAX_AGE_SECONDS),
        )
