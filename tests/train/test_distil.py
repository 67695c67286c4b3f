"""A large teacher labels texts, and a small student learns sentences and clauses from it."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from sagemaker_jobs.distil import __main__ as command
from sagemaker_jobs.distil import fit, learn
from sagemaker_jobs.distil import label as labelling
from sagemaker_jobs.distil.config import StudentConfig
from sagemaker_jobs.distil.label import read_labels, text_key
from sagemaker_jobs.distil.predict import predict
from sagemaker_jobs.distil.rows import LabelledText, cap_sources
from sagemaker_jobs.distil.texts import TokenSet, pool_spans, tokenise
from sagemaker_jobs.export import job as export
from sagemaker_jobs.export.config import ExportConfig
from sagemaker_jobs.train.model import load_model, save_model
from sagemaker_jobs.train.record import file_hash
from sagemaker_jobs.train.wide import WideLogits
from shared.runtime.tokens import load_tokenizer
from shared.schemas.sentiment import LABELS
from tests.train.tiny import make_encoder, sentences

LIMITS = ("--max-tokens", "64", "--tail-tokens", "16", "--device", "cpu")
RATES = ("--tokens-per-batch", "512", "--learning-rate", "0.002", "--head-learning-rate", "0.003")


def twins(count, seed):
    """Pairs of sentences with the same sentiment."""
    by_label = [sorted(sentences(count, seed), key=lambda row: (row[1], row[0])) for _ in "ab"]
    half = count // 2
    for place, (first, label) in enumerate(by_label[0]):
        if place % count < half:
            yield first, by_label[1][place + half][0], label


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny base encoder, and reviews of two sentences, phrases and a clause in each."""
    root = tmp_path_factory.mktemp("distil")
    make_encoder(root / "base")
    rows = []
    for first, second, label in twins(80, 1):
        stars = {"negative": 1.0, "neutral": 3.0, "positive": 5.0}[label]
        rows.append((f"{first}. {second}.", label, stars, "review", None))
        rows.append((first, label, None, "sentence", json.dumps([[0, len(first), label]])))
    names = ("text", "sentiment", "rating", "kind", "spans")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    table = pa.table(columns | {"source": ["made"] * len(rows)})
    pq.write_table(table, root / "train.parquet")
    return root


def run(folder: Path, step: str, output: str, *options: str) -> Path:
    arguments = ["--data-dir", str(folder), "--output-dir", str(folder / output)]
    trains = step in ("teach", "learn")
    fits = ["--model-name", str(folder / "base"), *RATES] if trains else []
    assert command.main([step, *arguments, *LIMITS, *fits, *options]) == 0
    return folder / output


@pytest.fixture(scope="module")
def student(folder):
    """Teacher, its labels, and the student that learned from them."""
    run(folder, "teach", "teacher", "--epochs", "8", "--source-share", "1")
    run(folder, "label", "labels", "--teacher-dir", str(folder / "teacher"))
    return run(folder, "learn", "student", "--labels", str(folder / "labels"), "--epochs", "6")


def test_the_teacher_labels_reviews_sentences_and_clauses(folder, student):
    labels = read_labels(folder / "labels")
    texts = pq.read_table(folder / "train.parquet").to_pylist()
    sentence_rows = [row for row in texts if row["kind"] == "sentence"]
    right = [
        labels[text_key(row["text"])][1].argmax() == LABELS.index(row["sentiment"])
        for row in sentence_rows
    ]
    assert np.mean(right) > 0.9
    first = next(row["text"] for row in texts if row["kind"] == "review").split(". ")[0]
    assert text_key(first + ".") in labels


