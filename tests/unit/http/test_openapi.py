"""The OpenAPI document of a service matches its responses."""

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
    app = create_service("shop", title="Shop", health=lambda: Health(service="shop", version="1"))

    @app.post("/orders", status_code=202)
    def order(order: Order) -> Order:
        """Take an order.

        It is sent when the shop opens.
        """
        return order

    @app.get("/orders/{number}")
    def one_order(number: int) -> Order:
        return Order(name=str(number))

    return app


@pytest.fixture(scope="module")
def document(app):
    return TestClient(app).get("/openapi.json").json()


def operations(document):
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_every_route_documents_problems_under_their_media_type(document):
    assert len(operations(document)) == 3
    for operation in operations(document):
        assert operation["responses"]["4XX"]["content"] == PROBLEM
        assert operation["responses"]["5XX"]["content"] == PROBLEM
        assert operation["responses"]["4XX"]["description"]


def test_fastapis_validation_error_is_neither_sent_nor_documented(app, document):
    schemas = document["components"]["schemas"]
    assert "Problem" in schemas
    assert not {"HTTPValidationError", "ValidationError"} & schemas.keys()
    for operation in operations(document):
        assert operation["responses"].get("422", {"content": PROBLEM})["content"] == PROBLEM
    response = TestClient(app).post("/orders", json={})
    assert response.status_code == 422
    assert schemas["Problem"]["required"] == ["title", "status", "detail", "code"]
    assert set(schemas["Problem"]["required"]) <= response.json().keys()
    assert response.json().keys() <= schemas["Problem"]["properties"].keys()


def test_successful_responses_keep_their_media_type(document):
    content = document["paths"]["/orders"]["post"]["responses"]["202"]["content"]
    assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}


def test_the_first_line_of_a_docstring_is_the_summary(document):
    operation = document["paths"]["/orders"]["post"]
    assert operation["summary"] == "Take an order"
    assert operation["description"] == "It is sent when the shop opens."


def test_a_route_without_a_docstring_keeps_its_name_as_summary(document):
    assert document["paths"]["/orders/{number}"]["get"]["summary"] == "One Order"


def test_the_document_is_the_same_when_read_again(app, document):
    assert app.openapi() == document


def test_allow_lists_the_methods_of_all_routes_of_a_path():
    app = create_service("shop", title="Shop", health=lambda: Health(service="shop", version="1"))
    app.get("/orders")(lambda: "orders")
    app.post("/orders")(lambda: "order")
    response = TestClient(app).delete("/orders")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
