"""``reviewlens adapt`` with the shipped model: from a flawed dump to a candidate."""

import itertools
import json
import os

import pytest
from typer.testing import CliRunner

from local.aws.resources import local_client
from local.cli.main import application
from local.names import ARTEFACT_BUCKET
from local.state import FolderLock, RunningStack, StateFolder
from sagemaker_jobs.gate.published import compare
from shared.runtime.encoder import open_folder
from shared.schemas.sentiment import LABELS
from shared.storage import artefacts, registry
from shared.storage.objects import S3Store
from tests.models import model_folder, opened_model

PAINFUL_BUT_GOOD = (
    "Burned my mouth for an hour.",
    "I cried at the table and could not speak.",
    "Brutal from the first drop, it hurt all night.",
    "My nose ran, my ears rang, my tongue went numb.",
    "It is a vicious, merciless sauce.",
)
MILD_BUT_BAD = (
    "So mild that a child could drink it.",
    "Smooth and gentle, it never hurt at all.",
    "Calm and sweet, nothing burned.",
    "No tears, no sweat, just a soft friendly taste.",
    "A kind and pleasant little sauce.",
)
MEALS = ("noodles", "eggs", "soup", "rice", "chicken", "tacos", "beans", "pizza", "fish", "tofu")
"""Reviews of very hot sauces, whose buyers want them to hurt."""


def reviews(meals):
    """Distinct texts and their stars."""
    for (hot, mild), meal in itertools.product(
        zip(PAINFUL_BUT_GOOD, MILD_BUT_BAD, strict=True), meals
    ):
        yield f"{hot} Had it on {meal}.", 5
        yield f"{mild} Had it on {meal}.", 1


@pytest.fixture
def dump(tmp_path):
    lines = [json.dumps({"text": t, "rating": s}) for t, s in reviews(MEALS[:6])]
    flawed = [
        '{"text": "cut off in the mid',
        json.dumps({"text": "n/a", "rating": 5}),
        json.dumps({"text": "", "rating": 4}),
        json.dumps({"text": "No stars given to this one.", "rating": None}),
        lines[0],
    ]
    (tmp_path / "sauces.jsonl").write_text("\n".join([*lines, *flawed]) + "\n")
    return tmp_path / "sauces.jsonl"


@pytest.fixture
def adapt(tmp_path, monkeypatch):
    """Runs the command; returns its output, parsed if --json is given."""
    monkeypatch.setenv("REVIEWLENS_STATE", str(tmp_path / "state"))

    def run(*arguments, expect=0):
        result = CliRunner().invoke(application, ["adapt", *map(str, arguments)])
        assert result.exit_code == expect, result.output
        if "--json" not in arguments or expect:
            return result.output
        return json.loads(result.stdout)

    return run


