"""Starts runs once, however often they are asked for, and keeps what their jobs say."""

import logging
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from lambdas.training.dependencies import Dependencies
from lambdas.training.launcher import Job, Progress, Report
from shared.db.training import TrainingRun
from shared.errors import ConflictError, InvalidInputError, NotFoundError, ReviewlensError
from shared.schemas.training import (
    KNOWN_ENCODERS,
    TrainAccepted,
    TrainingParameters,
    TrainingState,
    TrainingStatus,
    TrainRequest,
)

log = logging.getLogger(__name__)
_LAUNCH_SECONDS = 60.0
"""A run that its launcher does not know after that long was never started (we were killed)."""
_SHOWN_NAMES = 20


class Training:
    """Answers /train and /status."""

    def __init__(self, ports: Dependencies) -> None:
        self._ports = ports
        self._runs = ports.runs

    def start(self, request: TrainRequest, key: str | None) -> TrainAccepted:
        """Start a run, or tell of the one that the same request has started already.

        Args:
            request: What to train with.
            key: The caller's idempotency key.

        Raises:
            InvalidInputError: the encoder is neither known nor registered.
            ConflictError: the key was used with other parameters, or nothing can be started while
                another run is active.
            UnavailableError: training cannot be started here; says what is missing.
        """
        wanted, launcher = request.parameters(), self._ports.launcher
        run = self._known(wanted, key)
        if run is None:
            self._check_encoder(wanted.model_name)
            launcher.ready()
            rows = launcher.rows()
            run, is_new = self._runs.begin(
                wanted,
                key,
                launcher=launcher.name,
                rows=rows,
                estimated_at=datetime.now(UTC) + self._duration(wanted, rows),
            )
            if is_new:
                self._launch(Job(run.training_id, wanted))
        elif key is not None:
            self._runs.remember(key, run.training_id)
        return TrainAccepted(
            training_id=run.training_id,
            status=TrainingState(run.state),
            estimated_completion_time=run.estimated_at,
            warnings=request.unknown_field_warnings(),
        )

    def status(self, training_id: str) -> TrainingStatus:
        """Where a run stands now.

        Raises:
            NotFoundError: it is unknown.
            UnavailableError: nobody can tell now.
        """
        return _told(self._refreshed(self._of(training_id)))

    def cancel(self, training_id: str) -> TrainingStatus:
        """Ask a run to end; it is cancelled as soon as its job has ended.

        Raises:
            NotFoundError: it is unknown.
            ConflictError: it has ended otherwise.
            UnavailableError: its job cannot be stopped now.
        """
        run = self._refreshed(self._of(training_id))
        if not TrainingState(run.state).is_final:
            self._ports.launcher.stop(training_id)
            run = self._refreshed(run)
        if run.state in (TrainingState.COMPLETED, TrainingState.FAILED):
            raise ConflictError(f"the run is {run.state} and cannot be cancelled")
        return _told(run)

    def _known(self, wanted: TrainingParameters, key: str | None) -> TrainingRun | None:
        """What the same request has started; an equal run that has just ended does not count."""
        run = self._runs.find(wanted, key)
        if run is None or TrainingState(run.state).is_final:
            return run
        self._refreshed(run)
        return self._runs.find(wanted, key)

    def _of(self, training_id: str) -> TrainingRun:
        run = self._runs.get(training_id)
        if run is None:
            raise NotFoundError("there is no such training")
        return run

    def _check_encoder(self, name: str) -> None:
        names = KNOWN_ENCODERS | set(self._ports.launcher.encoders())
        if name not in names:
            listed = ", ".join(sorted(names)[:_SHOWN_NAMES])
            told = f"no encoder of that name is known or registered; known: {listed}"
            raise InvalidInputError(told, details={"field": "model_name"})

    def _duration(self, wanted: TrainingParameters, rows: int) -> timedelta:
        measured = self._runs.rate(self._ports.launcher.name, wanted.model_name)
        return timedelta(seconds=rows * wanted.epochs / (measured or self._ports.rate))

    def _launch(self, job: Job) -> None:
        try:
            self._ports.launcher.start(job)
        except Exception as error:
            reason = error.message if isinstance(error, ReviewlensError) else "it was not started"
            self._runs.update(
                job.training_id, state=TrainingState.FAILED, progress={}, failure_reason=reason
            )
            self._runs.forget_keys(job.training_id)
            raise

    def _refreshed(self, run: TrainingRun) -> TrainingRun:
        """The run with what its job says now, which is kept; one that has ended stays as it is."""
        if TrainingState(run.state).is_final:
            return run
        report = self._ports.launcher.report(run.training_id)
        if report is None:
            if datetime.now(UTC) - run.requested_at < timedelta(seconds=_LAUNCH_SECONDS):
                return run
            log.warning("%s is unknown where it should run", run.training_id)
            told = "its job is not known where it should run: it was never started, or removed"
            report = Report(TrainingState.FAILED, failure_reason=told)
        return self._keep(run, report)

    def _keep(self, run: TrainingRun, report: Report) -> TrainingRun:
        said = report.progress
        if said.step is None and not said.metrics:  # what was known of it stays
            before = Progress(**run.progress)
            said = replace(before, phase=said.phase, artefact_uri=said.artefact_uri)
        progress = asdict(said)
        if report.state == run.state and progress == run.progress:
            return run
        left = said.seconds_left if said.step != run.progress.get("step") else None
        kept = self._runs.update(
            run.training_id,
            state=report.state,
            progress=progress,
            estimated_at=None if left is None else datetime.now(UTC) + timedelta(seconds=left),
            started_at=report.started_at,
            finished_at=report.finished_at,
            model_version=report.model_version,
            failure_reason=report.failure_reason,
        )
        return kept or run


def _told(run: TrainingRun) -> TrainingStatus:
    state, progress = TrainingState(run.state), Progress(**run.progress)
    return TrainingStatus(
        training_id=run.training_id,
        state=state,
        phase=progress.phase,
        epoch=progress.epoch,
        step=progress.step,
        steps=progress.steps,
        metrics=progress.metrics,
        parameters=TrainingParameters(**run.parameters),
        artefact_uri=progress.artefact_uri,
        model_version=run.model_version,
        failure_reason=run.failure_reason,
        started_at=run.started_at or run.requested_at,
        finished_at=run.finished_at,
        estimated_completion_time=None if state.is_final else run.estimated_at,
    )
