"""The gateway: routing by first segment, health of all services, refusal of other sites."""

from contextlib import asynccontextmanager
from html.parser import HTMLParser
from importlib import import_module

import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.testclient import TestClient

from local.stack.gateway import SERVICES, Gateway, GatewaySettings, guarded
from shared.schemas.cors import READING_POSTS
from shared.schemas.health import Health

ROUTES = {
    "/collect": {"get", "post"},
    "/collect/{ingest_id}": {"get"},
    "/process": {"post"},
    "/embeddings": {"post"},
    "/comprehend": {"post"},
    "/v1/embeddings": {"post"},
    "/review_pictures": {"post"},
    "/search_similar": {"post"},
    "/build_index": {"post"},
    "/analyze": {"post"},
    "/analyze/batch": {"post"},
    "/products": {"get"},
    "/products/{product_id}": {"get"},
    "/reviews": {"get"},
    "/train": {"post"},
    "/status/{training_id}": {"get"},
    "/status/{training_id}/cancel": {"post"},
    "/health": {"get"},
    "/health/{service}": {"get"},
}
"""Design, section 4."""
ORIGINS = ["http://evil.example", "http://localhost:8006", "null", "http://["]


def small_app(name, health=None):
    """An application that echoes its name and the path, and records its lifespan events."""

    @asynccontextmanager
    async def lifespan(app):
        app.state.events = ["started"]
        yield
        app.state.events.append("ended")

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/health")
    def _health():
        if isinstance(health, Exception):
            raise health
        return {"status": "ok", "service": name, "version": "1"} | (health or {})

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    def _echo(path: str):
        return {"service": name, "path": path}

    return app


@pytest.fixture
def apps():
    return {service.name: small_app(service.name) for service in SERVICES}


@pytest.fixture
def http(apps):
    return TestClient(Gateway(apps))


@pytest.fixture
def closed(apps):
    """A client of the gateway as it is served."""
    return TestClient(guarded(Gateway(apps), GatewaySettings()), base_url="http://localhost:8080")


@pytest.fixture(scope="module")
def real():
    """The gateway with the real applications."""
    return Gateway(
        {service.name: import_module(service.module).create_app() for service in SERVICES}
    )


def problem_of(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert {"type", "title", "detail", "code"} <= body.keys()
    return body["status"], body["code"]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_requests_are_routed_by_first_segment(http, service):
    for segment in service.segments:
        for path in (segment, f"{segment}/", f"{segment}/a/b%2Fc"):
            echo = http.post(f"/{path}").json()
            assert echo["service"] == service.name
            assert echo["path"].startswith(segment)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/docs/x", "/health/missing", "/health/insights/x", "/a%00"]
)
def test_an_unknown_route_is_a_problem(http, path):
    answer = http.get(path)
    assert problem_of(answer) == (404, "route_not_found")


def test_only_whole_segments_are_matched(http):
    assert problem_of(http.get("/analyzed")) == (404, "route_not_found")
    assert problem_of(http.get("/x/analyze")) == (404, "route_not_found")


@pytest.mark.parametrize(
    ("method", "path", "service_path"),
    [("GET", "/analyzed", "/analyze/x/y"), ("DELETE", "/health", "/analyze")],
)
def test_the_problems_of_the_gateway_match_those_of_the_services(real, method, path, service_path):
    http = TestClient(real)
    own, expected = http.request(method, path), http.request(method, service_path)
    assert own.status_code == expected.status_code
    assert own.json() == expected.json() | {"detail": f"No route for {method} {path}"}


def test_segments_match_the_routes_of_each_service(real):
    for service in SERVICES:
        paths = real._applications[service.name].openapi()["paths"]
        segments = {path.split("/")[1] for path in paths} - {"health"}
        assert {*service.segments, *service.deletions} == segments
        for path in paths:
            if path.split("/")[1] in service.deletions:
                assert paths[path].keys() == {"delete"}


def test_one_path_may_have_methods_of_two_services(real):
    http = TestClient(real, raise_server_exceptions=False)
    refused = http.patch("/products/a/b")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, DELETE")
    assert http.delete("/products").status_code == 405
    document = real.openapi()["paths"]["/products/{product_id}"]
    tags = {method: operation["tags"] for method, operation in document.items()}
    assert tags == {"get": ["insights"], "delete": ["collection"]}


@pytest.mark.parametrize("path", ["/", "/docs", "/health", "/products", "/openapi.json"])
def test_a_request_with_another_host_name_is_refused(closed, path):
    answer = closed.get(path, headers={"host": "rebound.example"})
    assert problem_of(answer) == (421, "untrusted_host")


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_request_of_a_page_of_another_site_is_refused(closed, method, origin):
    answer = closed.request(method, "/collect", headers={"origin": origin})
    assert problem_of(answer) == (403, "foreign_origin")
    assert "access-control-allow-origin" not in answer.headers


def test_settings_allow_hosts_and_ask_for_a_token(apps):
    settings = GatewaySettings(allowed_hosts="api.example", gateway_token="0123456789abcdef")
    http = TestClient(guarded(Gateway(apps), settings), base_url="http://api.example")
    assert problem_of(http.get("/products")) == (401, "login_required")
    assert http.get("/products", headers={"x-api-key": "0123456789abcdef"}).status_code == 200


