"""Routes of the API: access, the function behind each, and the validation of bodies."""

import json
import re

import pytest
from aws_cdk import App, Stack
from jsonschema import Draft4Validator
from pydantic import ValidationError

from cdk.constructs.gateway import Gateway
from cdk.constructs.routes import (
    Access,
    draft4_schema,
    openapi_document,
    routes_of,
    serving_path,
)
from cdk.environments import ENVIRONMENTS
from cdk.stacks.foundation import FoundationStack
from lambdas.collection.uploads import UploadRequest
from lambdas.processing.api import ProcessRequest
from shared.schemas.api import AnalyzeBatchRequest, AnalyzeRequest
from shared.schemas.embeddings import EmbeddingsRequest
from shared.schemas.search import SearchRequest
from tests.infra.gateway import Method, alias_of, function_of, methods, service_of
from tests.infra.templates import Assembly

pytestmark = pytest.mark.timeout(1800)

ACCESS = {
    "GET /health": "open",
    "GET /health/{service}": "key",
    "POST /analyze": "key",
    "POST /analyze/batch": "key",
    "POST /review_pictures": "key",
    "POST /search_similar": "key",
    "GET /products": "key",
    "GET /products/{product_id}": "key",
    "GET /products/{product_id}/summary": "key",
    "GET /reviews": "key",
    "GET /trends": "key",
    "GET /movers": "key",
    "GET /overview": "key",
    "GET /segments": "key",
    "GET /drift": "key",
    "GET /aspects": "key",
    "GET /duplicates": "key",
    "GET /collect": "key",
    "GET /collect/{ingest_id}": "key",
    "GET /collect/{ingest_id}/rejects": "key",
    "GET /status/{training_id}": "key",
    "POST /collect": "iam",
    "DELETE /collect/{ingest_id}": "iam",
    "GET /exclusions": "key",
    "GET /exclusions/{exclusion_id}": "key",
    "DELETE /exclusions/{exclusion_id}": "iam",
    "DELETE /products/{product_id}": "iam",
    "DELETE /reviewers/{reviewer_id}": "iam",
    "POST /uploads": "iam",
    "POST /uploads/preview": "iam",
    "POST /process": "iam",
    "POST /embeddings": "iam",
    "POST /comprehend": "key",
    "POST /v1/embeddings": "key",
    "POST /build_index": "iam",
    "POST /train": "iam",
    "POST /status/{training_id}/cancel": "iam",
}
"""Route → its access. A new route must be added here, so that its access is a decision."""


OWN_ERRORS = {"POST /comprehend", "POST /v1/embeddings"}
"""Routes that only their service validates, so that errors have the shape their clients expect."""


def _documented_operations() -> dict[str, dict]:
    return {
        f"{verb.upper()} {path}": operation
        for path, operations in openapi_document()["paths"].items()
        for verb, operation in operations.items()
    }


def _documented_route(method: Method) -> str:
    path = re.sub(r"^/health/\w+$", "/health/{service}", method.path).replace("+}", "}")
    return f"{method.verb} {path}"


def test_the_access_of_every_documented_route_is_decided():
    assert ACCESS.keys() == _documented_operations().keys()


def test_every_route_exists_with_its_access(api):
    served = {
        route: access
        for route, access in ACCESS.items()
        if not serving_path(route.partition(" ")[2])
    }
    assert {_documented_route(method): method.access for method in methods(api)} == served


def test_a_route_below_an_id_with_slashes_has_the_access_of_that_id():
    document = openapi_document()
    assert serving_path("/products/{product_id}/summary") == "/products/{product_id+}"
    assert ACCESS["GET /products/{product_id}/summary"] == ACCESS["GET /products/{product_id}"]
    document["paths"]["/products/{product_id}/summary"]["get"]["tags"] = ["collection"]
    with pytest.raises(ValueError, match=r"GET /products/\{product_id\}/summary needs the access"):
        routes_of(document)


def test_every_route_calls_the_function_of_its_service(assembly: Assembly, api):
    documented = _documented_operations()
    for method in methods(api):
        (tag,) = documented[_documented_route(method)]["tags"]
        if tag == "health":
            tag = method.path.rpartition("/")[2].replace("health", "inference")
        alias = alias_of(assembly, method)
        assert alias.properties["Name"] == "live"
        assert service_of(function_of(assembly, alias)) == tag, method.path


def test_a_new_post_route_requires_iam():
    new = {"paths": {"/erase": {"post": {"tags": ["collection"]}}}}
    assert [route.access for route in routes_of(new)] == [Access.IAM]


def test_a_route_without_a_service_is_an_error():
    with pytest.raises(ValueError, match="POST /erase needs exactly one tag"):
        routes_of({"paths": {"/erase": {"post": {}}}})


def test_a_service_without_a_function_is_an_error():
    app = App()
    operations = FoundationStack(app, "f", environment=ENVIRONMENTS["dev"]).operations
    with pytest.raises(KeyError, match="inference"):
        Gateway(Stack(app, "s"), "Gateway", operations=operations, functions={})


def test_every_service_has_a_health_route(api):
    paths = {method.path for method in methods(api)}
    services = {path.removeprefix("/health/") for path in paths if path.startswith("/health/")}
    (parameter,) = openapi_document()["paths"]["/health/{service}"]["get"]["parameters"]
    assert services == set(parameter["schema"]["enum"])


def test_required_bodies_are_validated_before_they_reach_a_function(api):
    documented = _documented_operations()
    for method in methods(api):
        route = _documented_route(method)
        body = documented[route].get("requestBody", {})
        models = method.resource.properties.get("RequestModels", {})
        validated = body.get("required", False) and route not in OWN_ERRORS
        assert (set(models) == {"application/json"}) is validated, method.path
        assert "RequestValidatorId" in method.resource.properties
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
    (EmbeddingsRequest, {}),
    (EmbeddingsRequest, {"pictures": [{"image_data": "AAAA"}]}),
    (EmbeddingsRequest, {"pictures": [{"image_url": "ftp://a.example/"}]}),
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


@pytest.mark.parametrize(("request_class", "body"), BODIES)
def test_the_gateway_accepts_the_bodies_that_the_service_accepts(
    assembly: Assembly, request_class, body
):
    (model,) = [
        resource
        for resource in assembly.one("prod", "api").all("AWS::ApiGateway::Model")
        if resource.properties["Name"] == request_class.__name__
    ]
    schema = model.properties["Schema"]
    Draft4Validator.check_schema(schema)
    try:
        request_class.model_validate(body)
        accepted = True
    except ValidationError:
        accepted = False
    assert Draft4Validator(schema).is_valid(body) is accepted


def test_a_schema_keyword_without_a_draft_4_equivalent_is_an_error():
    spec = {"components": {"schemas": {"Odd": {"type": "number", "exclusiveMinimum": 0}}}}
    with pytest.raises(ValueError, match="exclusiveMinimum"):
        draft4_schema(spec, "Odd")


def test_the_outputs_show_how_to_call_the_api(api):
    outputs = api.body["Outputs"]
    assert "execute-api" in json.dumps(outputs["ApiUrl"]["Value"])
    (key,) = api.all("AWS::ApiGateway::ApiKey")
    assert outputs["ApiKeyId"]["Value"] == {"Ref": key.name}
