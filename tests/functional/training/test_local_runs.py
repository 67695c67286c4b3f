"""A training on this machine: what its process gets, and what is told when something dies."""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.training import run as training_run
from local.training.folder import RunFolder
from local.training.report import without_paths
from shared.errors import ConflictError, UnavailableError
from shared.schemas.training import TrainingState
from tests.training import LocalJobs, alive, job, wait_until

NAME = job().training_id


@pytest.fixture
def runs(tmp_path):
    made = LocalJobs(tmp_path)
    yield made
    made.end()


@pytest.fixture
def launcher(runs):
    return runs.launcher


def test_the_job_is_started_as_sagemaker_would_and_is_told_no_secret(runs, launcher, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("REVIEWLENS_DATABASE_SECRET_ID", "hidden")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    launcher.start(job(model_name="own-encoder", epochs=2, batch_size=8, learning_rate=3e-5))
    found = runs.started(NAME)
    assert found["arguments"] == [
        *("-m", "sagemaker_jobs.train", "--model-name", str(runs.folder / "encoders/own-encoder")),
        *("--epochs", "2", "--batch-size", "8", "--learning-rate", "3e-05"),
    ]
    environment = found["environment"]
    assert environment["SM_CHANNEL_TRAIN"] == str(runs.data)
    assert environment["SM_MODEL_DIR"] == str(runs.root / NAME / "model")
    assert json.loads(environment["SM_HPS"])["epochs"] == 2
    assert environment["OMP_NUM_THREADS"] == "1"
    assert "hidden" not in environment.values()


def test_a_known_encoder_goes_by_its_name(runs, launcher):
    launcher.start(job(model_name="distilbert-base-uncased"))
    assert "distilbert-base-uncased" in runs.started(NAME)["arguments"]


def test_a_killed_job_has_failed_with_its_reason(runs, launcher):
    launcher.start(job())
    runs.tell(NAME, "say half of it is done")
    _, pid = runs.pids(NAME)
    os.kill(pid, signal.SIGKILL)
    found = runs.report_at_end(NAME)
    assert found.state is TrainingState.FAILED
    assert "SIGKILL" in found.failure_reason
    assert "half of it is done" in found.failure_reason
    assert found.finished_at is not None


def test_a_killed_supervisor_leaves_no_job_behind_and_the_run_has_failed(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    runs.kill(supervisor)
    assert alive(pid)
    found = launcher.report(NAME)
    assert found.state is TrainingState.FAILED
    assert "killed" in found.failure_reason
    wait_until(lambda: not alive(pid), what="end of the job")
    launcher.start(job(2))
    assert launcher.report(job(2).training_id).state is not TrainingState.FAILED


def test_another_start_is_not_held_up_by_a_run_whose_supervisor_was_killed(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    runs.kill(supervisor)
    launcher.start(job(2))
    assert not alive(pid)


def test_a_run_whose_processes_all_died_has_failed(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    os.kill(supervisor, signal.SIGSTOP)
    runs.kill(pid)
    runs.kill(supervisor)
    assert launcher.report(NAME).state is TrainingState.FAILED


def test_after_a_restart_the_folder_tells_the_run_and_lets_it_be_stopped(runs, launcher):
    code = (
        "import sys; from pathlib import Path; from local.training.launcher import LocalLauncher;"
        "from tests.training import job;"
        "root, python, data, encoders = map(Path, sys.argv[1:]);"
        "LocalLauncher(root, python=python, data=data, encoders=encoders).start(job())"
    )
    places = (runs.root, runs.python, runs.data, runs.folder / "encoders")
    checkout = Path(__file__).resolve().parents[3]
    # the process that started it is gone, as after a restart of the stack
    subprocess.run([sys.executable, "-c", code, *map(str, places)], check=True, cwd=checkout)
    runs.tell(NAME, 'metrics {"epoch": 0, "step": 1, "steps": 4}')
    again = runs.another()
    assert again.report(NAME).state is TrainingState.RUNNING
    assert again.report(NAME).progress.step == 1
    again.stop(NAME)
    assert runs.report_at_end(NAME).state is TrainingState.CANCELLED


def test_a_run_that_ended_while_nobody_looked_is_told_afterwards(runs, launcher):
    launcher.start(job())
    runs.tell(NAME, "version m-12345678", "exit 0")
    wait_until(lambda: runs.state(NAME)["finished_at"], what="end of the run")
    found = runs.another().report(NAME)
    assert (found.state, found.model_version) == (TrainingState.COMPLETED, "m-12345678")


def test_cancelling_ends_the_workers_of_the_job_as_well(runs, launcher):
    launcher.start(job())
    runs.tell(NAME, "worker")
    worker = int((runs.output(NAME) / "worker").read_text())
    assert alive(worker)
    launcher.stop(NAME)
    assert runs.report_at_end(NAME).state is TrainingState.CANCELLED
    wait_until(lambda: not alive(worker), what="end of the worker")


def test_a_job_that_does_not_heed_the_request_is_killed(monkeypatch):
    monkeypatch.setattr(training_run, "_PATIENCE_SECONDS", 0.2)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        process.stdout.readline()
        training_run._end(process)
        assert process.returncode == -signal.SIGKILL


def test_one_run_at_a_time_and_the_refusal_names_it(runs, launcher):
    launcher.start(job())
    with pytest.raises(ConflictError, match=NAME):
        launcher.ready()
    with pytest.raises(ConflictError, match=NAME):
        runs.another().start(job(2))
    assert runs.another().report(job(2).training_id) is None
    runs.tell(NAME, "exit 0")
    runs.report_at_end(NAME)
    launcher.start(job(2))
    assert runs.started(job(2).training_id)


def test_of_many_that_start_at_once_one_does(runs):
    def start(number):
        try:
            runs.another().start(job(number))
        except ConflictError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(start, range(1, 9))) == 1


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        (["raise the head has no rows"], "RuntimeError: the head has no rows (exit status 1)"),
        (["say hello", "exit 3"], "hello (exit status 3)"),
        (["failure Out of\treviews", "say later", "exit 1"], "Out of reviews (exit status 1)"),
        (["raise no file /home/someone/data/train.parquet here"], "no file train.parquet here"),
        (["say " + "x" * 5000, "exit 1"], "xxx (exit status 1)"),
    ],
)
def test_a_failure_is_told_by_its_last_words_cut_and_without_places(
    runs, launcher, orders, expected
):
    launcher.start(job())
    runs.tell(NAME, *orders)
    found = runs.report_at_end(NAME)
    assert found.state is TrainingState.FAILED
    assert expected in found.failure_reason
    assert len(found.failure_reason) <= 500
    assert str(runs.folder) not in found.failure_reason


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("open '/a/b/c.txt': denied", "open 'c.txt': denied"),
        ("~/x/y is no folder", "y is no folder"),
        ("1/2 of s3://bucket/key and and/or", "1/2 of s3://bucket/key and and/or"),
        ("File /opt/x.py:3", "File x.py:3"),
    ],
)
def test_paths_of_the_machine_are_left_out(text, told):
    assert without_paths(text) == told


