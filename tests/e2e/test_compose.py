"""The services of docker-compose.yml with their own commands behind the real proxy."""

import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import httpx
import psycopg
import pytest

from cdk.constructs.routes import openapi_document, routes_of
from reviewlens import Client
from shared.db.connection import connection_arguments
from tests.containers import Containers, compose_config, copy_project
from tests.e2e.stack import wait_until
from tests.models import model_folder

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
LAST = ("collection", "processing", "training", "retrieval", "insights", "worker")
PORTS = {"9001": "collection", "8002": "processing", "8003": "training", "8004": "retrieval"}
PORTS |= {"8005": "inference", "8007": "insights"}


@pytest.fixture(scope="module")
def project():
    """A folder with the files of Compose and what setup.sh makes."""
    folder = copy_project(Path(tempfile.mkdtemp(prefix="reviewlens-compose-")))
    subprocess.run([folder / "setup.sh", "--files"], check=True, capture_output=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def database(postgres, project):
    """An empty database in place of the container with PostgreSQL."""
    name = f"compose_{project.name[-8:].replace('-', '_').lower()}"
    with psycopg.connect(**connection_arguments(postgres.secret), autocommit=True) as owner:
        owner.execute(f'CREATE DATABASE "{name}"')
        secret = project / ".compose/database.json"
        assert json.loads(secret.read_text()).keys() == postgres.secret.keys()
        secret.chmod(0o600)
        secret.write_text(json.dumps(postgres.secret | {"dbname": name}))
        yield name
        owner.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def containers(project, database):
    """All services, with two containers of inference, as ``--scale inference=2`` has them."""
    state = project / "state"
    for name in ("cache", "aws", "training", "scratch"):
        (state / name).mkdir(parents=True)
    paths = {"/var/lib/reviewlens": str(state)}
    paths |= {"/opt/reviewlens/models/default": str(model_folder())}
    paths |= {"/opt/reviewlens/models": str(ROOT / "models")}
    started = Containers(compose_config(project), project, paths)
    try:
        started.start("aws")
        started.wait("aws")
        prepare = started.start("prepare")
        assert prepare.wait(900) == 0, started.log("prepare-1")
        quick = {"REVIEWLENS_POINTER_REFRESH_SECONDS": "1"}
        proxy = started.start("proxy")
        for name in LAST:
            started.start(name, **quick)
        for number in (1, 2):
            started.start("inference", number, **quick)
        for name in LAST:
            started.wait(name)
        for number in (1, 2):
            started.wait("inference", number)
        started.wait("proxy")
        started.start("frontend")
        assert proxy.poll() is None
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def url(containers):
    return containers.url("proxy", 8080)


def test_an_uploaded_dump_is_processed_and_found_behind_the_proxy(url):
    with Client(url, timeout=180) as client:
        key = client.upload(ROOT / "samples" / "reviews.jsonl.gz")

        def processed():
            ingest = next(iter(client.ingests(key=key, limit=1).ingests), None)
            return ingest if ingest and ingest.status.startswith("processed") else None

        ingest = wait_until(processed, what="the end of the ingest", every=0.2)
        assert ingest.stored > 0
        assert ingest.rows_read == ingest.stored + ingest.duplicates + ingest.rejected

        def found():
            return (
                client.service_health("retrieval").index_version and client.search("hinge").results
            )

        wait_until(found, what="an index with the reviews", every=0.2)
        assert client.analyze("The hinge snapped at once, awful.").sentiment == "negative"
        assert list(client.products(limit=3))
        assert client.trends().points


def test_each_route_reaches_its_service(containers, url):
    sent = []
    with httpx.Client(base_url=url, timeout=180) as client:
        for route in routes_of(openapi_document()):
            path = re.sub(r"\{\w+\}", "none", route.path)
            if route.method == "GET" or "{" in route.path:
                client.request(route.method, path)
            else:
                client.request(route.method, path, content=b"not JSON")
            sent.append((route.method, route.path, route.service))
        assert client.get("/none").json()["code"] == "route_not_found"
        assert client.get("/reviewlens-raw").status_code == 403
    lines = [line.split() for line in containers.log("proxy-1").splitlines()]
    lines = [line for line in lines if len(line) == 5][-len(sent) - 2 : -2]
    assert len(sent) == len(lines) > 25
    reached = [PORTS[line[4].rpartition(":")[2]] for line in lines]
    assert [(*each[:2], name) for each, name in zip(sent, reached, strict=True)] == sent


def test_both_containers_of_inference_answer_and_one_may_stop(containers, url):
    with httpx.Client(base_url=url, timeout=180) as client:
        for _ in range(30):
            assert client.get("/health").status_code == 200
        lines = containers.log("proxy-1").splitlines()[-30:]
        assert len(Counter(line.split()[-1] for line in lines)) == 2
        assert containers.stop("inference-2") == 0
        for _ in range(30):
            answer = client.post("/analyze", json={"query_text": "A lovely kettle."})
            assert answer.status_code == 200, answer.text


def test_the_page_shows_the_api(containers):
    containers.wait("frontend")
    page = httpx.get(containers.url("frontend", 8006), timeout=180)
    assert page.status_code == 200
    assert "Reviewlens" in page.text


def test_all_services_stop_when_they_are_asked_to(containers):
    containers.close()
    ended = {name: process.returncode for name, process in containers.processes.items()}
    assert ended == dict.fromkeys(ended, 0), containers.log("worker-1")[-2000:]
