"""Old runs on this machine give back the disk: real files, real processes, nothing that is used."""

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

HEAVY = (
    "checkpoints/step-50/model.safetensors",
    "checkpoints/step-50/optimizer.pt",
    "checkpoints/teacher.safetensors",
    "tmp/part.onnx",
    "model/model.safetensors",
    "model/encoder/model.safetensors",
    "model/model.onnx",
)
LIGHT = (
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


def made(root, number, ending="completed"):
    """A run with all that a training leaves; the higher its number the later it ended."""
    run = RunFolder(root / f"train_20260310_{number:03}")
    for name in (*HEAVY, *LIGHT):
        path = run.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)
    run.describe(["true"], {}, root)
    if ending:
        told = {"finished_at": f"2026-03-10T10:{number:02}:00+00:00", **ENDINGS[ending]}
        run.keep(RunState(**told))
    return run.root


def files(run):
    return {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}


def whole(run):
    return files(run) >= {*HEAVY, *LIGHT}


def freed(run):
    return not files(run) & set(HEAVY) and files(run) >= set(LIGHT)


def test_the_newest_keep_their_weights_and_of_older_ones_what_was_measured_stays(root):
    runs = [made(root, n, ("completed", "failed")[n % 2]) for n in range(6)]
    assert sorted(prune(root, 2)) == [run.name for run in runs[:4]]
    assert [whole(run) for run in runs] == [False] * 4 + [True] * 2
    assert all(freed(run) for run in runs[:4])
    assert "newest 2 runs" in (runs[0] / "pruned").read_text()
    assert prune(root, 2) == [], "there is nothing left to remove"


def test_what_was_cancelled_gives_way_at_once_and_displaces_nobody(root):
    completed = made(root, 1)
    cancelled = [made(root, n, "cancelled") for n in (2, 3, 4)]
    prune(root, 1)
    assert whole(completed)
    assert all(freed(run) for run in cancelled)


def test_a_run_that_has_not_ended_is_left_alone(root):
    active, old = made(root, 1, ending=None), made(root, 2)
    made(root, 3)
    assert prune(root, 1) == [old.name]
    assert whole(active)


@pytest.mark.parametrize("how", ["argument", "relative", "equals", "open", "inside"])
def test_a_run_whose_model_a_process_works_with_is_left_until_it_has_ended(root, how):
    old, _ = made(root, 1), made(root, 2)
    model = old / "model"
    arguments = {
        "argument": ["--run-dir", str(model)],
        "relative": ["--run-dir", f"training/{old.name}/model"],
        "equals": [f"--run-dir={model}"],
    }.get(how, [])
    code = "print('ready', flush=True); input()"
    if how == "open":  # a notebook, say: nothing in its arguments
        code = f"file = open({str(model / 'model.safetensors')!r}, 'rb'); {code}"
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=model if how == "inside" else root.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as export:
        assert export.stdout.readline() == "ready\n"
        assert prune(root, 1) == []
        assert whole(old)
        export.communicate("\n")
    assert prune(root, 1) == [old.name]


def test_a_file_that_a_link_points_to_outside_stays(root, tmp_path):
    old, _ = made(root, 1), made(root, 2)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"shared")
    (old / "model" / "base").symlink_to(tmp_path / "base")
    (old / "model" / "linked.safetensors").symlink_to(tmp_path / "base" / "model.safetensors")
    prune(root, 1)
    assert (tmp_path / "base" / "model.safetensors").read_bytes() == b"shared"


def test_folders_that_are_no_runs_are_left_alone(root):
    (root / "train_notes").mkdir(parents=True)
    (root / "train_notes" / "model.safetensors").write_bytes(b"mine")
    made(root, 1)
    prune(root, 1)
    assert (root / "train_notes" / "model.safetensors").exists()
    assert prune(root / "nowhere", 1) == []


def test_when_a_run_ends_the_oldest_gives_way_and_its_status_is_still_told(tmp_path):
    runs = LocalJobs(tmp_path, keep=2)
    try:
        names = []
        for number in (1, 2, 3):
            runs.launcher.start(job(number))
            name = job(number).training_id
            folder = runs.root / name
            runs.started(name)
            (folder / "model" / "model.safetensors").write_bytes(b"w" * 5000)
            (folder / "checkpoints" / "last.safetensors").write_bytes(b"w" * 5000)
            end = ("say out of reviews", "exit 3") if number == 3 else ("exit 0",)
            runs.tell(name, 'metrics {"epoch": 0, "step": 4, "macro_f1": 0.6}', *end)
            runs.report_at_end(name)
            names.append(name)
        oldest, *others = (runs.root / name for name in names)
        weights = oldest / "model" / "model.safetensors"
        wait_until(lambda: not weights.exists(), what="pruning of the oldest")
        assert not (oldest / "checkpoints").exists()
        assert all((folder / "model" / "model.safetensors").exists() for folder in others)
        assert json.loads((oldest / "state.json").read_text())["status"] == 0
        found = runs.another().report(names[0])
        assert (found.state, found.progress.metrics) == (
            TrainingState.COMPLETED,
            {"macro_f1": 0.6},
        )
        last = runs.another().report(names[2])
        assert last.failure_reason == "out of reviews (exit status 3)"
    finally:
        runs.end()


def test_how_many_keep_theirs_is_a_setting_and_none_is_refused(monkeypatch):
    assert LocalTrainingSettings().train_keep == 5
    monkeypatch.setenv("REVIEWLENS_TRAIN_KEEP", "2")
    assert LocalTrainingSettings().train_keep == 2
    monkeypatch.setenv("REVIEWLENS_TRAIN_KEEP", "0")
    with pytest.raises(ValidationError, match="train_keep"):
        LocalTrainingSettings()
