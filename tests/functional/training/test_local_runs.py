"""Training runs on this machine: the job's environment, and reports after failures."""

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
from local.training.report import strip_folders
from shared.errors import ConflictError, UnavailableError
from shared.schemas.training import TrainingState
from tests.training import LocalJobs, is_alive, job, wait_until

NAME = job().training_id


@pytest.fixture
def runs(tmp_path):
    jobs = LocalJobs(tmp_path)
    yield jobs
    jobs.end()


@pytest.fixture
def launcher(runs):
    return runs.launcher


def test_the_job_gets_the_variables_of_sagemaker_and_no_secret(runs, launcher, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("REVIEWLENS_DATABASE_SECRET_ID", "hidden")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    launcher.start(job(model_name="own-encoder", epochs=2, batch_size=8, learning_rate=3e-5))
    job_start = runs.start_of(NAME)
    assert job_start["arguments"] == [
        *("-m", "sagemaker_jobs.train", "--model-name", str(runs.folder / "encoders/own-encoder")),
        *("--epochs", "2", "--batch-size", "8", "--learning-rate", "3e-05"),
    ]
    environment = job_start["environment"]
    assert environment["SM_CHANNEL_TRAIN"] == str(runs.data)
    assert environment["SM_MODEL_DIR"] == str(runs.root / NAME / "model")
    assert json.loads(environment["SM_HPS"])["epochs"] == 2
    assert environment["OMP_NUM_THREADS"] == "1"
    assert "hidden" not in environment.values()


def test_a_known_encoder_is_passed_by_name(runs, launcher):
    encoder = f"distilbert-base-uncased@{'0' * 40}"
    launcher.start(job(model_name=encoder))
    assert encoder in runs.start_of(NAME)["arguments"]


def test_a_killed_job_fails_with_its_reason(runs, launcher):
    launcher.start(job())
    runs.send(NAME, "say half of it is done")
    _, pid = runs.pids(NAME)
    os.kill(pid, signal.SIGKILL)
    report = runs.report_at_end(NAME)
    assert report.state is TrainingState.FAILED
    assert "SIGKILL" in report.failure_reason
    assert "half of it is done" in report.failure_reason
    assert report.finished_at is not None


def test_a_run_whose_supervisor_was_killed_fails_and_leaves_no_job_behind(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    runs.kill(supervisor)
    assert is_alive(pid)
    report = launcher.report(NAME)
    assert report.state is TrainingState.FAILED
    assert "killed" in report.failure_reason
    wait_until(lambda: not is_alive(pid), what="end of the job")
    launcher.start(job(2))
    assert launcher.report(job(2).training_id).state is not TrainingState.FAILED


def test_a_run_whose_supervisor_was_killed_does_not_block_the_next(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    runs.kill(supervisor)
    launcher.start(job(2))
    assert not is_alive(pid)


def test_a_run_whose_processes_were_all_killed_fails(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    os.kill(supervisor, signal.SIGSTOP)
    runs.kill(pid)
    runs.kill(supervisor)
    assert launcher.report(NAME).state is TrainingState.FAILED


def test_after_a_restart_a_run_can_be_reported_and_stopped(runs, launcher):
    code = (
        "import sys; from pathlib import Path; from local.training.launcher import LocalLauncher;"
        "from tests.training import job;"
        "root, python, data, encoders = map(Path, sys.argv[1:]);"
        "LocalLauncher(root, python=python, data=data, encoders=encoders).start(job())"
    )
    paths = (runs.root, runs.python, runs.data, runs.folder / "encoders")
    checkout = Path(__file__).resolve().parents[3]
    # the process that started the run has ended, as after a restart of the stack
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True, cwd=checkout)
    runs.send(NAME, 'metrics {"epoch": 0, "step": 1, "steps": 4}')
    restarted = runs.new_launcher()
    assert restarted.report(NAME).state is TrainingState.RUNNING
    assert restarted.report(NAME).progress.step == 1
    restarted.stop(NAME)
    assert runs.report_at_end(NAME).state is TrainingState.CANCELLED


def test_a_run_that_ended_without_a_launcher_is_reported_later(runs, launcher):
    launcher.start(job())
    runs.send(NAME, "version m-12345678", "exit 0")
    wait_until(lambda: runs.state(NAME)["finished_at"], what="end of the run")
    report = runs.new_launcher().report(NAME)
    assert (report.state, report.model_version) == (TrainingState.COMPLETED, "m-12345678")


def test_cancelling_also_ends_the_workers_of_the_job(runs, launcher):
    launcher.start(job())
    runs.send(NAME, "worker")
    worker = int((runs.output(NAME) / "worker").read_text())
    assert is_alive(worker)
    launcher.stop(NAME)
    assert runs.report_at_end(NAME).state is TrainingState.CANCELLED
    wait_until(lambda: not is_alive(worker), what="end of the worker")


def test_a_job_that_ignores_sigterm_is_killed(monkeypatch):
    monkeypatch.setattr(training_run, "_STOP_TIMEOUT_SECONDS", 0.2)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        process.stdout.readline()
        training_run._terminate(process)
        assert process.returncode == -signal.SIGKILL


def test_a_second_run_is_refused_and_the_error_names_the_first(runs, launcher):
    launcher.start(job())
    with pytest.raises(ConflictError, match=NAME):
        launcher.check_ready()
    with pytest.raises(ConflictError, match=NAME):
        runs.new_launcher().start(job(2))
    assert runs.new_launcher().report(job(2).training_id) is None
    runs.send(NAME, "exit 0")
    runs.report_at_end(NAME)
    launcher.start(job(2))
    assert runs.start_of(job(2).training_id)


def test_only_one_of_several_concurrent_starts_succeeds(runs):
    def start(number):
        try:
            runs.new_launcher().start(job(number))
        except ConflictError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(start, range(1, 9))) == 1


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["raise the head has no rows"], "RuntimeError: the head has no rows (exit status 1)"),
        (["say hello", "exit 3"], "hello (exit status 3)"),
        (["failure Out of\treviews", "say later", "exit 1"], "Out of reviews (exit status 1)"),
        (["raise no file /home/someone/data/train.parquet here"], "no file train.parquet here"),
        (["say " + "x" * 5000, "exit 1"], "xxx (exit status 1)"),
    ],
)
def test_a_failure_reason_is_short_and_without_folders(runs, launcher, commands, expected):
    launcher.start(job())
    runs.send(NAME, *commands)
    report = runs.report_at_end(NAME)
    assert report.state is TrainingState.FAILED
    assert expected in report.failure_reason
    assert len(report.failure_reason) <= 500
    assert str(runs.folder) not in report.failure_reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("open '/a/b/c.txt': denied", "open 'c.txt': denied"),
        ("~/x/y is no folder", "y is no folder"),
        ("1/2 of s3://bucket/key and and/or", "1/2 of s3://bucket/key and and/or"),
        ("File /opt/x.py:3", "File x.py:3"),
    ],
)
def test_folders_of_this_machine_are_removed_from_paths(text, expected):
    assert strip_folders(text) == expected


