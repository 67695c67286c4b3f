"""The behaviour of every Launcher: SageMaker (moto), local processes, in memory."""

import pytest

from lambdas.training.sagemaker_launcher import SageMakerLauncher
from lambdas.training.sagemaker_request import job_name
from shared.errors import UnavailableError
from shared.schemas.training import TrainingState
from tests.fakes.launcher import MemoryLauncher
from tests.fakes.sagemaker import jobs, stoppable_jobs
from tests.training import LocalJobs, job, sagemaker_settings, wait_until

LINE = {"epoch": 1, "step": 50, "steps": 100, "seconds": 12.5, "sentiment": 0.5}


class Memory:
    def __init__(self, _request):
        self.launcher = MemoryLauncher()
        self.run, self.finish, self.fail = (
            getattr(self.launcher, name) for name in ("run", "finish", "fail")
        )

    def not_ready(self):
        self.launcher.problem = UnavailableError("role is not set")
        return self.launcher

    def started(self):
        return [each.training_id for each in self.launcher.started]

    def end(self):
        pass


class Local:
    def __init__(self, request):
        self.jobs = LocalJobs(request.getfixturevalue("tmp_path"))
        self.launcher = self.jobs.launcher
        self.end = self.jobs.end

    def run(self, name, **values):
        line = ", ".join(f'"{key}": {value}' for key, value in values.items())
        self.jobs.send(name, f"metrics {{{line}}}")

    def finish(self, name):
        self.jobs.send(name, "exit 0")

    def fail(self, name, reason):
        self.jobs.send(name, f"failure {reason}", "exit 1")

    def not_ready(self):
        self.jobs.python.unlink()
        return self.launcher

    def started(self):
        return [path.name for path in self.jobs.root.glob("train_*")]


class SageMaker:
    def __init__(self, request):
        self._patches = stoppable_jobs()
        self._patches.__enter__()
        self.client = request.getfixturevalue("aws_client")("sagemaker")
        settings = sagemaker_settings(
            training_encoders="own-encoder, other", training_encoders_uri="s3://encoders/"
        )
        self.launcher = SageMakerLauncher(self.client, settings)

    def run(self, name, **values):
        training = jobs()[job_name(name)]
        training.secondary_status = "Training"
        training.training_start_time = training.creation_time
        training.final_metric_data_list = [
            {"MetricName": key, "Value": float(value), "Timestamp": training.creation_time}
            for key, value in values.items()
        ]

    def finish(self, name, status="Completed"):
        training = jobs()[job_name(name)]
        training.training_job_status = training.secondary_status = status
        training.training_start_time = training.training_end_time = training.creation_time

    def fail(self, name, reason):
        jobs()[job_name(name)].failure_reason = reason
        self.finish(name, "Failed")

    def not_ready(self):
        return SageMakerLauncher(self.client, sagemaker_settings(training_role_arn=""))

    def started(self):
        return [name.replace("-", "_") for name in jobs()]

    def stopped(self, name):
        if jobs()[job_name(name)].training_job_status == "Stopping":
            self.finish(name, "Stopped")

    def end(self):
        self._patches.__exit__(None, None, None)


@pytest.fixture(params=[Memory, Local, SageMaker], ids=["memory", "local", "sagemaker"])
def world(request):
    """A launcher, and the actions of the jobs that it starts."""
    world = request.param(request)
    yield world
    world.end()


@pytest.fixture
def launcher(world):
    return world.launcher


def wait_for_state(launcher, name, *states):
    def report_in_state():
        report = launcher.report(name)
        return report if report.state in states else None

    return wait_until(report_in_state, what=f"{name} {states}")


def test_a_job_reports_its_progress_from_start_to_end(world, launcher):
    launcher.check_ready()
    launcher.start(job())
    name = job().training_id
    first = launcher.report(name)
    assert first.state in (TrainingState.STARTED, TrainingState.RUNNING)
    assert (first.finished_at, first.failure_reason, first.model_version) == (None, None, None)
    world.run(name, **LINE)
    running = wait_for_state(launcher, name, TrainingState.RUNNING)
    progress = running.progress
    assert (progress.epoch, progress.step, progress.steps) == (2, 50, 100)
    assert progress.metrics == {"sentiment": 0.5}
    assert progress.seconds_left == pytest.approx(12.5)
    assert running.started_at is not None
    world.finish(name)
    ended = wait_for_state(launcher, name, TrainingState.COMPLETED)
    assert ended.finished_at >= ended.started_at
    assert ended.failure_reason is None


def test_a_failed_job_reports_its_reason(world, launcher):
    launcher.start(job())
    world.fail(job().training_id, "no reviews of sentiment neutral")
    failed = wait_for_state(launcher, job().training_id, TrainingState.FAILED)
    assert "no reviews of sentiment neutral" in failed.failure_reason


def test_a_stopped_job_ends_as_cancelled(world, launcher):
    launcher.start(job())
    name = job().training_id
    world.run(name, **LINE)
    launcher.stop(name)
    if isinstance(world, SageMaker):
        assert launcher.report(name).progress.phase == "Stopping"
        world.stopped(name)
    wait_for_state(launcher, name, TrainingState.CANCELLED)
    launcher.stop(name)
    assert launcher.report(name).state is TrainingState.CANCELLED


def test_stopping_a_finished_or_unknown_job_is_not_an_error(world, launcher):
    launcher.stop("train_20260310_999")
    launcher.start(job())
    world.finish(job().training_id)
    wait_for_state(launcher, job().training_id, TrainingState.COMPLETED)
    launcher.stop(job().training_id)
    assert launcher.report(job().training_id).state is TrainingState.COMPLETED


def test_an_unknown_job_has_no_report(launcher):
    assert launcher.report("train_20260310_999") is None


def test_starting_a_job_twice_starts_it_once(world, launcher):
    launcher.start(job())
    world.run(job().training_id, **LINE)
    launcher.start(job())
    assert world.started() == [job().training_id]
    assert launcher.report(job().training_id).progress.step == 50


def test_a_launcher_that_cannot_start_jobs_names_what_is_missing(world):
    with pytest.raises(UnavailableError, match=r"(?i)role|python"):
        world.not_ready().check_ready()


def test_a_launcher_lists_encoders_and_counts_rows(launcher):
    assert "own-encoder" in launcher.encoders()
    assert launcher.count_rows() > 0