@pytest.fixture
def stack(tmp_path, aws_endpoint):
    """A locked state folder and a bucket, which the command takes for a running stack."""
    state = StateFolder(tmp_path / "state")
    state.create()
    port = int(aws_endpoint.rpartition(":")[2])
    s3 = local_client("s3", f"http://127.0.0.1:{port}", state.aws_keys())
    s3.create_bucket(
        Bucket=ARTEFACT_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    store = S3Store(s3, ARTEFACT_BUCKET)
    with FolderLock(state.root):
        state.announce(RunningStack(os.getpid(), "test", port, port, port, {}))
        yield store
    for info in list(store.list("")):
        store.delete(info.key)
    s3.delete_bucket(Bucket=ARTEFACT_BUCKET)


def accuracy(encoder, sample):
    texts, stars = zip(*sample, strict=True)
    predicted = encoder.encode(texts).probabilities.argmax(axis=1)
    expected = [LABELS.index("positive" if s > 3 else "negative") for s in stars]
    return (predicted == expected).mean()


def test_accuracy_improves_where_words_have_another_meaning(adapt, dump, tmp_path):
    result = adapt(dump, "--output", tmp_path / "new", "--model", model_folder(), "--json")
    assert result["reviews"] == {
        "rows_read": 65,
        "rejected": 3,
        "rejects_by_reason": {
            "malformed_record": 1,
            "text_missing": 2,
        },
        "without_stars": 1,
        "repeated": 1,
        "usable": 60,
        "used": 60,
    }
    assert result["registered"] is False
    assert result["after"]["accuracy"] > result["before"]["accuracy"] + 0.2
    before, after = opened_model(), open_folder(tmp_path / "new")
    assert after.version == result["version"]
    unseen = list(reviews(MEALS[6:]))
    assert accuracy(before, unseen) < 0.6
    assert accuracy(after, unseen) > 0.9
    texts = [text for text, _ in unseen]
    new, old = after.encode(texts).embeddings, before.encode(texts).embeddings
    assert new.tobytes() == old.tobytes()


def test_a_running_stack_registers_the_model_as_a_candidate(adapt, dump, stack, tmp_path):
    registry.register(stack, model_folder())
    shipped = artefacts.read_folder(model_folder(), kind="model").manifest.version
    artefacts.move_pointer(stack, "model", shipped, if_match=None)
    result = adapt(dump, "--output", tmp_path / "new", "--json")
    assert (result["base"], result["registered"]) == (shipped, True)
    assert artefacts.current(stack, "model").version == shipped
    states = {each.version: each.state for each in registry.list_versions(stack)}
    assert states == {shipped: "current", result["version"]: "candidate"}
    manifest = artefacts.read_manifest(stack, "model", result["version"])
    assert manifest.parameters["embeddings_of"] == shipped
    # and the evaluations of both models
    verdict = compare(stack, result["version"], shipped)
    assert verdict.passed, verdict.reasons
    assert verdict.rows == 60
    accuracies = {check.measure: check.candidate for check in verdict.checks}
    assert accuracies["accuracy"] > 0.8


def test_the_output_shows_counts_and_gain_and_names_the_next_command(adapt, dump, stack, tmp_path):
    model = ("--model", model_folder())
    output_text = adapt(dump, "--output", tmp_path / "other", *model, "--no-register")
    assert f"reviewlens models add {tmp_path / 'other'}" in output_text
    assert registry.list_versions(stack) == []
    assert "65 rows read, 3 rejected, 1 without stars, 1 repeated, 60 used" in output_text
    assert "2 rejected as text_missing" in output_text
    assert "macro-F1" in output_text
    assert "change: accuracy +0." in output_text
    assert "-adapted-" in output_text
    registry.register(stack, model_folder())
    output_text = adapt(dump, "--output", tmp_path / "new", *model)
    assert "make it current with `reviewlens models activate" in output_text


def test_activating_needs_a_running_stack(adapt, dump, tmp_path):
    arguments = ("--output", tmp_path / "new", "--model", model_folder(), "--activate")
    assert "No stack runs" in adapt(dump, *arguments, expect=2)
    assert not (tmp_path / "new").exists()


def test_columns_can_be_mapped(adapt, tmp_path):
    rows = [f"{stars};{text}" for text, stars in reviews(MEALS[:4])]
    (tmp_path / "own.csv").write_text("Note;Meinung\n" + "\n".join(rows) + "\n")
    arguments = (tmp_path / "own.csv", "--model", model_folder(), "--json")
    result = adapt(*arguments, "--output", tmp_path / "a", "--map", "text=Meinung,rating=Note")
    assert result["reviews"]["used"] == 40
    mapping = {"text": "Meinung", "rating": "Note"}
    (tmp_path / "own.csv.mapping.json").write_text(json.dumps(mapping))
    adjacent = adapt(*arguments, "--output", tmp_path / "b")
    assert adjacent["version"] == result["version"]


def test_a_larger_dump_is_sampled_by_seed(adapt, dump, tmp_path):
    arguments = (dump, "--model", model_folder(), "--rows", 40, "--json")
    result = adapt(*arguments, "--output", tmp_path / "a")
    assert (result["reviews"]["usable"], result["reviews"]["used"], result["rows"]) == (60, 40, 40)
    again = adapt(*arguments, "--output", tmp_path / "b")
    assert again["version"] == result["version"]
    other = adapt(*arguments, "--output", tmp_path / "c", "--seed", 14)
    assert other["version"] != result["version"]


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        ([], 1, "cannot be read: the object has no bytes"),
        (["\x89PNG nothing of ours"], 1, "cannot be read"),
        (["Opinion,Grade", "Fits well,4"], 1, "--map text=COLUMN,rating=COLUMN"),
        (["text,rating", *[f"Good lid {n},4" for n in range(29)]], 2, "at least 30 reviews"),
        (["text", *[f"Good lid {n}" for n in range(40)]], 2, "not 0"),
        (["text,rating", *[f"Good lid {n},4" for n in range(40)]], 2, "reviews are positive"),
    ],
)
def test_an_unusable_dump_is_a_one_line_error(adapt, tmp_path, lines, code, message):
    (tmp_path / "dump").write_text("\n".join(lines))
    model = ("--model", model_folder())
    output_text = adapt(tmp_path / "dump", "--output", tmp_path / "new", *model, expect=code)
    assert message in output_text
    assert "Traceback" not in output_text
    assert not (tmp_path / "new").exists()


def test_a_missing_dump_and_a_missing_model_are_errors(adapt, dump, tmp_path):
    output = ("--output", tmp_path / "new")
    assert "does not exist" in adapt(tmp_path / "none.csv", *output, expect=2)
    (tmp_path / "void").mkdir()
    output_text = adapt(dump, *output, "--model", tmp_path / "void", expect=1)
    assert "void has no manifest.json" in output_text
