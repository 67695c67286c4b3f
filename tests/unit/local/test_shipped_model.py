"""The shipped model becomes current if no model is, and never replaces a trained one.

Its evaluation, if any, is registered with it, so that the gate can compare the first candidate.
"""

import pyarrow.parquet as pq
import pytest

from local.errors import LocalStackError
from local.stack import prepare, shipped_model
from local.stack.shipped_model import add_evaluation_to, check_folder, publish_into
from sagemaker_jobs.gate.errors import EvaluationError, GateError
from sagemaker_jobs.gate.published import require_passed
from shared.errors import ArtefactError, ConflictError
from shared.storage import registry
from shared.storage.artefacts import current, move_pointer, publish, read_folder, read_manifest
from tests.evaluations import Simulation
from tests.fakes.objects import MemoryStore


@pytest.fixture
def store():
    return MemoryStore()


def activate(store, folder):
    """Publish a model and make it current, as a training does."""
    manifest = read_folder(folder, kind="model").manifest
    publish(store, folder, manifest)
    pointer = current(store, "model")
    move_pointer(store, "model", manifest.version, if_match=pointer and pointer.etag)


def version_of(store):
    return current(store, "model").version


def test_the_first_model_becomes_current(store, model):
    publish_into(store, model("shipped-1-aaaa"))
    assert version_of(store) == "shipped-1-aaaa"
    assert read_manifest(store, "model", "shipped-1-aaaa").dimension == 2


def test_publishing_again_changes_nothing(store, model):
    folder = model("shipped-1-aaaa")
    publish_into(store, folder)
    before = current(store, "model")
    publish_into(store, folder)
    assert current(store, "model") == before


def test_a_newer_shipped_model_replaces_an_older_one(store, model):
    publish_into(store, model("shipped-1-aaaa", day=1))
    publish_into(store, model("shipped-1-bbbb", day=2))
    assert version_of(store) == "shipped-1-bbbb"


@pytest.mark.parametrize("day", [0, 1])
def test_a_shipped_model_that_is_not_newer_does_not_become_current(store, model, day):
    publish_into(store, model("shipped-1-aaaa", day=1))
    publish_into(store, model("shipped-1-bbbb", day=day))
    assert version_of(store) == "shipped-1-aaaa"
    assert read_manifest(store, "model", "shipped-1-bbbb")


@pytest.mark.parametrize("trained", ["mine-1-cccc", "shipped-2-cccc", "shipped-1", "cccc"])
def test_a_trained_model_stays_current(store, model, trained):
    activate(store, model(trained, day=0))
    publish_into(store, model("shipped-1-aaaa", day=9))
    assert version_of(store) == trained
    assert read_manifest(store, "model", "shipped-1-aaaa")


def test_a_model_of_an_earlier_release_is_replaced_by_that_of_the_next_family(store, model):
    publish_into(store, model("minilm-reviews-2-6e9a5b0c", day=1))
    publish_into(store, model("minilm-reviews-3-aaaa", day=2))
    assert version_of(store) == "minilm-reviews-3-aaaa"


@pytest.mark.parametrize(
    ("earlier", "started_with"),
    [
        ("minilm-reviews-2-cccc", "minilm-reviews-3-aaaa"),  # a training in the earlier family
        ("minilm-reviews-2-6e9a5b0c", "mine-1-aaaa"),
    ],
)
def test_only_a_shipped_model_replaces_one_of_an_earlier_family(
    store, model, earlier, started_with
):
    activate(store, model(earlier, day=1))
    publish_into(store, model(started_with, day=2))
    assert version_of(store) == earlier


def test_files_that_do_not_match_the_manifest_are_refused(store, model):
    folder = model("shipped-1-aaaa")
    (folder / "model.onnx").write_bytes(b"other content ")
    with pytest.raises(ArtefactError):
        publish_into(store, folder)
    assert current(store, "model") is None
    assert list(store.list("")) == []


def test_a_folder_with_another_kind_of_artefact_is_refused(store, model, tmp_path):
    with pytest.raises(ArtefactError):
        publish_into(store, model("index-1-aaaa", kind="index"))
    with pytest.raises(ArtefactError):
        publish_into(store, tmp_path / "nowhere")


def test_another_model_with_a_published_version_is_refused(store, model, tmp_path):
    publish_into(store, model("shipped-1-aaaa").rename(tmp_path / "first"))
    with pytest.raises(ConflictError):
        publish_into(store, model("shipped-1-aaaa", body=b"other"))


