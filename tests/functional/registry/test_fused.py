"""A fused model in the registry: gate, activation without encoding, the picture model, rollback."""

import json

import numpy as np
import pytest

from local.cli.models_output import show_model
from sagemaker_jobs.activate.activation import activate, rollback
from sagemaker_jobs.adapt.config import AdaptConfig
from sagemaker_jobs.adapt.evaluation import register_with_evaluations
from sagemaker_jobs.adapt.job import run as adapt
from sagemaker_jobs.fusion.config import FusionExportConfig
from sagemaker_jobs.fusion.export import run as export
from sagemaker_jobs.fusion.run_folder import HEAD, RECORD, Unseen, save_unseen
from sagemaker_jobs.gate.errors import GateError
from sagemaker_jobs.gate.published import compare
from shared.errors import ConflictError, InvalidInputError
from shared.index.build import build_index
from shared.runtime.decisions import decide
from shared.runtime.encoder import open_folder
from shared.runtime.fusion import save_head
from shared.runtime.loader import open_version
from shared.schemas.decisions import Rule
from shared.storage import artefacts, registry
from shared.storage.artefacts import file_sha256, read_folder
from tests.corpus import publish_manifest_only
from tests.evaluations import Simulation
from tests.functional.registry.conftest import ReviewSystem
from tests.functional.registry.test_reuse import CountingEncoder
from tests.fused import tiny_head
from tests.sauces import PLAIN, WIDTH, sauces, tiny_model

ROWS = 400
TOWER = "a" * 64


def _said(labels, is_right):
    """Probabilities (n, 3) of answers of which some are right."""
    probabilities = np.full((len(labels), 3), 0.1, np.float32)
    probabilities[np.arange(len(labels)), np.where(is_right, labels, (labels + 1) % 3)] = 0.8
    return probabilities


def write_run(folder, base, *, right=0.9, gain=0.1):
    """A finished training; ``right``: the share of the rows that the head gets right."""
    folder.mkdir()
    save_head(tiny_head(WIDTH), folder / HEAD)
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, ROWS)
    both, served = (_said(labels, rng.random(ROWS) < share) for share in (right, 0.6))
    served = decide(Rule(), served)
    keys = [f"{row:064x}" for row in range(ROWS)]
    save_unseen(Unseen(keys, labels, served, both, both), folder)
    manifest = read_folder(base, kind="model").manifest
    gains = {"accuracy": gain, "interval": [gain - 0.05, gain + 0.05]}
    figures = {"both": {"accuracy": right, "intervals": {}}}
    figures |= {f"gain_over_{name}": gains for name in ("served", "text")}
    record = {
        "text_model": manifest.version, "encoder_sha256": manifest.encoder_sha256,
        "picture_model": "tiny-pictures-1", "picture_sha256": TOWER, "figures": figures,
        "head_sha256": file_sha256(folder / HEAD),
    }  # fmt: skip
    (folder / RECORD).write_text(json.dumps(record))
    return folder


@pytest.fixture
def base(tmp_path):
    return tiny_model(tmp_path / "base")


@pytest.fixture
def fuse(tmp_path, base):
    def make(name="fused", text_model=base, **options):
        run = write_run(tmp_path / f"run-{name}", text_model, **options)
        config = FusionExportConfig(run_dir=run, output_dir=tmp_path / name, text_model=text_model)
        export(config)
        return tmp_path / name

    return make


@pytest.fixture
def system(database, tmp_path, base):
    """The tiny model is current and has scored eight reviews."""
    system = ReviewSystem.in_memory(database, tmp_path / "cache", picture_sha256=TOWER)
    system.encoders[read_folder(base, kind="model").manifest.version] = CountingEncoder(base)
    current = register_with_evaluations(system.artefacts, base)
    artefacts.move_pointer(system.artefacts, "model", current.version, if_match=None)
    ingest_id = system.ledger.receive("raw", "sauces", "etag")
    system.ledger.start(ingest_id)
    message = system.store(ingest_id, "sauces", 0, 8, " ".join(PLAIN))
    system.ledger.finish(ingest_id)
    system.process([message])
    build_index(system.artefacts)
    system.processing_queue.take()
    return system


