"""Metrics of a service, as Prometheus reads them."""

import json
import re
from pathlib import Path

import anyio
import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from local.services.metrics import Metrics
from local.services.queue_metrics import AGE, DEAD_LETTERS, MESSAGES
from local.services.server import serve
from shared.errors import ReviewlensError

ROOT = Path(__file__).resolve().parents[3]
OBSERVABILITY = ROOT / "deploy/observability"


@pytest.fixture
def application():
    app = FastAPI()

    @app.get("/products/{product_id}")
    def product(product_id: str):
        if product_id == "broken":
            raise RuntimeError("broken")
        return {"product_id": product_id}

    return app


@pytest.fixture
def metrics(application):
    metrics = Metrics(application, "insights")
    stop = metrics.serve("127.0.0.1", 0)
    yield metrics
    stop()


def ask(metrics, *paths, method="GET"):
    async def send():
        transport = httpx.ASGITransport(metrics, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            for path in paths:
                await client.request(method, path)

    anyio.run(send)


def scrape(metrics):
    """What Prometheus gets: name of a sample → its labels and value."""
    answer = httpx.get(f"http://127.0.0.1:{metrics.port}/metrics")
    assert answer.status_code == 200
    return [
        sample
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    ]


def counted(samples):
    return {
        (each.labels["method"], each.labels["route"], each.labels["status"]): each.value
        for each in samples
        if each.name == "reviewlens_requests_total"
    }


def test_requests_are_counted_by_route_and_not_by_path(metrics):
    ask(metrics, "/products/a", "/products/b", "/products/broken", "/reviewers/someone", "/health")
    samples = scrape(metrics)
    route = "/products/{product_id}"
    assert counted(samples) == {
        ("GET", route, "200"): 2,
        ("GET", route, "500"): 1,
        ("GET", "other", "404"): 1,
        ("GET", "/health", "404"): 1,
    }
    assert "someone" not in str(samples)
    durations = {
        each.labels["route"]: each.value
        for each in samples
        if each.name == "reviewlens_request_seconds_count"
    }
    assert durations == {route: 3, "other": 1, "/health": 1}
    (running,) = (each for each in samples if each.name == "reviewlens_requests_running")
    assert (running.labels, running.value) == ({"service": "insights"}, 0)


def test_an_invented_method_makes_no_series(metrics):
    ask(metrics, "/products/a", method="INVENTED")
    assert {method for method, _, _ in counted(scrape(metrics))} == {"other"}


def test_a_port_in_use_is_named(metrics, application, monkeypatch):
    monkeypatch.setenv("REVIEWLENS_METRICS_PORT", str(metrics.port))
    with pytest.raises(ReviewlensError, match=rf"REVIEWLENS_METRICS_PORT: port {metrics.port}"):
        serve(application, "127.0.0.1", 0, name="insights")


def test_the_dashboard_and_the_alerts_ask_for_metrics_that_exist(metrics):
    ask(metrics, "/products/a")
    known = {each.name for each in scrape(metrics)} | {"up", MESSAGES, DEAD_LETTERS, AGE}
    dashboard = json.loads((OBSERVABILITY / "grafana.json").read_text())
    texts = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    texts += re.findall(r"expr: (.+)", (OBSERVABILITY / "alerts.yml").read_text())
    assert len(texts) > 6
    for text in texts:
        names = set(re.findall(r"\b(?:reviewlens|process)_\w+|\bup\b", text))
        assert names, text
        assert names <= known, text