def test_a_labelling_that_was_stopped_continues(folder, student, monkeypatch):
    monkeypatch.setattr(labelling, "TEXTS_PER_FILE", 50)
    options = ("--teacher-dir", str(folder / "teacher"))
    output = run(folder, "label", "labels-in-parts", *options)
    files = sorted(output.glob("*.parquet"))
    assert len(files) > 3
    for path in files[:2]:
        path.unlink()
    ages = {path: path.stat().st_mtime_ns for path in files[2:]}
    run(folder, "label", "labels-in-parts", *options)
    assert {path: path.stat().st_mtime_ns for path in files[2:]} == ages
    whole, parts = read_labels(folder / "labels"), read_labels(output)
    assert whole.keys() == parts.keys()
    # batches differ, and probabilities are stored in steps of 1/255
    assert max(np.abs(whole[key][0] - parts[key][0]).max() for key in whole) < 0.01
    files[1].write_bytes(files[2].read_bytes())
    with pytest.raises(ValueError, match=r"labels-001\.parquet has labels of other texts"):
        run(folder, "label", "labels-in-parts", *options)


def test_the_student_reads_texts_and_the_clauses_in_them(folder, student):
    model = load_model(student)
    tokenizer = load_tokenizer(student / "tokenizer.json")
    pairs = list(zip(sentences(20, 7), sentences(20, 8), strict=True))  # most of them disagree
    texts = [f"{first}. {second}." for (first, _), (second, _) in pairs]
    spans = [[(0, len(a) + 1), (len(a) + 2, len(a) + 3 + len(b))] for (a, _), (b, _) in pairs]
    tokens = TokenSet(tokenise(tokenizer, texts, spans, 64, 16), torch.device("cpu"))
    batch = tokens.batch(np.arange(len(texts)))
    with torch.no_grad():
        embedding, logits, token_logits = model(batch.ids, batch.mask)
    assert torch.allclose(embedding.norm(dim=-1), torch.ones(len(texts)), atol=1e-4)
    expected = torch.tensor([LABELS.index(label) for pair in pairs for _, label in pair])
    found = pool_spans(token_logits, batch.spans).argmax(-1)
    assert (found == expected[batch.span_rows]).float().mean() > 0.8
    agree = [a == b for (_, a), (_, b) in pairs]
    same = [LABELS.index(a) for (_, a), (_, b) in pairs if a == b]
    assert (logits[agree].argmax(-1) == torch.tensor(same)).float().mean() > 0.8


@pytest.mark.parametrize("model", ["teacher", "student"])
def test_a_model_is_judged_by_texts_balanced_stars_spans_and_behaviours(folder, student, model):
    rows = pq.read_table(folder / "train.parquet").to_pylist()
    for place, row in enumerate(rows):
        if row["rating"] in (1.0, 5.0) and place % 4 == 0:
            row["rating"] = {1.0: 2.0, 5.0: 4.0}[row["rating"]]
    pq.write_table(pa.Table.from_pylist(rows), folder / "judged.parquet")
    options = ("--model-dir", str(folder / model), "--splits", '["judged"]')
    output = run(folder, "judge", f"judged-{model}", *options)
    figures = json.loads((output / "judge.json").read_text())
    judged = figures["judged"]
    assert judged["texts"]["accuracy"] > 0.8
    assert judged["spans"]["accuracy"] > 0.8
    confusion = np.asarray(judged["balanced_stars"]["confusion"])
    assert confusion.sum(1).tolist() == [40, 20, 40]
    assert judged["texts"]["neutral_recall"] > 0.5
    assert figures["behaviours"]["implicit"]["cases"] == 120


def test_the_export_serves_all_three_outputs(student, tmp_path):
    export.run(ExportConfig(run_dir=student, output_dir=tmp_path, precision="float32"))
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    ids = np.ones((2, 7), np.int64)
    outputs = session.run(None, {"input_ids": ids, "attention_mask": ids})
    assert [value.shape for value in outputs] == [(2, 32), (2, 3), (2, 7, 3)]


def test_a_share_of_the_texts_holds_the_embedding(folder):
    texts = [text for text, _ in sentences(40, 9)]
    tokenizer = load_tokenizer(folder / "base" / "tokenizer.json")
    tokens = TokenSet(tokenise(tokenizer, texts, [[]] * len(texts), 64, 16), torch.device("cpu"))
    base = learn.base_vectors(folder / "base", tokens, len(texts), torch.device("cpu")).float()
    cosines = []
    for name, share, weight in (("held", "0.4", "4"), ("free", "1", "0")):
        options = ("--held-share", share, "--cosine-weight", weight, "--similarity-weight", weight)
        output = run(folder, "learn", name, "--epochs", "3", *options)
        (own,) = predict(tokens, torch.device("cpu"), embeddings_of(load_model(output)))
        cosines.append(float((torch.tensor(own) * base).sum(-1).mean()))
    assert cosines[0] > cosines[1]
    assert cosines[0] > 0.9


