"""Pruning of old training runs, with real files and processes."""

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from local.training.folder import RunFolder, RunState
from local.training.launcher import LocalTrainingSettings
from local.training.pruning import prune
from shared.schemas.training import TrainingState
from tests.training import LocalJobs, job, wait_until

PRUNED = (
    "checkpoints/step-50/model.safetensors",
    "checkpoints/step-50/optimizer.pt",
    "checkpoints/teacher.safetensors",
    "tmp/part.onnx",
    "model/model.safetensors",
    "model/encoder/model.safetensors",
    "model/model.onnx",
)
RETAINED = (
    "model/run.json",
    "model/manifest.json",
    "model/config.json",
    "model/tokenizer.json",
    "model/logs/train_metrics.jsonl",
    "output/failure",
    "log",
)
ENDINGS = {"completed": {"status": 0}, "failed": {"status": 1}, "cancelled": {"stopped": True}}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "training"


def create_run(root, number, ending="completed"):
    """A run with all files of a training; runs with higher numbers ended later."""
    run = RunFolder(root / f"train_20260310_{number:03}")
    for name in (*PRUNED, *RETAINED):
        path = run.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)
    run.write_description(["true"], {}, root)
    if ending:
        finished_at = f"2026-03-10T10:{number:02}:00+00:00"
        run.write_state(RunState(finished_at=finished_at, **ENDINGS[ending]))
    return run.root


def files(run):
    return {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}


def is_complete(run):
    return files(run) >= {*PRUNED, *RETAINED}


def is_pruned(run):
    return not files(run) & set(PRUNED) and files(run) >= set(RETAINED)


def test_only_the_newest_runs_keep_weights_and_all_keep_results(root):
    runs = [create_run(root, n, ("completed", "failed")[n % 2]) for n in range(6)]
    assert sorted(prune(root, 2)) == [run.name for run in runs[:4]]
    assert [is_complete(run) for run in runs] == [False] * 4 + [True] * 2
    assert all(is_pruned(run) for run in runs[:4])
    assert "newest 2 runs" in (runs[0] / "pruned").read_text()
    assert prune(root, 2) == [], "a second call has nothing to remove"


def test_cancelled_runs_are_pruned_and_do_not_count(root):
    completed = create_run(root, 1)
    cancelled = [create_run(root, n, "cancelled") for n in (2, 3, 4)]
    prune(root, 1)
    assert is_complete(completed)
    assert all(is_pruned(run) for run in cancelled)


def test_an_active_run_is_not_pruned(root):
    active, old = create_run(root, 1, ending=None), create_run(root, 2)
    create_run(root, 3)
    assert prune(root, 1) == [old.name]
    assert is_complete(active)


@pytest.mark.parametrize("usage", ["argument", "relative", "equals", "open", "inside"])
def test_a_run_in_use_by_a_process_is_not_pruned(root, usage):
    old, _ = create_run(root, 1), create_run(root, 2)
    model = old / "model"
    arguments = {
        "argument": ["--run-dir", str(model)],
        "relative": ["--run-dir", f"training/{old.name}/model"],
        "equals": [f"--run-dir={model}"],
    }.get(usage, [])
    code = "print('ready', flush=True); input()"
    if usage == "open":  # such as a notebook, without arguments
        code = f"file = open({str(model / 'model.safetensors')!r}, 'rb'); {code}"
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=model if usage == "inside" else root.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as export:
        assert export.stdout.readline() == "ready\n"
        assert prune(root, 1) == []
        assert is_complete(old)
        export.communicate("\n")
    assert prune(root, 1) == [old.name]


def test_the_target_of_a_link_outside_the_run_is_kept(root, tmp_path):
    old, _ = create_run(root, 1), create_run(root, 2)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"shared")
    (old / "model" / "base").symlink_to(tmp_path / "base")
    (old / "model" / "linked.safetensors").symlink_to(tmp_path / "base" / "model.safetensors")
    prune(root, 1)
    assert (tmp_path / "base" / "model.safetensors").read_bytes() == b"shared"


def test_folders_without_a_run_are_not_pruned(root):
    (root / "train_notes").mkdir(parents=True)
    (root / "train_notes" / "model.safetensors").write_bytes(b"mine")
    create_run(root, 1)
    prune(root, 1)
    assert (root / "train_notes" / "model.safetensors").exists()
    assert prune(root / "nowhere", 1) == []


def test_the_end_of_a_run_prunes_the_oldest_and_keeps_its_report(tmp_path):
    runs = LocalJobs(tmp_path, keep=2)
    try:
        names = []
        for number in (1, 2, 3):
            runs.launcher.start(job(number))
            name = job(number).training_id
            folder = runs.root / name
            runs.start_of(name)
            (folder / "model" / "model.safetensors").write_bytes(b"w" * 5000)
            (folder / "checkpoints" / "last.safetensors").write_bytes(b"w" * 5000)
            end = ("say out of reviews", "exit 3") if number == 3 else ("exit 0",)
            runs.send(name, 'metrics {"epoch": 0, "step": 4, "macro_f1": 0.6}', *end)
            runs.report_at_end(name)
            names.append(name)
        oldest, *others = (runs.root / name for name in names)
        weights = oldest / "model" / "model.safetensors"
        wait_until(lambda: not weights.exists(), what="pruning of the oldest")
        assert not (oldest / "checkpoints").exists()
        assert all((folder / "model" / "model.safetensors").exists() for folder in others)
        assert json.loads((oldest / "state.json").read_text())["status"] == 0
        report = runs.new_launcher().report(names[0])
        assert (report.state, report.progress.metrics) == (
            TrainingState.COMPLETED,
            {"macro_f1": 0.6},
        )
        last = runs.new_launcher().report(names[2])
        assert last.failure_reason == "out of reviews (exit status 3)"
    finally:
        runs.end()


def test_the_number_of_unpruned_runs_is_a_setting_of_at_least_one(monkeypatch):
    assert LocalTrainingSettings().train_keep == 5
    monkeypatch.setenv("REVIEWLENS_TRAIN_KEEP", "2")
    assert LocalTrainingSettings().train_keep == 2
    monkeypatch.setenv("REVIEWLENS_TRAIN_KEEP", "0")
    with pytest.raises(ValidationError, match="train_keep"):
        LocalTrainingSettings()
