"""A head over text and picture: the picture decides where the text says nothing."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from sagemaker_jobs.fusion.config import FusionConfig
from sagemaker_jobs.fusion.drawn import draw_pairs, write_pairs
from sagemaker_jobs.fusion.learn import learn
from sagemaker_jobs.fusion.posts import folds_of
from sagemaker_jobs.fusion.vectors import picture_vectors, text_vectors
from sagemaker_jobs.train.__main__ import main
from sagemaker_jobs.train.data import LABELS

MODELS = Path(__file__).parents[2] / "models"
ROWS, UNSEEN = 240, 80


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Drawn pairs, and a picture that cannot be read."""
    folder = tmp_path_factory.mktemp("posts")
    pairs = draw_pairs(ROWS + UNSEEN)
    write_pairs(folder, [*pairs, pairs[0]._replace(picture=b"no picture")])
    return folder


@pytest.fixture(scope="module")
def arguments(folder):
    return [
        "--modality", "text+image", "--train-dir", str(folder), "--cache-dir",
        str(folder / "cache"), "--text-model", str(MODELS / "default"), "--picture-model",
        str(MODELS / "pictures"), "--resamples", "50", "--threads", "1",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def record(folder, arguments):
    assert main([*arguments, "--output-dir", str(folder / "out")]) == 0
    return json.loads((folder / "out" / "fusion.json").read_text())


@pytest.fixture(scope="module")
def unseen(folder, record):
    """A head of the first rows, and the other rows: their vectors, labels and kind."""
    config = FusionConfig(
        train_dir=folder, output_dir=folder, cache_dir=folder / "cache",
        text_model=MODELS / "default", picture_model=MODELS / "pictures",
    )  # fmt: skip
    pairs = draw_pairs(ROWS + UNSEEN)
    columns = pq.read_table(folder / "posts.parquet").to_pydict()
    text = text_vectors(columns["text"], config)[1][:-1]
    picture = picture_vectors(columns["picture"], config)[1][:-1]
    labels = np.array([LABELS.index(pair.sentiment) for pair in pairs])
    folds = folds_of([pair.text for pair in pairs], 5, "any")
    head = learn(text[:ROWS], picture[:ROWS], labels[:ROWS], folds[:ROWS], config).head
    is_open = np.array([pair.is_open for pair in pairs])
    return head, *(values[ROWS:] for values in (text, picture, labels, is_open))


def test_the_picture_decides_where_the_text_says_nothing(unseen):
    head, text, picture, labels, is_open = unseen
    both = head.logits(text, picture).argmax(-1) == labels
    alone = head.logits(text, None).argmax(-1) == labels
    assert both[is_open].mean() > 0.9
    assert alone[is_open].mean() < 0.7
    assert both[~is_open].mean() > 0.9


def test_without_the_picture_a_clear_text_decides(unseen):
    head, text, _, labels, is_open = unseen
    assert (head.logits(text, None).argmax(-1) == labels)[~is_open].mean() > 0.9


def test_without_the_text_the_picture_decides(unseen):
    head, _, picture, labels, is_open = unseen
    assert (head.logits(None, picture).argmax(-1) == labels)[is_open].mean() > 0.9


def test_the_record_has_the_figures_of_each_side_and_of_both(record):
    figures = record["figures"]
    assert figures["rows"] == ROWS + UNSEEN
    assert record["unreadable_pictures"] == 1
    assert figures["both"]["accuracy"] > figures["text"]["accuracy"]
    low, high = figures["gain_over_text"]["interval"]
    assert 0 < low <= figures["gain_over_text"]["accuracy"] <= high
    assert set(figures["text"]["intervals"]) >= {"accuracy", "macro_f1"}


def test_the_same_rows_give_the_same_head(folder, arguments, record):
    quoted = ['--modality="text+image"', *arguments[2:]]  # as SageMaker passes it
    assert main([*quoted, "--output-dir", str(folder / "again")]) == 0
    first, again = (load_file(folder / name / "fusion.safetensors") for name in ("out", "again"))
    assert set(first) >= {"text.weights", "picture.bias", "gates", "no_text", "no_picture"}
    assert all((again[name] == value).all() for name, value in first.items())


def test_texts_that_differ_in_names_and_links_share_a_fold():
    texts = ["Great @anna! https://a.example/x", "great  @bob https://b.example/y"]
    assert len(set(folds_of(texts, 1000, "any"))) == 1
    assert len(set(folds_of([f"text {number}" for number in range(20)], 1000, "any"))) > 10


@pytest.mark.parametrize(
    ("sentiments", "message"),
    [(["good", "negative"], "sentiment 'good'; allowed are"), (["positive"] * 2, "two sentiments")],
    ids=["unknown", "one"],
)
def test_rows_that_cannot_be_learned_from_are_refused(
    tmp_path, arguments, monkeypatch, sentiments, message
):
    monkeypatch.setenv("SM_OUTPUT_DIR", str(tmp_path))
    rows = {"text": ["a", "b"], "sentiment": sentiments, "picture": [b"", b""]}
    pq.write_table(pa.table(rows), tmp_path / "posts.parquet")
    with pytest.raises(ValueError, match=message):
        main([*arguments, "--train-dir", str(tmp_path), "--output-dir", str(tmp_path)])
    assert message in (tmp_path / "failure").read_text()


def test_another_modality_is_refused():
    with pytest.raises(SystemExit, match=r"modality: allowed are text, text\+image"):
        main(["--modality", "sound"])
