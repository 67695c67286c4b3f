"""Lambda entry of migrations: a CloudFormation custom resource, or a plain invocation."""

from typing import Any

from lambdas.migrations.dependencies import build_dependencies
from lambdas.migrations.service import handle_event


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's form
    """Migrate the database; repeated and concurrent runs change nothing.

    Returns:
        The response of ``service.handle_event``.
    """
    return handle_event(event, build_dependencies())
