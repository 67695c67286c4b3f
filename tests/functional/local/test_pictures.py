"""POST /analyze with pictures, read by the real function in its processes on one machine."""

import base64
import json
from types import SimpleNamespace

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from fastapi.testclient import TestClient

from lambdas.inference.api import create_app
from lambdas.inference.dependencies import Dependencies
from local.aws.resources import local_client
from local.aws.server import LocalAws
from local.names import IMAGE_FETCH_FUNCTION
from local.stack.ports import bind
from local.stack.processes import FunctionProcesses
from shared.runtime.encoder import open_folder
from shared.serving.answers import IMAGE_IGNORED, NO_INDEX
from shared.serving.pictures import InvokedPictureReader
from shared.serving.snapshots import Snapshot
from tests.functional.local.conftest import KEYS
from tests.hostile import Authority, redirect, response, serving
from tests.pictures import drawn, saved
from tests.sauces import tiny_model

TEXT = "the sauce hurts again"
PNG = saved(drawn(), "PNG")
UNUSED = "the picture was not used: "


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with TLS, and its authority's file."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    with serving({}, authority.server_context("localhost")) as running:
        running.authority = authority.file
        yield running


@pytest.fixture(scope="module")
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


@pytest.fixture
def ask(snapshot, functions, server):
    """``ask(body)``: status and body of POST /analyze where a model uses pictures."""
    server.requests.clear()

    def post(body, uses_pictures=True, function=IMAGE_FETCH_FUNCTION):
        dependencies = Dependencies(
            SimpleNamespace(snapshot=lambda: snapshot),
            pictures=InvokedPictureReader(lambda: functions, function),
            uses_pictures=uses_pictures,
        )
        answer = TestClient(create_app(lambda: dependencies)).post("/analyze", json=body)
        return answer.status_code, answer.json()

    return post


@pytest.fixture
def warnings(ask):
    """``warnings(…)``: those about the picture; the text is analysed all the same."""

    def post(**fields):
        status, body = ask({"query_text": TEXT, **fields})
        assert (status, body["modalities"]) == (200, ["text"])
        assert body["sentiment"] is not None
        assert body["warnings"][-1] == NO_INDEX
        return body["warnings"][:-1]

    return post


def encoded(data):
    return base64.b64encode(data).decode()


def test_a_picture_is_read_from_its_address_and_from_the_request(warnings, server):
    server.answers["/a"] = response(PNG)
    # the model of these tests reads text alone
    assert warnings(image_url=f"https://localhost:{server.port}/a") == [IMAGE_IGNORED]
    assert len(server.requests) == 1
    assert warnings(image_data=encoded(PNG)) == [IMAGE_IGNORED]


def test_data_goes_before_an_address(warnings, server):
    url = f"https://localhost:{server.port}/a"
    ignored = "image_url was ignored because image_data is set"
    assert warnings(image_data=encoded(PNG), image_url=url) == [ignored, IMAGE_IGNORED]
    assert server.requests == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://localhost/a", "its address must start with https"),
        ("https://169.254.169.254/", "its host is not on the public internet"),
        ("https://u@localhost/", "its address must not contain a user name"),
        ("https://localhost:22/", "its address must not name port 22"),
    ],
)
def test_a_refused_address_is_a_warning(warnings, url, reason):
    assert warnings(image_url=url) == [UNUSED + reason]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (redirect("https://169.254.169.254/"), "its host is not on the public internet"),
        (response(b"<svg/>"), "its type is SVG: allowed are JPEG, PNG, WebP, GIF and AVIF"),
        (response(PNG[:-40]), "it is damaged or cut off"),
        (response(b"", status="404 Not Found"), "its server answered with status 404"),
    ],
    ids=range(4),
)
def test_a_refused_answer_is_a_warning(warnings, server, answer, reason):
    server.answers["/a"] = answer
    assert warnings(image_url=f"https://localhost:{server.port}/a") == [UNUSED + reason]


@pytest.mark.parametrize("data", ["", "a", "data:image/png;base64,AAAA", "ä", "AA==\nAA=="])
def test_invalid_data_is_a_warning(warnings, data):
    (warning,) = warnings(image_data=data)
    assert warning.startswith(UNUSED)


def test_a_function_that_cannot_be_invoked_is_a_warning(ask):
    body = {"query_text": TEXT, "image_url": "https://localhost/a"}
    status, answer = ask(body, function="another-function")
    assert (status, answer["warnings"][0]) == (200, UNUSED + "pictures cannot be read now")


def test_without_a_picture_model_nothing_is_fetched_or_decoded(ask, server):
    for field in ({"image_url": f"https://localhost:{server.port}/a"}, {"image_data": "no base64"}):
        status, body = ask({"query_text": TEXT, **field}, uses_pictures=False)
        assert (status, body["warnings"][0]) == (200, IMAGE_IGNORED)
    assert server.requests == []


@pytest.mark.parametrize("text", [{}, {"query_text": None}, {"query_text": ""}])
def test_a_picture_without_a_text_is_refused(ask, text):
    status, body = ask({"image_data": encoded(PNG), **text})
    assert (status, body["errors"][0]["field"]) == (422, "query_text")
    assert "no picture model is loaded" in body["detail"]


def test_only_who_has_the_keys_may_invoke_a_function(functions):
    stranger = boto3.client(
        "lambda",
        endpoint_url=functions.meta.endpoint_url,
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED),
    )
    with pytest.raises(stranger.exceptions.ClientError) as raised:
        stranger.invoke(FunctionName=IMAGE_FETCH_FUNCTION, Payload=b"{}")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_event_that_is_no_request_is_a_failure(functions):
    answer = functions.invoke(FunctionName=IMAGE_FETCH_FUNCTION, Payload=b'{"uri": "a"}')
    assert json.load(answer["Payload"])["errorType"] == "InvalidInputError"
