"""The function as Lambda calls it, and its settings."""

import base64
import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from lambdas.image_fetch import dependencies
from lambdas.image_fetch.handler import handler
from lambdas.image_fetch.settings import ImageFetchSettings
from shared.errors import InvalidInputError
from shared.schemas.picture import PictureReply
from tests.hostile import Authority, response, serving
from tests.pictures import drawn, opened, saved

PNG = saved(drawn(), "PNG")


@pytest.fixture
def variables(monkeypatch):
    """``variables(name=value)``: settings of the function."""
    dependencies.build_fetcher.cache_clear()
    yield lambda **values: [
        monkeypatch.setenv(f"REVIEWLENS_IMAGE_FETCH_{name.upper()}", str(value))
        for name, value in values.items()
    ]
    dependencies.build_fetcher.cache_clear()


def called(event):
    """The reply, through JSON as from Lambda."""
    return PictureReply.model_validate_json(
        json.dumps(handler(json.loads(json.dumps(event)), None))
    )


def encoded(data):
    return base64.b64encode(data).decode()


def test_a_picture_is_fetched_over_tls(variables, tmp_path):
    authority = Authority(tmp_path)
    with serving({"/a": response(PNG)}, authority.server_context("localhost")) as server:
        variables(loopback="true", ports=server.port, ca_file=authority.file, seconds=20)
        reply = called({"url": f"https://localhost:{server.port}/a"})
    assert reply.problem is None
    assert opened(reply.picture).size == (40, 30)


def test_a_picture_in_the_event_takes_the_same_path(variables):
    noise = bytes(range(256)) * 9
    assert called({"data": encoded(PNG)}).picture.original_kind == "PNG"
    assert called({"data": encoded(noise)}).problem.code == "picture_type"
    assert called({"data": ""}).problem.message.startswith("its type is an empty file")
    assert called({"data": encoded(bytes(3_500_001))}).problem.message == "it has more than 3.5 MB"


def test_by_default_only_https_and_public_hosts_are_fetched(variables):
    variables()
    assert called({"url": "http://shop.example/a.png"}).problem.code == "address_refused"
    assert called({"url": "https://127.0.0.1/a.png"}).problem.code == "address_refused"
    assert called({"url": "https://localhost/a.png"}).problem.code == "address_refused"


@pytest.mark.parametrize(
    "event", [{}, {"url": None}, {"url": 5}, {"url": "a", "data": ""}, {"data": "ä"}, {"uri": "a"}]
)
def test_another_event_is_refused(variables, event):
    with pytest.raises(InvalidInputError):
        handler(event, None)


def test_loopback_is_never_allowed_on_aws(variables, monkeypatch):
    variables(loopback="true")
    assert ImageFetchSettings().image_fetch_loopback
    with monkeypatch.context() as patch:
        patch.setenv("AWS_LAMBDA_FUNCTION_NAME", "image-fetch")
        with pytest.raises(ValidationError, match="only allowed on one machine"):
            ImageFetchSettings()
    monkeypatch.setenv("REVIEWLENS_ENVIRONMENT", "prod")
    with pytest.raises(ValidationError, match="only allowed on one machine"):
        ImageFetchSettings()


@pytest.mark.parametrize("ports", ["", "0", "443;80", "443,", "70000", "a"])
def test_invalid_ports_are_refused(variables, ports):
    variables(ports=ports)
    with pytest.raises(ValidationError, match="from 1 to 65535"):
        ImageFetchSettings()


def test_the_command_line_reads_one_picture(tmp_path):
    source, kept = tmp_path / "a.bin", tmp_path / "kept.jpg"
    source.write_bytes(PNG)
    command = [sys.executable, "-m", "lambdas.image_fetch"]
    done = subprocess.run([*command, source, "--out", kept], capture_output=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["original_kind"]) == (0, "PNG")
    assert kept.read_bytes()[:3] == b"\xff\xd8\xff"
    done = subprocess.run([*command, "https://127.0.0.1/a"], capture_output=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "address_refused")
