"""A head over text and picture: the picture decides where the text says nothing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from sagemaker_jobs.export.__main__ import main as export
from sagemaker_jobs.fusion import vectors
from sagemaker_jobs.fusion.config import FusionConfig, FusionExportConfig
from sagemaker_jobs.fusion.drawn import draw_pairs, write_pairs
from sagemaker_jobs.fusion.export import run as write_model
from sagemaker_jobs.fusion.learn import learn
from sagemaker_jobs.fusion.posts import folds_of
from sagemaker_jobs.fusion.unrelated import main as compare_unrelated
from sagemaker_jobs.fusion.vectors import open_encoders, picture_vectors, text_vectors
from sagemaker_jobs.train.__main__ import main
from sagemaker_jobs.train.data import LABELS
from shared.runtime.encoder import open_folder
from tests.joint import joint_model
from tests.pictures import saved
from tests.sauces import tiny_model, tiny_picture_model

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
        "--modality", "text+image", "--train-dir", str(folder), "--checkpoint-dir",
        str(folder / "kept"), "--text-model", str(MODELS / "default"), "--picture-model",
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
        train_dir=folder, output_dir=folder, checkpoint_dir=folder / "kept",
        text_model=MODELS / "default", picture_model=MODELS / "pictures",
    )  # fmt: skip
    pairs = draw_pairs(ROWS + UNSEEN)
    columns = pq.read_table(folder / "posts.parquet").to_pydict()
    encoders, kept = open_encoders(config), config.checkpoint_dir
    text = text_vectors(columns["text"], encoders.text, kept)[:-1]
    picture = picture_vectors(columns["picture"], encoders.picture, kept)[:-1]
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
    first, again = (folder / name for name in ("out", "again"))
    assert (first / "fusion.npz").read_bytes() == (again / "fusion.npz").read_bytes()
    assert record == json.loads((again / "fusion.json").read_text())


@pytest.fixture(scope="module")
def fused(folder, record):
    """The model folder with the head, written by the command."""
    arguments = ["--modality", "text+image", "--run-dir", str(folder / "out"), "--text-model",
                 str(MODELS / "default"), "--output-dir", str(folder / "fused")]  # fmt: skip
    assert export([*arguments]) == 0
    return folder / "fused"


def test_the_export_is_a_version_that_differs_from_the_text_model_in_its_head_alone(fused):
    base, new = open_folder(MODELS / "default"), open_folder(fused)
    assert new.manifest.fusion.decides
    assert new.manifest.fusion.text_model == base.version
    assert new.version.startswith(f"{base.version}-fused-")
    assert set(new.manifest.files) - set(base.manifest.files) == {"fusion.npz"}
    texts = [pair.text for pair in draw_pairs(8)]
    one, other = base.encode(texts), new.encode(texts)
    assert np.array_equal(one.probabilities, other.probabilities)
    assert np.array_equal(one.embeddings, other.embeddings)


@pytest.mark.parametrize(("choice", "decides"), [("always", True), ("never", False)])
def test_the_switch_can_be_set(folder, fused, tmp_path, choice, decides):
    config = FusionExportConfig(
        run_dir=folder / "out", output_dir=tmp_path / "new", text_model=MODELS / "default",
        decides=choice,
    )  # fmt: skip
    assert write_model(config).fusion.decides is decides


def test_unrelated_pictures_take_from_a_head_what_related_ones_give(folder, record, fused, capsys):
    reviews = pq.read_table(folder / "posts.parquet").drop_columns("picture")
    pq.write_table(reviews, folder / "reviews.parquet")
    arguments = ["--model-dir", str(fused), "--picture-model", str(MODELS / "pictures"),
                 "--reviews", str(folder / "reviews.parquet"), "--pictures", str(folder),
                 "--checkpoint-dir", str(folder / "kept"), "--resamples", "50"]  # fmt: skip
    assert compare_unrelated(arguments) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["rows"] == ROWS + UNSEEN + 1
    gain = figures["both"]["accuracy"] - figures["text"]["accuracy"]
    assert figures["gain"]["accuracy"] == pytest.approx(gain, abs=2e-4)
    low, high = figures["gain"]["interval"]
    assert low <= figures["gain"]["accuracy"] <= high
    # half of the texts decide; for the others, an unrelated picture is right by chance
    assert figures["both"]["accuracy"] == pytest.approx(0.75, abs=0.07)
    assert record["figures"]["both"]["accuracy"] > 0.9


def test_a_head_is_not_put_beside_another_text_model(folder, record, tmp_path, capsys):
    other = tiny_model(tmp_path / "other")
    arguments = ["--modality=text+image", "--run-dir", str(folder / "out"), "--text-model",
                 str(other), "--output-dir", str(tmp_path / "new")]  # fmt: skip
    assert export(arguments) == 2
    assert "the head was trained with minilm-reviews" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_an_unfinished_training_is_not_exported(folder, record, tmp_path, capsys):
    shutil.copytree(folder / "out", tmp_path / "run")
    arguments = ["--modality", "text+image", "--run-dir", str(tmp_path / "run"), "--text-model",
                 str(MODELS / "default"), "--output-dir", str(tmp_path / "new")]  # fmt: skip
    (tmp_path / "run" / "fusion.npz").write_bytes(b"")
    assert export(arguments) == 2
    assert "is not the head of fusion.json" in capsys.readouterr().err
    unseen = tmp_path / "run" / "unseen.npz"
    unseen.write_bytes(unseen.read_bytes()[:-40])
    assert export(arguments) == 2
    assert "has no finished training of text and picture" in capsys.readouterr().err
    (tmp_path / "run" / "fusion.json").unlink()
    assert export(arguments) == 2
    assert "has no finished training of text and picture" in capsys.readouterr().err


@pytest.fixture
def coloured(tmp_path):
    """Arguments of a training over a tiny model with towers: red pictures are negative."""
    base, data = joint_model(tmp_path / "joint"), tmp_path / "posts"
    data.mkdir()
    rows = {"text": [], "sentiment": [], "picture": []}
    sides = {"red": "negative", "lime": "positive"}
    for number, (colour, sentiment) in enumerate(list(sides.items()) * 40):
        rows["text"].append(f"sauce {number}")
        rows["sentiment"].append(sentiment)
        rows["picture"].append(saved(Image.new("RGB", (9 + number, 9), colour), "PNG"))
    pq.write_table(pa.table(rows), data / "posts.parquet")
    return ["--modality", "text+image", "--train-dir", str(data), "--text-model", str(base),
            "--resamples", "20", "--checkpoint-dir", str(tmp_path / "kept")]  # fmt: skip


def test_an_interrupted_training_goes_on_with_what_it_kept(coloured, tmp_path, monkeypatch):
    whole = ["--checkpoint-dir", str(tmp_path / "other"), "--output-dir", str(tmp_path / "whole")]
    assert main([*coloured, *whole]) == 0
    read, decode = [], vectors.decode
    monkeypatch.setattr(vectors, "PART", 32)

    def killed_in_the_second_part(data):
        read.append(data)
        if len(read) == 50:
            raise KeyboardInterrupt
        return decode(data)

    arguments = [*coloured, "--output-dir", str(tmp_path / "run")]
    monkeypatch.setattr(vectors, "decode", killed_in_the_second_part)
    with pytest.raises(KeyboardInterrupt):
        main(arguments)
    resumed = []
    monkeypatch.setattr(vectors, "decode", lambda data: resumed.append(data) or decode(data))
    assert main(arguments) == 0
    assert len(resumed) == 80 - 32
    head = (tmp_path / "run" / "fusion.npz").read_bytes()
    assert head == (tmp_path / "whole" / "fusion.npz").read_bytes()


def test_a_text_model_with_towers_of_its_own_learns_from_them(coloured, tmp_path):
    assert main([*coloured, "--output-dir", str(tmp_path / "run")]) == 0
    base = coloured[coloured.index("--text-model") + 1]
    arguments = ["--modality", "text+image", "--run-dir", str(tmp_path / "run"), "--text-model"]
    assert export([*arguments, base, "--output-dir", str(tmp_path / "fused")]) == 0
    new = open_folder(tmp_path / "fused")
    assert new.manifest.fusion.picture_model == new.manifest.fusion.text_model == "tiny-joint-1"
    assert new.head.logits(None, np.float32([[1, 0, 0], [0, 1, 0]])).argmax(1).tolist() == [0, 2]


def test_a_picture_model_of_another_space_is_refused(folder, arguments, tmp_path):
    tower = tiny_picture_model(tmp_path / "tower")
    with pytest.raises(ValueError, match=r"picture_model .*tower: the vectors of tiny-pictures-1"):
        main([*arguments, "--picture-model", str(tower), "--output-dir", str(tmp_path / "out")])


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
