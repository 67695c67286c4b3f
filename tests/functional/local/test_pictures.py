"""Pictures of requests, read by the real function in its processes on one machine."""

import base64
import json
from io import BytesIO
from types import SimpleNamespace

import boto3
import numpy as np
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from fastapi.testclient import TestClient
from PIL import Image

from lambdas.inference import api as inference
from lambdas.inference.dependencies import Dependencies
from lambdas.retrieval import api as retrieval
from lambdas.retrieval.dependencies import Dependencies as RetrievalDependencies
from local.aws.resources import local_client
from local.aws.server import LocalAws
from local.names import IMAGE_FETCH_FUNCTION
from local.stack.ports import bind
from local.stack.processes import FunctionProcesses
from shared.index.build import build_index
from shared.index.reader import IndexReader
from shared.pictures.decode import decode
from shared.runtime.encoder import open_folder
from shared.runtime.picture_tower import CurrentPictureTower
from shared.runtime.pictures import PictureModel
from shared.schemas.pictures import KeptPicture, PictureResults
from shared.serving.answers import IMAGE_IGNORED, NO_INDEX, TEXT_ALONE_DECIDES
from shared.serving.picture_files import PictureFiles
from shared.serving.pictures import InvokedPictureReader
from shared.serving.query_pictures import Pictures
from shared.serving.snapshots import Snapshot
from shared.storage import layout
from shared.storage.artefacts import fetch
from shared.storage.review_pictures import write_vectors
from tests.corpus import made_up_reviews, publish_manifest_only, put_shard, random_vectors
from tests.fakes.objects import MemoryStore
from tests.functional.local.conftest import KEYS
from tests.hostile import Authority, redirect, response, serving
from tests.joint import COLOURS as JOINT_COLOURS
from tests.joint import VERSION, joint_model
from tests.pictures import drawn, saved
from tests.sauces import WIDTH, tiny_model, tiny_picture_model

TEXT = "the sauce hurts again"
PNG = saved(drawn(), "PNG")
UNUSED = "the picture was not used: "
COLOURS = ("red", "lime", "blue", "white", "yellow", "cyan")


def one_colour(name):
    return Image.new("RGB", (40, 40), name)


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


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return PictureModel(tiny_picture_model(tmp_path_factory.mktemp("p") / "pictures"))


@pytest.fixture(scope="module")
def stored():
    """The artefact bucket."""
    return MemoryStore("artefacts")


@pytest.fixture(scope="module")
def pictured(snapshot, model, stored, tmp_path_factory):
    """The same model with an index of six reviews, of which the last has a lime picture."""
    version, rows = snapshot.encoder.version, made_up_reviews(len(COLOURS), 1)
    publish_manifest_only(stored, version, WIDTH)
    put_shard(stored, version, rows, random_vectors(len(COLOURS), WIDTH), ingest="ing_1", part=1)
    lime = decode(saved(one_colour("lime"), "PNG"))
    kept = KeptPicture(
        review_id=rows[-1]["review_id"], url="https://a.example/", outcome="fetched", sha256="lime"
    )
    results = PictureResults(pictures=[kept]).model_dump_json()
    stored.put(layout.picture_results("ing_1", 1), results.encode())
    vectors = model.encode(lime)[None].astype(np.float16)
    write_vectors(stored, layout.picture_vectors("ing_1", version, 1), vectors)
    stored.put(layout.picture_file("ing_1", "lime"), lime.data)
    folder = tmp_path_factory.mktemp("pictured")
    built = build_index(stored).version
    return Snapshot(snapshot.encoder, IndexReader(fetch(stored, "index", built, folder)))


@pytest.fixture(scope="module")
def indexed(snapshot, model, tmp_path_factory):
    """The same model with an index of six reviews: the vector of ``COLOURS[i]`` is review i's."""
    pictures = [decode(saved(one_colour(each), "PNG")) for each in COLOURS]
    vectors = np.stack([model.encode(each) for each in pictures]).astype(np.float16)
    store, version = MemoryStore("artefacts"), snapshot.encoder.version
    publish_manifest_only(store, version, WIDTH)
    put_shard(store, version, made_up_reviews(len(COLOURS), 1), vectors, part=1)
    built = build_index(store).version
    folder = tmp_path_factory.mktemp("index")
    return Snapshot(snapshot.encoder, IndexReader(fetch(store, "index", built, folder)))


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """A model with a joint space, with an index of a review named after each of its colours."""
    encoder = open_folder(joint_model(tmp_path_factory.mktemp("j") / VERSION))
    store = MemoryStore("artefacts")
    publish_manifest_only(store, VERSION, encoder.dimension)
    vectors = encoder.encode(list(JOINT_COLOURS)).embeddings.astype(np.float16)
    put_shard(store, VERSION, made_up_reviews(len(vectors), 1), vectors, part=1)
    built = build_index(store).version
    return Snapshot(
        encoder, IndexReader(fetch(store, "index", built, tmp_path_factory.mktemp("i")))
    )


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


