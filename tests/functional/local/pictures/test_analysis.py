"""A picture beside the text of an analysis: used, refused, or without a model for it."""

import base64
import json
from io import BytesIO

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from PIL import Image

from local.names import IMAGE_FETCH_FUNCTION
from shared.runtime.pictures import PictureModel
from shared.serving.answers import IMAGE_IGNORED, NO_INDEX, TEXT_ALONE_DECIDES
from tests.functional.local.pictures.samples import (
    PNG,
    TEXT,
    UNUSED,
    encoded,
)
from tests.hostile import redirect, response
from tests.pictures import drawn
from tests.sauces import tiny_picture_model


@pytest.fixture
def warnings(ask):
    """``warnings(…)``: those about the picture; the text is analysed all the same."""

    def post(modalities=("text",), **fields):
        status, body = ask({"query_text": TEXT, **fields})
        assert (status, body["modalities"]) == (200, list(modalities))
        assert body["sentiment"] is not None
        assert body["warnings"][-1] == NO_INDEX
        return body["warnings"][:-1]

    return post


def test_a_picture_is_read_from_its_address_and_from_the_request(warnings, server):
    server.answers["/a"] = response(PNG)
    used = {"modalities": ("text", "image")}
    url = f"https://localhost:{server.port}/a"
    assert warnings(**used, image_url=url) == [TEXT_ALONE_DECIDES]
    assert len(server.requests) == 1
    assert warnings(**used, image_data=encoded(PNG)) == [TEXT_ALONE_DECIDES]


@pytest.mark.parametrize("path", ["/analyze", "/search_similar"])
def test_an_answer_has_the_picture_that_was_used_if_it_is_asked_for(ask, path):
    body = {"query_text": TEXT, "image_data": encoded(PNG)}
    assert ask(body, path=path)[1]["picture"] is None
    picture = ask({**body, "picture_preview": True}, path=path)[1]["picture"]
    shown = Image.open(BytesIO(base64.b64decode(picture.pop("data"))))
    assert (shown.format, shown.size) == ("JPEG", drawn().size)
    assert picture == {"media_type": "image/jpeg", "width": 40, "height": 30}
    refused = {**body, "image_data": encoded(PNG[:-40]), "picture_preview": True}
    assert ask(refused, path=path)[1]["picture"] is None


def test_data_goes_before_an_address(warnings, server):
    url = f"https://localhost:{server.port}/a"
    ignored = "image_url was ignored because image_data is set"
    both = warnings(("text", "image"), image_data=encoded(PNG), image_url=url)
    assert both == [ignored, TEXT_ALONE_DECIDES]
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
        status, body = ask({"query_text": TEXT, **field}, model=None)
        assert (status, body["warnings"][0]) == (200, IMAGE_IGNORED)
    assert server.requests == []


def test_a_picture_without_a_text_needs_a_picture_model(ask):
    status, body = ask({"image_data": encoded(PNG)}, model=None)
    assert (status, body["errors"][0]["field"]) == (422, "query_text")
    assert "no picture model is loaded" in body["detail"]
    status, body = ask({"image_data": encoded(PNG)})
    assert (status, body["sentiment"], body["modalities"]) == (200, None, ["image"])
    status, body = ask({"query_text": "", "image_data": encoded(PNG)})
    assert (status, body["errors"][0]["field"]) == (422, "query_text")


def test_a_text_alone_does_not_open_the_picture_model(ask, tmp_path):
    broken = PictureModel(tmp_path / "missing")
    status, answer = ask({"query_text": TEXT}, model=broken)
    assert (status, answer["warnings"]) == (200, [NO_INDEX])
    status, answer = ask({"query_text": TEXT, "image_data": encoded(PNG)}, model=broken)
    reason = "the picture model cannot be used: manifest.json of the picture model cannot be read"
    assert (status, answer["warnings"][0]) == (200, UNUSED + reason)


def test_a_picture_model_of_another_text_model_is_not_used(ask, server, tmp_path):
    other = PictureModel(tiny_picture_model(tmp_path / "pictures", text_model="another"))
    body = {"query_text": TEXT, "image_url": f"https://localhost:{server.port}/a"}
    status, answer = ask(body, model=other)
    reason = "the vectors of tiny-pictures-1 cannot be compared with tiny-1-0a1b2c3d"
    assert (status, answer["warnings"][0]) == (200, UNUSED + reason)
    assert server.requests == []


def test_a_damaged_picture_model_is_not_used(ask, tmp_path):
    folder = tiny_picture_model(tmp_path / "pictures")
    (folder / "model.onnx").write_bytes(b"damaged")
    body = {"query_text": TEXT, "image_data": encoded(PNG)}
    status, answer = ask(body, model=PictureModel(folder))
    assert status == 200
    assert "model.onnx of tiny-pictures-1 is missing or corrupt" in answer["warnings"][0]


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


def test_stars_that_contradict_the_text_are_named(ask):
    analysis = ask({"query_text": "gentle mild soft", "rating": 1})[1]
    assert (analysis["sentiment"], analysis["sure"]) == ("positive", True)
    assert analysis["mismatch"] == "stars_below_text"
    for rating in (None, 3, 5):
        assert ask({"query_text": "gentle mild soft", "rating": rating})[1]["mismatch"] is None
