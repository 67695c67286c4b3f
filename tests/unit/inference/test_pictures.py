"""POST /analyze and /analyze/batch with a fusion head: what the picture changes, and when not."""

import base64
from threading import Event

import pytest
from PIL import Image
from pydantic import ValidationError

from lambdas.inference.service import analyze, analyze_batch
from shared.errors import InvalidInputError, PictureError
from shared.pictures.decode import decode
from shared.runtime.encoder import open_folder
from shared.runtime.picture_tower import CurrentPictureTower
from shared.runtime.pictures import PictureModel
from shared.schemas.api import AnalyzeBatchRequest, AnalyzeRequest
from shared.serving.answers import IMAGE_IGNORED, NO_TEXT, TEXT_ALONE_DECIDES
from shared.serving.query_pictures import Pictures
from shared.serving.snapshots import Snapshot
from tests.fused import VERSION, add_head, fused_model
from tests.pictures import saved
from tests.sauces import tiny_model, tiny_picture_model

TEXT = "the sauce arrived again"
SURE = {"review": {"sure_above": 0.5}, "sentence": {"sure_above": 0.5}}


class Reader:
    """Reads pictures here, as image_fetch does there; counts them."""

    def __init__(self):
        self.count = 0

    def read(self, request):
        self.count += 1
        if request.url is not None:
            raise PictureError("address_refused", "no address is allowed here")
        return decode(request.data)


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def pictures(reader, tmp_path):
    model = PictureModel(tiny_picture_model(tmp_path / "tower"))
    return Pictures(reader, model, CurrentPictureTower())


@pytest.fixture
def snapshot(tmp_path):
    return Snapshot(open_folder(fused_model(tmp_path / "fused")), None)


def of_colour(name):
    return base64.b64encode(saved(Image.new("RGB", (20, 30), name), "PNG")).decode()


def body_of(answer, *left_out):
    return answer.model_dump(exclude={"warnings", "modalities", "picture_opinion", *left_out})


@pytest.mark.parametrize(
    ("colour", "sentiment"), [("red", "negative"), ("lime", "positive"), ("blue", "neutral")]
)
def test_the_picture_decides_where_the_text_says_nothing(snapshot, pictures, colour, sentiment):
    request = AnalyzeRequest(query_text=TEXT, image_data=of_colour(colour))
    answer = analyze(snapshot, request, pictures=pictures)
    assert (answer.sentiment, answer.sentiment_modalities) == (sentiment, ["text", "image"])
    assert (answer.sentiment_model, answer.sure) == (VERSION, True)
    assert (answer.picture_opinion.sentiment, answer.picture_opinion.sure) == (sentiment, True)
    assert TEXT_ALONE_DECIDES not in answer.warnings


@pytest.mark.parametrize(
    "source",
    [{}, {"image_data": "bm8gcGljdHVyZQ=="}, {"image_url": "https://a.example/"}],
    ids=["missing", "damaged", "refused"],
)
def test_without_a_usable_picture_the_answer_is_that_of_the_text(snapshot, pictures, source):
    alone = analyze(snapshot, AnalyzeRequest(query_text=TEXT))
    answer = analyze(snapshot, AnalyzeRequest(query_text=TEXT, **source), pictures=pictures)
    assert body_of(answer) == body_of(alone)
    assert answer.picture_opinion is None
    assert len(answer.warnings) == len(alone.warnings) + bool(source)


def test_a_head_that_does_not_decide_only_says_what_the_picture_is(tmp_path, pictures):
    snapshot = Snapshot(open_folder(fused_model(tmp_path / "fused", decides=False)), None)
    alone = analyze(snapshot, AnalyzeRequest(query_text=TEXT))
    request = AnalyzeRequest(query_text=TEXT, image_data=of_colour("red"))
    answer = analyze(snapshot, request, pictures=pictures)
    assert body_of(answer) == body_of(alone)
    assert answer.picture_opinion.sentiment == "negative"
    assert TEXT_ALONE_DECIDES in answer.warnings


def test_a_head_of_another_picture_model_is_not_used(tmp_path, pictures):
    folder = add_head(tiny_model(tmp_path / "m"), picture_sha256="0" * 64, picture_model="old-1")
    snapshot = Snapshot(open_folder(folder), None)
    alone = analyze(snapshot, AnalyzeRequest(query_text=TEXT))
    request = AnalyzeRequest(query_text=TEXT, image_data=of_colour("red"))
    answer = analyze(snapshot, request, pictures=pictures)
    assert body_of(answer) == body_of(alone)
    assert answer.picture_opinion is None
    problem = "reads pictures by old-1, but tiny-pictures-1 is loaded: train it again"
    assert any(problem in warning for warning in answer.warnings)