def encoded(data):
    return base64.b64encode(data).decode()


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


@pytest.mark.parametrize("colour", JOINT_COLOURS)
def test_a_model_with_a_joint_space_finds_what_a_picture_shows(ask, joint, colour):
    picture = encoded(saved(one_colour(colour), "PNG"))
    body = {"image_data": picture, "top_k": 1}
    status, answer = ask(body, path="/search_similar", snapshot=joint)
    assert (status, answer["modalities"], answer["warnings"]) == (200, ["image"], [])
    assert answer["model_version"] == VERSION
    by_name = ask({"query_text": colour, "top_k": 1}, path="/search_similar", snapshot=joint)[1]
    (found,), (named,) = answer["results"], by_name["results"]
    assert found["review_id"] == named["review_id"]
    assert found["similarity_score"] > 0.9


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


def test_a_picture_alone_finds_the_reviews_near_it(ask, indexed):
    for number, colour in enumerate(COLOURS):
        body = {"image_data": encoded(saved(one_colour(colour), "PNG")), "top_k": 2}
        status, answer = ask(body, path="/search_similar", snapshot=indexed)
        assert (status, answer["warnings"], answer["modalities"]) == (200, [], ["image"])
        best = answer["results"][0]
        assert best["review_id"] == f"made:1-{number}"
        assert best["similarity_score"] == pytest.approx(1, abs=1e-3)


def test_text_and_picture_together_find_what_is_near_both(ask, indexed):
    red = encoded(saved(one_colour("red"), "PNG"))
    alone, beside = (
        ask({"query_text": TEXT, "top_k": 6, **extra}, path="/search_similar", snapshot=indexed)
        for extra in ({}, {"image_data": red})
    )
    assert (alone[1]["modalities"], beside[1]["modalities"]) == (["text"], ["text", "image"])
    scores = [
        next(
            each["similarity_score"]
            for each in answer["results"]
            if each["review_id"] == "made:1-0"
        )
        for _, answer in (alone, beside)
    ]
    assert scores[1] > scores[0]


def test_a_refused_picture_alone_finds_nothing_and_says_why(ask, indexed):
    body = {"image_data": encoded(PNG[:-40])}
    status, answer = ask(body, path="/search_similar", snapshot=indexed)
    assert (status, answer["results"], answer["modalities"]) == (200, [], [])
    assert answer["warnings"] == [f"{UNUSED}it is damaged or cut off"]


def test_a_search_by_picture_alone_needs_a_picture_model(ask):
    status, answer = ask({"image_data": encoded(PNG)}, path="/search_similar", model=None)
    assert (status, answer["errors"][0]["field"]) == (422, "query_text")
    assert "no picture model is loaded" in answer["detail"]


@pytest.mark.parametrize("body", [{}, {"query_text": None}, {"top_k": 3}])
def test_a_search_for_nothing_names_what_is_missing(ask, body):
    status, answer = ask(body, path="/search_similar")
    assert (status, answer["errors"][0]["field"]) == (422, "query_text")
    assert "a text or a picture" in answer["detail"]


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


def vectors_of(ask, **body):
    status, answer = ask(body, path="/embeddings")
    assert status == 200
    return answer


def test_texts_and_pictures_are_embedded_each_in_its_order(ask, model, snapshot, server):
    server.answers["/red"] = response(saved(one_colour("red"), "PNG"))
    url = f"https://localhost:{server.port}/red"
    blue = encoded(saved(one_colour("blue"), "PNG"))
    answer = vectors_of(
        ask, texts=[TEXT, "gentle"], pictures=[{"image_data": blue}, {"image_url": url}]
    )
    texts = snapshot.encoder.encode([TEXT, "gentle"]).embeddings
    np.testing.assert_allclose(answer["embeddings"], texts, atol=1e-6)
    pictures = [model.encode(decode(saved(one_colour(c), "PNG"))) for c in ("blue", "red")]
    np.testing.assert_allclose(answer["picture_embeddings"], pictures, atol=1e-6)
    assert answer["modalities"] == ["text", "image"]
    assert answer["model_version"] == snapshot.encoder.version
    assert (answer["picture_model_version"], answer["warnings"]) == ("tiny-pictures-1", [])