def test_a_complete_model_folder_is_accepted(model):
    check_folder(model("shipped-1-aaaa"))


@pytest.mark.parametrize("fault", ["nowhere", "no folder", "no manifest", "corrupt", "index"])
def test_an_invalid_model_folder_is_a_usage_error(model, tmp_path, fault):
    folder = model("shipped-1-aaaa", kind="index" if fault == "index" else "model")
    if fault == "nowhere":
        folder = tmp_path / "nowhere"
    elif fault == "no folder":
        folder = folder / "model.onnx"
    elif fault == "no manifest":
        (folder / "manifest.json").unlink()
    elif fault == "corrupt":
        (folder / "model.onnx").write_bytes(b"other content ")
    with pytest.raises(LocalStackError, match=f"{folder}.*cannot be used: ") as caught:
        check_folder(folder)
    assert caught.value.exit_code == 2


@pytest.fixture
def simulation():
    return Simulation(rows=2000)


@pytest.fixture
def shipped(store, model, simulation):
    """The shipped model and its evaluation, registered as by the start of a stack."""
    folder = model("shipped-1-aaaa")
    simulation.evaluation(folder / "evaluation", "shipped-1-aaaa", simulation.predictions())
    publish_into(store, folder)
    assert add_evaluation_to(store, folder)
    return folder


def candidate(store, model, simulation, tmp_path, version="mine-1-cccc", **parts):
    figures = tmp_path / f"figures of {version} {len(parts)}"
    simulation.evaluation(figures, version, simulation.predictions(seed=3), **parts)
    folder = tmp_path / version
    registry.register(store, folder if folder.exists() else model(version), figures)
    return version


def test_the_first_candidate_can_be_compared_on_the_same_rows(
    store, shipped, model, simulation, tmp_path
):
    name = candidate(store, model, simulation, tmp_path)
    assert require_passed(store, name, "shipped-1-aaaa").passed


def test_a_candidate_evaluated_on_other_rows_needs_an_evaluation_on_the_named_rows(
    store, shipped, model, simulation, tmp_path
):
    name = candidate(store, model, simulation, tmp_path, rows=1990)
    with pytest.raises(
        GateError, match=r"shipped-1-aaaa on phones \(1,000 rows\), test \(1,000 rows\)"
    ):
        require_passed(store, name, "shipped-1-aaaa")
    candidate(store, model, simulation, tmp_path)
    assert require_passed(store, name, "shipped-1-aaaa").passed


def test_registering_an_evaluation_again_changes_nothing(store, shipped):
    before = sorted(info.key for info in store.list(""))
    add_evaluation_to(store, shipped)
    assert sorted(info.key for info in store.list("")) == before


def test_an_evaluation_is_optional_for_the_shipped_model(store, model):
    folder = model("shipped-1-aaaa")
    publish_into(store, folder)
    assert not add_evaluation_to(store, folder)
    assert registry.evaluations(store, "shipped-1-aaaa") == []


@pytest.mark.parametrize("fault", ["other version", "no predictions", "half a file", "mixed"])
def test_an_invalid_evaluation_is_reported_and_the_model_is_still_published(
    store, model, simulation, monkeypatch, capsys, fault
):
    folder = model("shipped-1-aaaa")
    figures = folder / "evaluation"
    version = "shipped-1-bbbb" if fault == "other version" else "shipped-1-aaaa"
    simulation.evaluation(figures, version, simulation.predictions())
    predictions = figures / "predictions.parquet"
    if fault == "no predictions":
        predictions.unlink()
    elif fault == "half a file":
        predictions.write_bytes(predictions.read_bytes()[:100])
    elif fault == "mixed":
        table = pq.read_table(predictions)
        pq.write_table(table.replace_schema_metadata({"model_version": "x-1"}), predictions)
    with pytest.raises((ArtefactError, EvaluationError)):
        add_evaluation_to(store, folder)
    monkeypatch.setattr(shipped_model, "_store", lambda: store)
    prepare.publish_model(folder)
    assert version_of(store) == "shipped-1-aaaa"
    assert registry.evaluations(store, "shipped-1-aaaa") == []
    assert "evaluation of" in (output := capsys.readouterr().out)
    assert "was not registered" in output
