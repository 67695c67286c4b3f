"""The proxy of docker-compose.prod.yml: which key may send what. Nothing is behind it."""

import re
import shutil

import httpx
import pytest

from cdk.constructs.routes import Access, openapi_document, routes_of
from tests.containers import Containers, compose_config
from tests.e2e.stack import wait_until

READER, OPERATOR = "r" * 32, "o" * 32
ROUTES = routes_of(openapi_document())


@pytest.fixture(scope="module")
def proxy(project):
    example = project / "deploy/compose/prod.env.example"
    secrets = project / "secrets"
    shutil.copytree(project / ".compose", secrets)
    (secrets / "api_keys").write_text(f'"{READER}" 1;\n"{OPERATOR}" 2;\n')
    files = ("--env-file", str(example), "-f", "docker-compose.prod.yml")
    containers = Containers(compose_config(project, *files), project, {})
    try:
        containers.start("proxy")
        address = containers.addresses["proxy"][0]
        wait_until(lambda: containers.listens("proxy", 8080), what=f"nginx at {address}")
        with httpx.Client(base_url=containers.url("proxy", 8080)) as client:
            yield client
    finally:
        containers.close()


def status(proxy, route, key):
    path = re.sub(r"\{\w+\}", "none", route.path)
    headers = {"x-api-key": key} if key else {}
    answer = proxy.request(route.method, path, headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_keys_open_what_they_open_on_aws(proxy, route):
    # 503: the request was let through to a service that is not there
    is_open, is_key = route.access is Access.OPEN, route.access is Access.KEY
    expected = (503 if is_open else 401, 503 if is_open or is_key else 403, 503)
    assert tuple(status(proxy, route, key) for key in ("", READER, OPERATOR)) == expected


@pytest.mark.parametrize("key", ["", "x", READER[:-1], f"{READER}x", f'{READER}" 1; "', "default"])
def test_an_unknown_key_opens_nothing(proxy, key):
    assert proxy.get("/products", headers={"x-api-key": key}).status_code == 401


@pytest.mark.parametrize("path", ["/health/../products", "/%68ealth/", "//health//", "/healthz"])
def test_other_spellings_of_the_open_route_open_nothing_else(proxy, path):
    answer = proxy.get(httpx.URL(str(proxy.base_url).rstrip("/") + path))
    assert answer.status_code in {401, 404, 503}
    assert answer.status_code != 503 or path == "//health//"


def test_a_route_that_does_not_exist_is_a_problem(proxy):
    answer = proxy.get("/nothing", headers={"x-api-key": OPERATOR})
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")