def test_a_picture_that_cannot_be_embedded_is_null_and_a_warning_names_it(ask):
    bad, good = ({"image_data": encoded(data)} for data in (PNG[:-40], PNG))
    answer = vectors_of(ask, pictures=[bad, good, {"image_url": "https://169.254.169.254/"}])
    assert [vector is None for vector in answer["picture_embeddings"]] == [True, False, True]
    assert answer["warnings"] == [
        f"pictures.0: {UNUSED}it is damaged or cut off",
        f"pictures.2: {UNUSED}its host is not on the public internet",
    ]
    assert (answer["embeddings"], answer["modalities"]) == ([], ["image"])
    answer = vectors_of(ask, texts=[TEXT], pictures=[bad])
    assert (answer["modalities"], answer["picture_model_version"]) == (["text"], None)


def test_pictures_are_embedded_only_by_a_picture_model(ask, server):
    url = {"image_url": f"https://localhost:{server.port}/a"}
    status, answer = ask({"pictures": [url]}, path="/embeddings", model=None)
    assert (status, answer["errors"][0]["field"]) == (422, "pictures")
    status, answer = ask({"texts": [TEXT], "pictures": [url]}, path="/embeddings", model=None)
    assert (status, answer["picture_embeddings"]) == (200, [None])
    assert answer["warnings"] == [f"pictures.0: {IMAGE_IGNORED}"]
    assert server.requests == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "texts"),
        ({"texts": []}, "texts"),
        ({"texts": ["a"] * 65}, "texts"),
        ({"texts": ["a" * 10_001]}, "texts.0"),
        ({"pictures": []}, "pictures"),
        ({"pictures": [{}]}, "pictures.0"),
        ({"pictures": [{"image_url": "ftp://a/"}]}, "pictures.0.image_url"),
        ({"pictures": [{"image_data": "AA=="}] * 9}, "pictures"),
        ({"texts": ["a"], "model": "b"}, "model"),
    ],
    ids=range(9),
)
def test_what_cannot_be_embedded_is_refused_by_name(ask, body, field):
    status, answer = ask(body, path="/embeddings")
    assert (status, answer["errors"][0]["field"]) == (422, field)


def test_the_largest_batch_of_texts_is_embedded(ask):
    assert len(vectors_of(ask, texts=["\u00e9" * 10_000] * 64)["embeddings"]) == 64


def test_stars_that_contradict_the_text_are_named(ask):
    analysis = ask({"query_text": "gentle mild soft", "rating": 1})[1]
    assert (analysis["sentiment"], analysis["sure"]) == ("positive", True)
    assert analysis["mismatch"] == "stars_below_text"
    for rating in (None, 3, 5):
        assert ask({"query_text": "gentle mild soft", "rating": rating})[1]["mismatch"] is None


def test_one_query_searches_reviews_and_their_pictures(ask, pictured):
    lime = encoded(saved(one_colour("lime"), "PNG"))
    body = {"image_data": lime, "top_k": 6, "picture_preview": True}
    results = ask(body, path="/search_similar", snapshot=pictured)[1]["results"]
    best = results[0]
    assert (best["review_id"], best["matched"]) == ("made:1-5", "image")
    assert best["similarity_score"] == pytest.approx(1, abs=1e-3)
    assert (best["picture"]["width"], best["picture"]["height"]) == (40, 40)
    assert {each["matched"] for each in results[1:]} == {"text"}
    assert all(each["picture"] is None for each in results[1:])
    similar = ask({"query_text": TEXT, **body}, snapshot=pictured)[1]["similar_reviews"]
    (shown,) = (each["picture"] for each in similar if each["review_id"] == "made:1-5")
    assert Image.open(BytesIO(base64.b64decode(shown["data"]))).format == "JPEG"


def test_the_pictures_of_listed_reviews_are_answered_by_their_ids(ask, pictured, snapshot, stored):
    ids = [row["review_id"] for row in made_up_reviews(len(COLOURS), 1)]
    status, body = ask(
        {"review_ids": [*ids, ids[-1], "unknown"]}, path="/review_pictures", snapshot=pictured
    )
    assert (status, list(body["pictures"])) == (200, [ids[-1]])
    picture = body["pictures"][ids[-1]]
    file, _ = stored.get(layout.picture_file("ing_1", "lime"))
    assert base64.b64decode(picture["data"]) == file
    assert body["index_version"] == pictured.index.version
    status, body = ask({"review_ids": ids}, path="/review_pictures", snapshot=snapshot)
    assert (body["pictures"], body["warnings"]) == ({}, [NO_INDEX])
    assert ask({"review_ids": []}, path="/review_pictures")[0] == 422


def test_a_picture_that_is_gone_or_not_asked_for_is_not_in_the_answer(ask, pictured, stored):
    body = {"query_text": TEXT, "top_k": 6}
    for asked in (False, True):
        if asked:
            stored.delete(layout.picture_file("ing_1", "lime"))
        answer = ask({**body, "picture_preview": asked}, path="/search_similar", snapshot=pictured)
        assert {each["picture"] for each in answer[1]["results"]} == {None}