def test_settings_let_listed_pages_read_real_routes_and_nothing_else(real):
    settings = GatewaySettings(cors_origins="https://shop.example.org")
    http = TestClient(guarded(real, settings), base_url="http://localhost:8080")
    origin = {"origin": "https://shop.example.org", "sec-fetch-site": "cross-site"}
    for path, methods in real.openapi()["paths"].items():
        for method in methods:
            asked = {**origin, "access-control-request-method": method.upper()}
            answer = http.options(path.replace("{", "").replace("}", ""), headers=asked)
            reads = method == "get" or path in READING_POSTS
            assert answer.status_code == (204 if reads else 403), (method, path)
    with pytest.raises(ValidationError, match="would let pages of sites that you do not know"):
        GatewaySettings(cors_origins="*")


class Page(HTMLParser):
    """The links, ids and elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.tags = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.add(tag)
        self.links |= {values[name] for name in ("href", "src") if name in values}
        self.ids |= {values["id"]} if "id" in values else set()


def test_the_overview_links_to_everything(real):
    http = TestClient(guarded(real, GatewaySettings()), base_url="http://localhost:8080")
    answer = http.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    page = Page(answer.text)
    assert page.links == {"/docs", "/health", "/openapi.json"}
    assert all(http.get(link).status_code == 200 for link in page.links)


def test_the_docs_describe_every_route_without_scripts_and_other_hosts(real):
    http = TestClient(guarded(real, GatewaySettings()), base_url="http://localhost:8080")
    answer = http.get("/docs")
    page = Page(answer.text)
    assert "script" not in page.tags
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    fragments = {link[1:] for link in page.links if link.startswith("#")}
    assert page.links - {f"#{name}" for name in fragments} == {"/", "/openapi.json"}
    assert fragments <= page.ids
    assert page.ids == real.openapi()["components"]["schemas"].keys()
    for path, methods in real.openapi()["paths"].items():
        for method in methods:
            assert f"<h3>{method.upper()} {path}</h3>" in answer.text
    assert answer.text == http.get("/docs/").text
    assert problem_of(http.post("/docs")) == (405, "method_not_allowed")


def test_health_is_ok_if_all_services_are(apps):
    apps["inference"] = small_app("inference", {"model_version": "m1", "index_version": "i1"})
    answer = TestClient(Gateway(apps)).get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert body["services"].keys() == {service.name for service in SERVICES}
    del body["services"]
    assert body == {
        "status": "ok",
        "service": "gateway",
        "version": "1",
        "model_version": "m1",
        "index_version": "i1",
        "backlog": None,
        "checks": {},
    }


@pytest.mark.parametrize(
    "health", [{"status": "unavailable"}, {"status": 500}, RuntimeError("bug")]
)
def test_health_is_degraded_if_one_service_fails(apps, health):
    apps["insights"] = small_app("insights", health)
    http = TestClient(Gateway(apps))
    body = http.get("/health").json()
    assert body["status"] == "degraded"
    assert body["services"]["insights"]["status"] == "unavailable"
    assert body["services"]["inference"]["status"] == "ok"
    assert Health.model_validate(body["services"]["insights"]).service == "insights"
    assert "bug" not in http.get("/health/insights").text


def test_each_service_has_a_health_route(http):
    for service in SERVICES:
        assert http.get(f"/health/{service.name}").json()["service"] == service.name


def test_a_missing_service_has_no_routes():
    http = TestClient(Gateway({"inference": small_app("inference")}))
    assert http.post("/analyze").status_code == 200
    assert problem_of(http.get("/products")) == (404, "route_not_found")
    assert http.get("/health").json()["services"].keys() == {"inference"}


def test_applications_start_and_end_with_the_gateway(apps):
    with TestClient(Gateway(apps)) as http:
        assert http.get("/products").status_code == 200
        assert [app.state.events for app in apps.values()] == [["started"]] * len(apps)
    assert [app.state.events for app in apps.values()] == [["started", "ended"]] * len(apps)


def test_one_document_describes_every_route(real):
    document = TestClient(real).get("/openapi.json").json()
    paths = {
        path.replace(":path}", "}"): set(methods) for path, methods in document["paths"].items()
    }
    for path, methods in ROUTES.items():
        assert paths.get(path, set()) >= methods
    assert document["openapi"].startswith("3.1")


def references(node):
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == "$ref")
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from references(part)


def test_every_reference_in_the_document_exists(real):
    document = real.openapi()
    all_references = set(references(document))
    assert all_references
    for reference in all_references:
        root, kind, group, name = reference.split("/")
        assert (root, kind, group) == ("#", "components", "schemas")
        assert name in document["components"]["schemas"]


def test_a_schema_name_means_the_same_in_every_service(real):
    schemas_seen = {}
    for application in real._applications.values():
        schemas = application.openapi().get("components", {}).get("schemas", {})
        for name, schema in schemas.items():
            assert schemas_seen.setdefault(name, schema) == schema


def test_every_route_in_the_document_is_routed_to_its_service(real):
    for service in SERVICES:
        for path in real._applications[service.name].openapi()["paths"]:
            if path != "/health":
                assert path.split("/")[1] in (*service.segments, *service.deletions)