def test_a_job_that_cannot_be_executed_has_failed(runs, launcher):
    runs.python.write_text("#!/no/such/interpreter\n")
    launcher.start(job())
    found = runs.report_at_end(NAME)
    assert found.state is TrainingState.FAILED
    assert "cannot be started" in found.failure_reason


def test_a_supervisor_that_is_told_to_end_ends_the_job(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    os.kill(supervisor, signal.SIGTERM)
    found = runs.report_at_end(NAME)
    assert found.state is TrainingState.FAILED
    assert "SIGTERM" in found.failure_reason
    assert not alive(pid)


def test_removing_the_folder_ends_the_run(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    shutil.rmtree(runs.root)
    wait_until(lambda: not alive(pid) and not alive(supervisor), what="end of the run")


def test_a_run_that_was_never_started_has_failed_after_a_while(runs, launcher):
    run = RunFolder(runs.root / NAME)
    run.root.mkdir(parents=True)
    run.describe(["true"], {}, runs.folder)
    assert launcher.report(NAME).state is TrainingState.STARTED
    os.utime(run.root / "job.json", (1, 1))
    assert launcher.report(NAME).state is TrainingState.FAILED


def test_metrics_are_read_whatever_lines_there_are(runs, launcher):
    launcher.start(job())
    runs.tell(
        NAME,
        'metrics {"epoch": 0, "step": 50, "steps": 200, "seconds": 3.5, "sentiment": 0.7}',
        'metrics {"epoch": 0, "step": 60, "macro_f1": 0.61, "accuracy": 0.8, "best": true}',
        'metrics {"epoch": 1, "step": 100, "steps": 200, "sentiment": NaN, "per": {"a": 1}}',
        'metrics ["a list"]',
        "metrics nonsense",
        'metrics {"epoch": 1, "st',
    )
    progress = launcher.report(NAME).progress
    assert (progress.epoch, progress.step, progress.steps) == (2, 100, 200)
    assert progress.metrics == {"macro_f1": 0.61, "accuracy": 0.8}


def test_what_is_missing_is_told_before_anything_starts(runs, launcher):
    (runs.data / "validation.parquet").unlink()
    with pytest.raises(UnavailableError, match=r"validation\.parquet.*prepare_training_data"):
        launcher.ready()
    runs.python.unlink()
    with pytest.raises(UnavailableError, match="make test-train") as raised:
        launcher.ready()
    assert str(runs.folder) not in raised.value.message


def test_rows_are_those_of_the_data_up_to_what_the_job_draws(runs, launcher):
    assert launcher.rows() == 10
