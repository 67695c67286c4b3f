"""Requests with pictures, read by the real function in its processes on one machine."""

from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from lambdas.inference import api as inference
from lambdas.inference.dependencies import Dependencies
from lambdas.retrieval import api as retrieval
from lambdas.retrieval.dependencies import Dependencies as RetrievalDependencies
from local.aws.resources import local_client
from local.aws.server import LocalAws
from local.names import IMAGE_FETCH_FUNCTION
from local.stack.ports import bind
from local.stack.processes import FunctionProcesses
from shared.runtime.encoder import open_folder
from shared.runtime.picture_tower import CurrentPictureTower
from shared.runtime.pictures import PictureModel
from shared.serving.picture_files import PictureFiles
from shared.serving.pictures import InvokedPictureReader
from shared.serving.query_pictures import Pictures
from shared.serving.snapshots import Snapshot
from tests.fakes.objects import MemoryStore
from tests.functional.local.conftest import KEYS
from tests.hostile import Authority, serving
from tests.sauces import tiny_model, tiny_picture_model


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server with TLS, and its authority's file."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    with serving({}, authority.server_context("localhost")) as running:
        running.authority = authority.file
        yield running


@pytest.fixture(scope="session")
def processes(server, tmp_path_factory):
    """The processes of the function; nothing else may fetch from loopback."""
    settings = {"LOOPBACK": "true", "PORTS": f"443,{server.port}", "CA_FILE": server.authority}
    running = FunctionProcesses(
        "lambdas.image_fetch.handler",
        variables={f"REVIEWLENS_IMAGE_FETCH_{name}": str(v) for name, v in settings.items()},
        log_path=tmp_path_factory.mktemp("logs") / "image_fetch.log",
        timeout_seconds=120.0,
    )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def functions(processes, tmp_path_factory):
    """A Lambda client of the local AWS with the function."""
    with bind(0, purpose="test AWS", option="-") as listener:
        url = "http://{}:{}".format(*listener.getsockname())
        aws = LocalAws(
            tmp_path_factory.mktemp("s3"),
            listener.dup(),
            keys=KEYS,
            functions={IMAGE_FETCH_FUNCTION: processes},
        )
        aws.start()
        yield local_client("lambda", url, KEYS)
        aws.stop()


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return Snapshot(open_folder(tiny_model(tmp_path_factory.mktemp("m") / "model")), None)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return PictureModel(tiny_picture_model(tmp_path_factory.mktemp("p") / "pictures"))


@pytest.fixture(scope="module")
def stored():
    """The artefact bucket."""
    return MemoryStore("artefacts")


@pytest.fixture
def ask(snapshot, model, functions, server, stored):
    """``ask(body)``: status and body of POST /analyze with a picture model; see the options."""
    server.requests.clear()

    def post(body, path="/analyze", model=model, function=IMAGE_FETCH_FUNCTION, snapshot=snapshot):
        reader = InvokedPictureReader(lambda: functions, function)
        state = SimpleNamespace(snapshot=lambda: snapshot)
        pictures = Pictures(reader, model, CurrentPictureTower()) if model else None
        if path not in {"/search_similar", "/review_pictures"}:
            dependencies = Dependencies(state, pictures=pictures, files=PictureFiles(stored))
            app = inference.create_app(lambda: dependencies)
        else:
            searching = RetrievalDependencies(state, stored, None, pictures)
            app = retrieval.create_app(lambda: searching)
        answer = TestClient(app).post(path, json=body)
        return answer.status_code, answer.json()

    return post
