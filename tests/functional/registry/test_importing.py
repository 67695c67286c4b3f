"""An imported checkpoint becomes a candidate that the gate can compare with the current model."""

import json
import sys

import pytest

from local.cli.models_output import show_model
from local.stack.importing import import_model
from sagemaker_jobs.gate.published import compare
from shared.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from shared.storage import artefacts, registry
from tests.evaluations import Simulation
from tests.fakes.objects import MemoryStore
from tests.joint import VERSION, joint_model
from tests.sauces import tiny_model

TOWERS = {
    "text": {"precision": "float32", "float32_ms": 2.04},
    "picture": {
        "precision": "int8", "float32_ms": 9.0, "int8_ms": 3.0, "int8_mean_cosine": 0.9987,
    },
}  # fmt: skip
BASE = "tiny-1-0a1b2c3d"


@pytest.fixture(scope="module")
def simulation():
    return Simulation()


@pytest.fixture
def store(simulation, tmp_path):
    """The base is current, with an evaluation that also has figures of its embeddings."""
    store = MemoryStore("artefacts")
    figures = simulation.evaluation(tmp_path / "evaluation", BASE, simulation.predictions())
    content = json.loads((figures / "evaluation.json").read_text())
    content |= {"latency": {"p50": 3}, "splits": {"test": {"accuracy": 0.9, "recall_at_10": 0.4}}}
    (figures / "evaluation.json").write_text(json.dumps(content))
    registry.register(store, tiny_model(tmp_path / "base"), figures)
    artefacts.move_pointer(store, "model", BASE, if_match=None)
    return store


@pytest.fixture
def job(tmp_path, monkeypatch):
    """``job(code)``: the Python of the training environment runs this code instead of the job."""

    def install(code):
        script = tmp_path / "python"
        script.write_text(f"#!{sys.executable}\nimport sys, shutil\n{code}\n")
        script.chmod(0o700)
        monkeypatch.setenv("REVIEWLENS_TRAIN_PYTHON", str(script))

    return install


def run(store, tmp_path, sentiment=None):
    cache = tmp_path / "cache"
    cache.mkdir(exist_ok=True)
    return import_model(
        store, str(tmp_path / "checkpoint"), sentiment, precision="int8", cache_dir=cache
    )


def copies(tmp_path):
    """Code of a job that writes the tiny joint model."""
    folder = joint_model(tmp_path / "exported", towers=TOWERS)
    output = "sys.argv[sys.argv.index('--output_dir') + 1]"
    return f"shutil.copytree({str(folder)!r}, {output}, dirs_exist_ok=True)"


def test_it_is_registered_and_passes_the_gate_by_the_evaluation_of_its_encoder(
    store, job, tmp_path
):
    job(copies(tmp_path))
    assert run(store, tmp_path) == VERSION
    assert run(store, tmp_path) == VERSION  # again, with no effect
    assert artefacts.current_version(store, "model") == BASE
    described = registry.describe(store, VERSION)
    assert (described.state, described.dimension, described.evaluated) == ("candidate", 3, True)
    assert (described.joint.source, described.joint.sentiment) == ("tiny", BASE)
    assert described.towers == TOWERS
    assert compare(store, VERSION, BASE).passed
    (digest,) = registry.evaluations(store, VERSION)
    registry.fetch_evaluation(store, VERSION, digest, tmp_path)
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert (content["version"], content["evaluated_as"]) == (VERSION, BASE)
    assert content["splits"] == {"test": {"accuracy": 0.9}}
    assert "latency" not in content


def test_its_towers_are_shown(store, job, tmp_path, capsys):
    job(copies(tmp_path))
    show_model(registry.describe(store, run(store, tmp_path)))
    shown = capsys.readouterr().out
    assert f"vectors of tiny, sentiments of {BASE}" in shown
    assert "text tower: float32, 2.0 ms\n" in shown
    assert "picture tower: int8, 3.0 ms, cosine of int8 to float32 0.9987" in shown


def test_the_same_files_with_other_rules_for_pictures_are_another_version(store, job, tmp_path):
    job(copies(tmp_path))
    run(store, tmp_path)
    path = tmp_path / "exported" / "manifest.json"
    path.write_text(path.read_text().replace('"resample": 3', '"resample": 2'))
    with pytest.raises(ConflictError, match="exists with other content"):
        run(store, tmp_path)


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("sys.exit('pictures of 20 pixels')", ConflictError, "the export failed: pictures of 20"),
        ("print('note\\nno weights', file=sys.stderr); sys.exit(2)", InvalidInputError, "no weigh"),
        ("sys.exit(1)", ConflictError, "the export failed$"),
    ],
    ids=["failed", "refused", "silent"],
)
def test_a_failed_export_registers_nothing(store, job, tmp_path, code, error, message):
    job(code)
    with pytest.raises(error, match=message):
        run(store, tmp_path)
    assert artefacts.versions(store, "model") == [BASE]


def test_it_needs_the_training_environment_and_a_registered_version(
    store, job, tmp_path, monkeypatch
):
    job("pass")
    with pytest.raises(NotFoundError, match="there is no model other"):
        run(store, tmp_path, "other")
    with pytest.raises(ConflictError, match="name a version with --sentiment"):
        run(MemoryStore("empty"), tmp_path)
    monkeypatch.setenv("REVIEWLENS_TRAIN_PYTHON", "/nonexistent")
    with pytest.raises(UnavailableError, match="make train-env"):
        run(store, tmp_path)