def embeddings_of(model):
    return lambda batch: model(batch.ids, batch.mask)[:1]


def test_a_tokenizer_that_pads_changes_no_answer(folder, student):
    shutil.copytree(student, folder / "unpadded")
    load_tokenizer(student / "tokenizer.json").save(str(folder / "unpadded" / "tokenizer.json"))
    answers = []
    for name in ("student", "unpadded"):
        options = ("--model-dir", str(folder / name), "--splits", '["train"]', "--limit", "40")
        output = run(folder, "judge", f"judged-padding-{name}", *options)
        answers.append(json.loads((output / "judge.json").read_text()))
    assert answers[0] == answers[1]


def test_a_student_learns_without_a_teacher(folder):
    output = run(folder, "learn", "alone", "--epochs", "6", "--source-share", "1")
    run_of = json.loads((output / "run.json").read_text())
    assert run_of["has_teacher"] is False
    assert not {"data_dir", "output_dir"} & run_of["student"].keys(), "places on this machine"
    options = ("--model-dir", str(output), "--splits", '["train"]')
    judged = run(folder, "judge", "judged-alone", *options)
    figures = json.loads((judged / "judge.json").read_text())["train"]
    assert figures["texts"]["accuracy"] > 0.8
    assert figures["spans"]["accuracy"] > 0.8


def test_a_student_starts_with_the_parameters_of_an_earlier_training(folder, student):
    start = student / "model.safetensors"
    options = ("--start", str(start), "--max-steps", "2", "--learning-rate", "1e-12")
    output = run(folder, "learn", "started", *options, "--head-learning-rate", "1e-12")
    weights, expected = load_file(output / "model.safetensors"), load_file(start)
    assert all(torch.allclose(weights[name], expected[name], atol=1e-8) for name in expected)
    run_of = json.loads((output / "run.json").read_text())
    assert run_of["start_sha256"] == file_hash(start)


def test_a_student_keeps_a_share_of_the_parameters_it_started_with(folder, student):
    start = student / "model.safetensors"
    options = ("--start", str(start), "--max-steps", "2")
    trained = run(folder, "learn", "all-new", *options) / "model.safetensors"
    mean = run(folder, "learn", "mean", *options, "--trained-share", "0.25")
    again = ("--weights", str(trained), "--start", str(start), "--trained-share", "0.25")
    elsewhere = run(folder, "learn", "mean-of-weights", *again)
    before, after = load_file(start), load_file(trained)
    for output in (mean, elsewhere):
        own = load_file(output / "model.safetensors")
        assert all(
            torch.allclose(own[name], 0.75 * before[name] + 0.25 * after[name], atol=1e-6)
            for name in before
        )
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert json.loads((mean / "run.json").read_text())["student"]["trained_share"] == 0.25


def test_a_share_needs_parameters_to_keep(folder):
    with pytest.raises(ValueError, match="trained_share: a share below 1 needs `start`"):
        StudentConfig(data_dir=folder, output_dir=folder / "none", trained_share=0.5)


@pytest.fixture(scope="module")
def wide_run(folder):
    """A student with a wide part, as the training before distillation leaves it."""
    options = ("--max-steps", "2", "--frozen-layers", "1", "--seed", "3")
    output = run(folder, "learn", "narrow", *options)
    model = load_model(output)
    model.wide = WideLogits(model.encoder.config.vocab_size)
    torch.nn.init.uniform_(model.wide.whole.single)
    torch.nn.init.uniform_(model.wide.beginning.pair)
    model.tokens = None
    save_model(model, folder / "base", folder / "wide")
    shutil.copy(output / "run.json", folder / "wide")
    return folder / "wide"