def test_a_job_that_cannot_be_executed_fails(runs, launcher):
    runs.python.write_text("#!/no/such/interpreter\n")
    launcher.start(job())
    report = runs.report_at_end(NAME)
    assert report.state is TrainingState.FAILED
    assert "could not be started" in report.failure_reason


def test_a_terminated_supervisor_stops_the_job(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    os.kill(supervisor, signal.SIGTERM)
    report = runs.report_at_end(NAME)
    assert report.state is TrainingState.FAILED
    assert "SIGTERM" in report.failure_reason
    assert not is_alive(pid)


def test_removing_the_folder_stops_the_run(runs, launcher):
    launcher.start(job())
    supervisor, pid = runs.pids(NAME)
    shutil.rmtree(runs.root)
    wait_until(lambda: not is_alive(pid) and not is_alive(supervisor), what="end of the run")


def test_a_run_that_never_started_fails_after_a_timeout(runs, launcher):
    run = RunFolder(runs.root / NAME)
    run.root.mkdir(parents=True)
    run.write_description(["true"], {}, runs.folder)
    assert launcher.report(NAME).state is TrainingState.STARTED
    os.utime(run.root / "job.json", (1, 1))
    assert launcher.report(NAME).state is TrainingState.FAILED


def test_metrics_are_read_despite_malformed_lines(runs, launcher):
    launcher.start(job())
    runs.send(
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


def test_a_missing_environment_or_data_is_reported_before_the_start(runs, launcher):
    (runs.data / "validation.parquet").unlink()
    with pytest.raises(UnavailableError, match=r"validation\.parquet.*prepare_training_data"):
        launcher.check_ready()
    runs.python.unlink()
    with pytest.raises(UnavailableError, match="make train-env") as raised:
        launcher.check_ready()
    assert str(runs.folder) not in raised.value.message


def test_the_number_of_rows_is_read_from_the_data(runs, launcher):
    assert launcher.count_rows() == 10