def test_a_text_that_is_not_understood_has_no_sentiment_with_a_picture_either(snapshot, pictures):
    text = "Das ist leider nicht gut, der Henkel ist abgebrochen."
    request = AnalyzeRequest(query_text=text, image_data=of_colour("red"))
    answer = analyze(snapshot, request, pictures=pictures)
    assert (answer.sentiment, answer.picture_opinion.sentiment) == (None, "negative")


def test_a_picture_alone_has_the_sentiment_that_the_head_reads(snapshot, pictures):
    answer = analyze(snapshot, AnalyzeRequest(image_data=of_colour("lime")), pictures=pictures)
    assert (answer.sentiment, answer.language) == ("positive", None)
    assert (answer.modalities, answer.sentiment_modalities) == (["image"], ["image"])
    assert answer.summary.startswith("Strongly positive")


def test_a_picture_alone_without_a_head_has_no_sentiment(tmp_path, pictures):
    snapshot = Snapshot(open_folder(tiny_model(tmp_path / "m")), None)
    answer = analyze(snapshot, AnalyzeRequest(image_data=of_colour("lime")), pictures=pictures)
    assert (answer.sentiment, answer.sentiment_modalities) == (None, [])
    assert answer.summary == "No sentiment: there is no text."
    assert NO_TEXT in answer.warnings
    refused = AnalyzeRequest(image_url="https://a.example/")
    assert "no address is allowed here" in analyze(snapshot, refused, pictures=pictures).warnings[0]


def test_a_picture_alone_without_a_picture_model_is_invalid(snapshot):
    with pytest.raises(InvalidInputError, match="a text is required beside a picture") as refused:
        analyze(snapshot, AnalyzeRequest(image_data=of_colour("lime")))
    assert refused.value.details == {"field": "query_text"}


@pytest.mark.parametrize(
    ("text", "colour", "rating", "expected"),
    [
        ("the sauce hurts again", "lime", None, ("picture_above_text", None)),
        ("the sauce hurts again", "red", 5, ("stars_above_text", "stars")),
        ("the sauce hurts again", "lime", 5, ("stars_above_text", "text")),
        ("the sauce hurts again", "lime", 1, ("picture_above_text", "picture")),
    ],
)
def test_it_is_said_who_disagrees(tmp_path, pictures, text, colour, rating, expected):
    folder = fused_model(tmp_path / "fused", decides=False)
    snapshot = Snapshot(open_folder(folder), None)
    request = AnalyzeRequest(query_text=text, image_data=of_colour(colour), rating=rating)
    answer = analyze(snapshot, request, pictures=pictures)
    assert (answer.mismatch, answer.disagrees) == expected


def test_each_text_of_a_batch_may_have_a_picture(snapshot, pictures):
    sources = [None, {"image_data": of_colour("red")}, {"image_url": "https://a.example/"}]
    texts = [TEXT, TEXT, TEXT]
    alone = analyze_batch(snapshot, AnalyzeBatchRequest(texts=texts))
    answer = analyze_batch(
        snapshot, AnalyzeBatchRequest(texts=texts, pictures=sources), pictures=pictures
    )
    assert answer.results[1].sentiment == "negative"
    assert answer.results[1].sentiment_modalities == ["text", "image"]
    assert [answer.results[0], answer.results[2]] == [alone.results[0], alone.results[2]]
    assert answer.warnings == ["pictures.2: the picture was not used: no address is allowed here"]


def test_nothing_is_fetched_for_a_batch_if_no_head_reads_pictures(tmp_path, pictures, reader):
    snapshot = Snapshot(open_folder(tiny_model(tmp_path / "m")), None)
    request = AnalyzeBatchRequest(texts=[TEXT], pictures=[{"image_data": of_colour("red")}])
    answer = analyze_batch(snapshot, request, pictures=pictures)
    assert answer.warnings == [f"pictures.0: {IMAGE_IGNORED}"]
    assert reader.count == 0


def test_pictures_of_a_batch_that_take_too_long_are_left_out(snapshot, pictures, monkeypatch):
    monkeypatch.setattr("shared.serving.query_pictures._BATCH_SECONDS", 0.01)
    asked = Event()
    monkeypatch.setattr(pictures.reader, "read", lambda _request: asked.wait(60))
    request = AnalyzeBatchRequest(texts=[TEXT], pictures=[{"image_data": of_colour("red")}])
    (warning,) = analyze_batch(snapshot, request, pictures=pictures).warnings
    asked.set()
    assert warning.endswith("not used: the pictures of a request may take 15 s together")


@pytest.mark.parametrize(
    ("texts", "sources", "message"),
    [
        (2, [None], "an entry for each of the 2 texts"),
        (9, [{"image_url": "https://a.example/"}] * 9, "at most 8 pictures"),
        (1, [{}], "set either image_url or image_data"),
    ],
    ids=["length", "count", "empty"],
)
def test_a_batch_with_other_pictures_is_invalid(texts, sources, message):
    with pytest.raises(ValidationError, match=message):
        AnalyzeBatchRequest(texts=[TEXT] * texts, pictures=sources)
