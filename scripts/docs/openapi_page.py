"""docs/openapi.json: the OpenAPI document that the gateway serves at /openapi.json."""

import json

from local.stack.gateway import create_app


def openapi_document() -> str:
    """The document with sorted keys; needs neither configuration nor AWS nor a database."""
    return json.dumps(create_app().openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