def register(system, folder):
    manifest = register_with_evaluations(system.artefacts, folder)
    system.encoders[manifest.version] = CountingEncoder(folder)
    return manifest.version


def test_it_passes_the_gate_becomes_current_without_encoding_and_can_be_rolled_back(
    system, fuse, tmp_path, capsys
):
    before, version = system.current()[0], register(system, fuse())
    show_model(registry.describe(system.artefacts, version))
    assert "fusion head: decides, with pictures by tiny-pictures-1" in capsys.readouterr().out
    report = activate(system, version)
    assert (report.reviews_scored, report.reviews_reused) == (8, 8)
    assert system.encoders[version].encoded == 0
    assert system.current() == (version, version, 8)
    assert open_version(system.artefacts, version, tmp_path / "cache").head is not None
    rollback(system)
    assert system.current() == (before, before, 8)


def test_a_head_that_is_worse_than_the_text_alone_does_not_pass_the_gate(system, fuse):
    version = register(system, fuse(right=0.2))
    with pytest.raises(GateError, match=r"overall text\+image: accuracy"):
        activate(system, version)


def test_a_head_within_the_noise_does_not_decide_and_is_judged_as_the_text_that_does(system, fuse):
    folder = fuse(right=0.2, gain=0.01)
    assert not read_folder(folder, kind="model").manifest.fusion.decides
    version = register(system, folder)
    result = compare(system.artefacts, version, system.current()[0])
    assert (result.passed, {check.gain for check in result.checks}) == (True, {0.0})


def test_a_head_of_another_picture_model_is_not_activated(system, fuse):
    version = register(system, fuse())
    object.__setattr__(system, "picture_sha256", "b" * 64)
    with pytest.raises(ConflictError, match=r"trained with tiny-pictures-1, which is not the inst"):
        activate(system, version, force=True)
    assert system.current()[0] != version


def test_a_later_model_is_compared_with_the_answers_to_texts_of_the_encoder(system, fuse, tmp_path):
    before, store, rows = system.current()[0], system.artefacts, Simulation(600)
    for name, accuracy in ((before, 0.9), ("later-1", 0.5)):
        folder = rows.evaluation(tmp_path / f"of-{name}", name, rows.predictions(accuracy))
        if name == before:
            registry.add_evaluation(store, before, folder)
    version = register(system, fuse())
    assert register(system, tmp_path / "fused") == version
    publish_manifest_only(store, "later-1", WIDTH)
    registry.add_evaluation(store, "later-1", tmp_path / "of-later-1")
    result = compare(store, "later-1", version)
    assert (result.rows, result.passed) == (600, False)
    assert len(registry.evaluations(store, version)) == 2


def test_what_is_adapted_from_it_has_no_head(fuse, tmp_path):
    folder = fuse()
    texts, stars = sauces(80)
    adapt(AdaptConfig(model_dir=folder, output_dir=tmp_path / "adapted"), texts, stars)
    adapted = open_folder(tmp_path / "adapted")
    assert (adapted.head, adapted.manifest.fusion) == (None, None)


def test_a_head_is_trained_again_over_a_fused_model(fuse):
    again = fuse("again", fuse())
    manifest = read_folder(again, kind="model").manifest
    assert manifest.version.count("-fused-") == 1
    assert open_folder(again).head is not None


def test_nothing_is_written_into_a_folder_with_files(tmp_path, base):
    run = write_run(tmp_path / "run", base)
    with pytest.raises(InvalidInputError, match=r"output_dir: .* is not empty"):
        export(FusionExportConfig(run_dir=run, output_dir=base, text_model=base))
