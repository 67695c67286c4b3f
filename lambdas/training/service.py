"""Starts each run once, and stores what its job reports."""

import logging
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from lambdas.training.dependencies import Dependencies
from lambdas.training.launcher import Job, Progress, Report
from shared.db.training import TrainingRun
from shared.errors import ConflictError, InvalidInputError, NotFoundError, ReviewlensError
from shared.schemas.encoders import (
    DEFAULT_ENCODER,
    HOW_TO_PIN,
    HUB_ENCODERS,
    parse_hub_encoder,
)
from shared.schemas.training import (
    TrainAccepted,
    TrainingParameters,
    TrainingState,
    TrainingStatus,
    TrainRequest,
)

log = logging.getLogger(__name__)
_LAUNCH_TIMEOUT_SECONDS = 60.0
"""A run that its launcher does not know after this time was never started (a killed process)."""
_MAX_LISTED_ENCODERS = 20


class Training:
    """Answers /train and /status."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._runs = dependencies.runs
        self._launcher = dependencies.launcher

    def start(self, request: TrainRequest, key: str | None) -> TrainAccepted:
        """Start a run, or return the one that an identical request started.

        Args:
            request: the parameters of the run.
            key: idempotency key of the caller.

        Raises:
            InvalidInputError: the encoder is neither known nor registered, or not pinned.
            ConflictError: the key was used with other parameters, or another run is active and
                the launcher accepts only one.
            UnavailableError: training is not available; says what is missing.
        """
        parameters = request.parameters()
        run = self._find_existing(parameters, key)
        if run is None:
            self._check_encoder(parameters.model_name)
            self._launcher.check_ready()
            rows = self._launcher.count_rows()
            run, is_new = self._runs.create(
                parameters,
                key,
                launcher=self._launcher.name,
                rows=rows,
                estimated_at=datetime.now(UTC) + self._estimate_duration(parameters, rows),
            )
            if is_new:
                self._launch(Job(run.training_id, parameters))
        elif key is not None:
            self._runs.record_key(key, run.training_id)
        return TrainAccepted(
            training_id=run.training_id,
            status=TrainingState(run.state),
            estimated_completion_time=run.estimated_at,
            warnings=request.unknown_field_warnings(),
        )

    def status(self, training_id: str) -> TrainingStatus:
        """Report the current state of a run.

        Raises:
            NotFoundError: the run is unknown.
            UnavailableError: its state cannot be read now.
        """
        return _build_status(self._refresh(self._get(training_id)))

    def cancel(self, training_id: str) -> TrainingStatus:
        """Request that a run stops; it is cancelled when its job has ended.

        Raises:
            NotFoundError: the run is unknown.
            ConflictError: it has already completed or failed.
            UnavailableError: its job cannot be stopped now.
        """
        run = self._refresh(self._get(training_id))
        if not TrainingState(run.state).is_final:
            self._launcher.stop(training_id)
            run = self._refresh(run)
        if run.state in (TrainingState.COMPLETED, TrainingState.FAILED):
            raise ConflictError(f"the run is {run.state} and cannot be cancelled")
        return _build_status(run)

    def _find_existing(self, parameters: TrainingParameters, key: str | None) -> TrainingRun | None:
        """Find the run of an identical request, unless it has just ended."""
        run = self._runs.find(parameters, key)
        if run is None or TrainingState(run.state).is_final:
            return run
        self._refresh(run)
        return self._runs.find(parameters, key)

    def _get(self, training_id: str) -> TrainingRun:
        run = self._runs.get(training_id)
        if run is None:
            raise NotFoundError("training not found")
        return run

    def _check_encoder(self, name: str) -> None:
        folders = {DEFAULT_ENCODER, *self._launcher.encoders()}
        if name in folders:
            return
        encoder = parse_hub_encoder(name)
        if encoder is None or encoder.repository not in HUB_ENCODERS:
            names = sorted({*folders, *(f"{public}@COMMIT" for public in HUB_ENCODERS)})
            message = f"unknown encoder; available: {', '.join(names[:_MAX_LISTED_ENCODERS])}"
            raise InvalidInputError(message, details={"field": "model_name"})
        if encoder.revision is None:
            message = f"not pinned: {HOW_TO_PIN.format(encoder.repository)}"
            raise InvalidInputError(message, details={"field": "model_name"})

    def _estimate_duration(self, parameters: TrainingParameters, rows: int) -> timedelta:
        measured = self._runs.rows_per_second(self._launcher.name, parameters.model_name)
        reviews_per_second = measured or self._dependencies.reviews_per_second
        return timedelta(seconds=rows * parameters.epochs / reviews_per_second)

    def _launch(self, job: Job) -> None:
        try:
            self._launcher.start(job)
        except Exception as error:
            reason = (
                error.message
                if isinstance(error, ReviewlensError)
                else "the job could not be started"
            )
            self._runs.update(
                job.training_id, state=TrainingState.FAILED, progress={}, failure_reason=reason
            )
            self._runs.release_keys(job.training_id)
            raise

    def _refresh(self, run: TrainingRun) -> TrainingRun:
        """Update an active run with the report of its job; an ended run is returned unchanged."""
        if TrainingState(run.state).is_final:
            return run
        report = self._launcher.report(run.training_id)
        if report is None:
            if datetime.now(UTC) - run.requested_at < timedelta(seconds=_LAUNCH_TIMEOUT_SECONDS):
                return run
            log.warning("the launcher does not know %s", run.training_id)
            message = "the launcher does not know the job: it was never started, or was removed"
            report = Report(TrainingState.FAILED, failure_reason=message)
        return self._store(run, report)

    def _store(self, run: TrainingRun, report: Report) -> TrainingRun:
        progress = report.progress
        if progress.step is None and not progress.metrics:  # keeps the last known position
            progress = replace(
                Progress(**run.progress), phase=progress.phase, artefact_uri=progress.artefact_uri
            )
        fields = asdict(progress)
        if report.state == run.state and fields == run.progress:
            return run
        has_advanced = progress.step != run.progress.get("step")
        seconds = progress.seconds_left if has_advanced else None
        updated = self._runs.update(
            run.training_id,
            state=report.state,
            progress=fields,
            estimated_at=None
            if seconds is None
            else datetime.now(UTC) + timedelta(seconds=seconds),
            started_at=report.started_at,
            finished_at=report.finished_at,
            model_version=report.model_version,
            failure_reason=report.failure_reason,
        )
        return updated or run


def _build_status(run: TrainingRun) -> TrainingStatus:
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
