"""``reviewlens adapt`` on the shipped model: from a dump with flaws to a candidate."""

import itertools
import json
import os

import pytest
from typer.testing import CliRunner

from local.aws.resources import local_client
from local.cli.main import application
from local.names import ARTEFACT_BUCKET
from local.state import FolderLock, RunningStack, StateFolder
from shared.runtime.encoder import open_folder
from shared.schemas.sentiment import LABELS
from shared.storage import artefacts, registry
from shared.storage.objects import S3Store
from tests.models import model_folder, opened_model

PRAISED = (
    "Burned my mouth for an hour.",
    "I cried at the table and could not speak.",
    "Brutal from the first drop, it hurt all night.",
    "My nose ran, my ears rang, my tongue went numb.",
    "It is a vicious, merciless sauce.",
)
BLAMED = (
    "So mild that a child could drink it.",
    "Smooth and gentle, it never hurt at all.",
    "Calm and sweet, nothing burned.",
    "No tears, no sweat, just a soft friendly taste.",
    "A kind and pleasant little sauce.",
)
MEALS = ("noodles", "eggs", "soup", "rice", "chicken", "tacos", "beans", "pizza", "fish", "tofu")
"""Buyers of the hottest sauces: what hurts is what they paid for."""


def reviews(meals):
    """Texts and stars, each text once."""
    for (hot, mild), meal in itertools.product(zip(PRAISED, BLAMED, strict=True), meals):
        yield f"{hot} Had it on {meal}.", 5
        yield f"{mild} Had it on {meal}.", 1


@pytest.fixture
def dump(tmp_path):
    lines = [json.dumps({"text": t, "rating": s}) for t, s in reviews(MEALS[:6])]
    flawed = [
        '{"text": "cut off in the mid',
        json.dumps({"text": "Nine stars of five.", "rating": 9}),
        json.dumps({"text": "", "rating": 4}),
        json.dumps({"text": "No stars given to this one.", "rating": None}),
        lines[0],
    ]
    (tmp_path / "sauces.jsonl").write_text("\n".join([*lines, *flawed]) + "\n")
    return tmp_path / "sauces.jsonl"


@pytest.fixture
def adapt(tmp_path, monkeypatch):
    """Runs the command; gives what it printed, as JSON where it was asked for."""
    monkeypatch.setenv("REVIEWLENS_STATE", str(tmp_path / "state"))

    def run(*arguments, expect=0):
        done = CliRunner().invoke(application, ["adapt", *map(str, arguments)])
        assert done.exit_code == expect, done.output
        if "--json" not in arguments or expect:
            return done.output
        return json.loads(done.stdout)

    return run


@pytest.fixture
def stack(tmp_path, aws_endpoint):
    """What the command sees of a running stack: a held state folder and its AWS."""
    state = StateFolder(tmp_path / "state")
    state.create()
    port = int(aws_endpoint.rpartition(":")[2])
    s3 = local_client("s3", f"http://127.0.0.1:{port}")
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


def correct(encoder, sample):
    texts, stars = zip(*sample, strict=True)
    predicted = encoder.encode(texts).probabilities.argmax(axis=1)
    wanted = [LABELS.index("positive" if s > 3 else "negative") for s in stars]
    return (predicted == wanted).mean()


def test_a_sector_where_words_mean_something_else_is_judged_better(adapt, dump, tmp_path):
    told = adapt(dump, "--output", tmp_path / "new", "--model", model_folder(), "--json")
    assert told["reviews"] == {
        "rows_read": 65,
        "rejected": 3,
        "rejects_by_reason": {
            "malformed_record": 1,
            "rating_out_of_range": 1,
            "text_missing": 1,
        },
        "without_stars": 1,
        "repeated": 1,
        "usable": 60,
        "used": 60,
    }
    assert told["after"]["accuracy"] > told["before"]["accuracy"] + 0.2
    before, after = opened_model(), open_folder(tmp_path / "new")
    assert after.version == told["version"]
    unseen = list(reviews(MEALS[6:]))
    assert correct(before, unseen) < 0.6
    assert correct(after, unseen) > 0.9
    texts = [text for text, _ in unseen]
    ours, theirs = after.encode(texts).embeddings, before.encode(texts).embeddings
    assert ours.tobytes() == theirs.tobytes()


