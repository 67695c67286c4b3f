"""The OpenAPI document of a service says what the service sends."""

import pytest
from pydantic import BaseModel
from starlette.testclient import TestClient

from shared.http.app import create_service
from shared.schemas.health import Health

PROBLEM = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
}


class Order(BaseModel):
    name: str


@pytest.fixture(scope="module")
def app():
    made = create_service("shop", title="Shop", health=lambda: Health(service="shop", version="1"))

    @made.post("/orders", status_code=202)
    def order(order: Order) -> Order:
        """Take an order.

        It is sent when the shop opens.
        """
        return order

    @made.get("/orders/{number}")
    def one_order(number: int) -> Order:
        return Order(name=str(number))

    return made


@pytest.fixture(scope="module")
def document(app):
    return TestClient(app).get("/openapi.json").json()


def operations(document):
    return [found for path in document["paths"].values() for found in path.values()]


def test_every_route_documents_problems_under_their_media_type(document):
    assert len(operations(document)) == 3
    for found in operations(document):
        assert found["responses"]["4XX"]["content"] == PROBLEM
        assert found["responses"]["5XX"]["content"] == PROBLEM
        assert found["responses"]["4XX"]["description"]


def test_the_validation_error_of_fastapi_is_never_sent_and_not_documented(app, document):
    schemas = document["components"]["schemas"]
    assert "Problem" in schemas
    assert not {"HTTPValidationError", "ValidationError"} & schemas.keys()
    assert all("422" not in found["responses"] for found in operations(document))
    sent = TestClient(app).post("/orders", json={})
    assert sent.status_code == 422
    assert schemas["Problem"]["required"] == ["title", "status", "detail", "code"]
    assert set(schemas["Problem"]["required"]) <= sent.json().keys()
    assert sent.json().keys() <= schemas["Problem"]["properties"].keys()


def test_answers_keep_their_own_media_type(document):
    answer = document["paths"]["/orders"]["post"]["responses"]["202"]["content"]
    assert answer == {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}


def test_the_first_line_of_a_docstring_is_the_summary(document):
    found = document["paths"]["/orders"]["post"]
    assert found["summary"] == "Take an order"
    assert found["description"] == "It is sent when the shop opens."


def test_a_route_without_a_docstring_keeps_its_name_as_summary(document):
    assert document["paths"]["/orders/{number}"]["get"]["summary"] == "One Order"


def test_a_second_look_gives_the_same_document(app, document):
    assert app.openapi() == document