@pytest.mark.parametrize("activations", ["dynamic", "static"])
def test_a_student_starts_with_a_released_model(folder, wide_run, activations):
    released = ExportConfig(
        run_dir=wide_run,
        output_dir=folder / f"released-{activations}",
        calibration=folder / "train.parquet",
        activations=activations,
        alignment_rows=0,
    )
    export.run(released)
    graph = str(released.output_dir / "model.onnx")
    options = ("--start", graph, "--wide", "true", "--frozen-layers", "1", "--max-steps", "1")
    rates = ("--learning-rate", "1e-12", "--head-learning-rate", "1e-12")
    output = run(folder, "learn", f"continued-{activations}", *options, *rates)
    own, expected = (load_file(path / "model.safetensors") for path in (output, wide_run))
    assert set(own) - set(expected) == {name for name in own if name.startswith("tokens.")}
    for name, values in expected.items():
        step = 2 * float(values.abs().max()) / 127  # int8 of 7 bits, smoothed before rounding
        assert torch.allclose(own[name], values, atol=2 * step), name
    assert torch.equal(own["wide.whole.single"], expected["wide.whole.single"])
    texts = [text for text, _ in sentences(60, 4)]
    tokenizer = load_tokenizer(folder / "base" / "tokenizer.json")
    tokens = TokenSet(tokenise(tokenizer, texts, [[]] * len(texts), 64, 16), torch.device("cpu"))
    models = [load_model(path) for path in (output, wide_run)]
    answers = [
        predict(tokens, torch.device("cpu"), lambda batch, of=model: of(batch.ids, batch.mask)[:2])
        for model in models
    ]
    assert (answers[0][0] * answers[1][0]).sum(-1).mean() > 0.99
    assert np.mean(answers[0][1].argmax(-1) == answers[1][1].argmax(-1)) > 0.95


def test_a_wide_part_that_the_model_lacks_is_named(folder, wide_run, tmp_path):
    export.run(ExportConfig(run_dir=wide_run, output_dir=tmp_path))
    options = ("--start", str(tmp_path / "model.onnx"), "--frozen-layers", "1")
    with pytest.raises(ValueError, match="the model has not the parameter wide"):
        run(folder, "learn", "without-wide", *options, "--max-steps", "1")


def test_a_training_that_was_stopped_continues_exactly(folder, student, monkeypatch):
    options = ("--labels", str(folder / "labels"), "--checkpoint-steps", "3", "--epochs", "1")
    whole = run(folder, "learn", "whole", *options)
    save = fit.save_checkpoint

    def save_and_stop(*state):
        save(*state)
        raise KeyboardInterrupt

    monkeypatch.setattr(fit, "save_checkpoint", save_and_stop)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(folder, "learn", "parts", *options)
    monkeypatch.undo()
    parts = run(folder, "learn", "parts", *options)
    weights, expected = (load_file(path / "model.safetensors") for path in (parts, whole))
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert not (parts / "checkpoint").exists()


def test_rare_stars_and_small_sources_survive_the_caps():
    def row(source, stars):
        return LabelledText("text", stars, 0, False, source)

    rows = [row("large", 5)] * 80 + [row("large", 3)] * 10 + [row("small", 5)] * 30
    kept = cap_sources(rows, share=0.5, most_stars=40, seed=1)
    counts = Counter((entry.source, entry.stars) for entry in kept)
    assert counts["large", 3] == 10
    assert counts["large", 5] + counts["small", 5] == 40
    assert counts["large", 3] + counts["large", 5] <= 30


def test_spans_in_the_cut_middle_have_no_tokens(folder):
    tokenizer = load_tokenizer(folder / "base" / "tokenizer.json")
    text = " ".join(["lamp"] * 40)
    spans = [(0, 4), (100, 104), (195, 199), (0, 199)]
    (tokens,) = tokenise(tokenizer, [text], [spans], 20, 5)
    assert len(tokens.ids) == 20
    assert tokens.spans == [(1, 2), (0, 0), (18, 19), (0, 0)]