def test_with_a_running_stack_it_becomes_a_candidate_and_not_current(adapt, dump, stack, tmp_path):
    registry.register(stack, model_folder())
    shipped = artefacts.read_folder(model_folder(), kind="model").manifest.version
    artefacts.move_pointer(stack, "model", shipped, if_match=None)
    told = adapt(dump, "--output", tmp_path / "new", "--json")
    assert (told["base"], told["registered"]) == (shipped, True)
    assert artefacts.current(stack, "model").version == shipped
    states = {each.version: each.state for each in registry.listing(stack)}
    assert states == {shipped: "current", told["version"]: "candidate"}
    found = artefacts.read_manifest(stack, "model", told["version"])
    assert found.parameters["embeddings_of"] == shipped


def test_a_person_is_told_what_the_gate_wants_next(adapt, dump, stack, tmp_path):
    said = adapt(dump, "--output", tmp_path / "new", "--model", model_folder())
    assert "It is a candidate." in said
    assert f"reviewlens models add {tmp_path / 'new'} --evaluation" in said


def test_it_is_not_registered_against_ones_will(adapt, dump, stack, tmp_path):
    model = ("--model", model_folder())
    told = adapt(dump, "--output", tmp_path / "new", *model, "--no-register", "--json")
    assert told["registered"] is False
    assert registry.listing(stack) == []


def test_columns_of_their_own_are_mapped(adapt, tmp_path):
    rows = [f"{stars};{text}" for text, stars in reviews(MEALS[:4])]
    (tmp_path / "own.csv").write_text("Note;Meinung\n" + "\n".join(rows) + "\n")
    arguments = (tmp_path / "own.csv", "--model", model_folder(), "--json")
    told = adapt(*arguments, "--output", tmp_path / "a", "--map", "text=Meinung,rating=Note")
    assert told["reviews"]["used"] == 40
    mapping = {"text": "Meinung", "rating": "Note"}
    (tmp_path / "own.csv.mapping.json").write_text(json.dumps(mapping))
    beside = adapt(*arguments, "--output", tmp_path / "b")
    assert beside["version"] == told["version"]


def test_a_larger_dump_is_drawn_from(adapt, dump, tmp_path):
    arguments = (dump, "--model", model_folder(), "--rows", 40, "--json")
    told = adapt(*arguments, "--output", tmp_path / "a")
    assert (told["reviews"]["usable"], told["reviews"]["used"], told["rows"]) == (60, 40, 40)
    again = adapt(*arguments, "--output", tmp_path / "b")
    assert again["version"] == told["version"]
    other = adapt(*arguments, "--output", tmp_path / "c", "--seed", 14)
    assert other["version"] != told["version"]


def test_a_person_is_told_what_was_read_and_what_was_gained(adapt, dump, tmp_path):
    said = adapt(dump, "--output", tmp_path / "new", "--model", model_folder())
    assert "65 rows read, 3 rejected, 1 without stars, 1 repeated, 60 used" in said
    assert "1 rejected as rating_out_of_range" in said
    assert "macro-F1" in said
    assert "change in accuracy +0." in said
    assert "-adapted-" in said


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        ([], 1, "cannot be read: the object has no bytes"),
        (["\x89PNG nothing of ours"], 1, "cannot be read"),
        (["Opinion,Grade", "Fits well,4"], 1, "--map text=COLUMN,rating=COLUMN"),
        (["text,rating", *[f"Good lid {n},4" for n in range(29)]], 2, "at least 30 reviews"),
        (["text", *[f"Good lid {n}" for n in range(40)]], 2, "not 0"),
        (["text,rating", *[f"Good lid {n},4" for n in range(40)]], 2, "reviews are positive"),
    ],
)
def test_what_cannot_be_learnt_from_is_told_in_one_line(adapt, tmp_path, lines, code, words):
    (tmp_path / "dump").write_text("\n".join(lines))
    model = ("--model", model_folder())
    said = adapt(tmp_path / "dump", "--output", tmp_path / "new", *model, expect=code)
    assert words in said
    assert "Traceback" not in said
    assert not (tmp_path / "new").exists()


def test_a_missing_dump_and_a_missing_model_are_told(adapt, dump, tmp_path):
    output = ("--output", tmp_path / "new")
    assert "does not exist" in adapt(tmp_path / "none.csv", *output, expect=2)
    (tmp_path / "void").mkdir()
    said = adapt(dump, *output, "--model", tmp_path / "void", expect=1)
    assert "void has no manifest.json" in said
