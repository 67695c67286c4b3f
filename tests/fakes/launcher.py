"""A Launcher in memory."""

from dataclasses import replace
from datetime import UTC, datetime

from lambdas.training.launcher import Report, parse_progress
from shared.schemas.training import TrainingState


class MemoryLauncher:
    """Jobs are reports in a dictionary; tests change their state."""

    name = "memory"

    def __init__(self, *, encoders=("own-encoder",), rows=1000):
        self._encoders = frozenset(encoders)
        self._rows = rows
        self.jobs = {}
        self.started = []
        self.problem = None

    def check_ready(self):
        if self.problem:
            raise self.problem

    def encoders(self):
        return self._encoders

    def count_rows(self):
        return self._rows

    def start(self, job):
        self.check_ready()
        if job.training_id not in self.jobs:
            self.started.append(job)
            self.jobs[job.training_id] = Report(TrainingState.STARTED)

    def report(self, training_id):
        return self.jobs.get(training_id)

    def stop(self, training_id):
        report = self.jobs.get(training_id)
        if report and not report.state.is_final:
            self._end(training_id, TrainingState.CANCELLED)

    # changes that a job would report

    def run(self, training_id, **values):
        now = datetime.now(UTC)
        report = self.jobs[training_id]
        self.jobs[training_id] = replace(
            report,
            state=TrainingState.RUNNING,
            started_at=report.started_at or now,
            progress=parse_progress(values),
        )

    def finish(self, training_id, **values):
        self._end(training_id, TrainingState.COMPLETED, **values)

    def fail(self, training_id, reason):
        self._end(training_id, TrainingState.FAILED, failure_reason=reason)

    def _end(self, training_id, state, **values):
        now = datetime.now(UTC)
        values = {"started_at": now, "finished_at": now} | values
        self.jobs[training_id] = replace(self.jobs[training_id], state=state, **values)
