"""The steps of the flow; each step can be repeated safely."""

import logging
import tempfile
from pathlib import Path
from typing import Any

from lambdas.promotion.dependencies import Dependencies
from lambdas.promotion.requests import activation_request, candidate_request
from shared.errors import ArtefactError
from shared.schemas.gate import GateResult
from shared.storage import artefacts, layout, registry
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)
MODEL, EVALUATION, CURRENT, VERDICT = "model", "evaluation", "current", "gate.json"
"""Names in the output of the candidate job (sagemaker_jobs/candidate)."""


class Promotion:
    """One method per step; each returns plain JSON for the state machine."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    def look_at_training(self, training_job: str) -> dict[str, Any]:
        """State of a training job (running, completed, failed, stopped), and the reason.

        Raises:
            NotFoundError: there is no such job.
        """
        training = self._dependencies.jobs.describe_training(training_job)
        return {"state": training.state, "reason": training.reason}

    def start_candidate(self, training_job: str) -> dict[str, Any]:
        """Start the job that exports, evaluates and gates a trained model; return its name.

        Raises:
            NotFoundError: there is no such training job.
        """
        settings, store = self._dependencies.settings, self._dependencies.artefacts
        training = self._dependencies.jobs.describe_training(training_job)
        data = training.channels.get("train", "")
        inputs = {"run": training.run_uri, "train": data}
        inputs["data"] = settings.candidate_data_uri or data
        if "encoder" in training.channels:
            inputs["encoder"] = training.channels["encoder"]
        current = artefacts.current(store, "model")
        if current is not None:
            prefix = layout.version_prefix("model", current.version)
            inputs[CURRENT] = f"s3://{settings.artefact_bucket}/{prefix}"
        output = f"s3://{settings.artefact_bucket}/{layout.candidate_prefix(training_job)}"
        request = candidate_request(settings, inputs, output)
        return {"job": self._dependencies.jobs.start(f"candidate-{training_job}", request)}

    def look_at_job(self, job: str) -> dict[str, Any]:
        """State of a processing job, with the reason and the message of its container."""
        processing = self._dependencies.jobs.describe_processing(job)
        return {
            "state": processing.state,
            "reason": processing.reason,
            "message": processing.message,
        }

    def register(self, training_job: str) -> dict[str, Any]:
        """Register the output of the candidate job, and return the verdict of the gate.

        Returns:
            ``version``, ``passed``, ``against`` (the current version that it was compared with;
            None if there was none) and ``reasons`` for a rejection.

        Raises:
            ArtefactError: the candidate is incomplete.
        """
        store = self._dependencies.artefacts
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _download(store, layout.candidate_prefix(training_job), folder)
            if not (folder / MODEL).is_dir():
                raise ArtefactError(f"the candidate of {training_job} contains no model")
            manifest = registry.register(store, folder / MODEL, folder / EVALUATION)
            result = _register_verdict(store, folder)
        # removes the prefix of the deployment (training_name_prefix)
        training_id = training_job[training_job.rindex("train-") :].replace("-", "_")
        if not self._dependencies.runs.record_version(training_id, manifest.version):
            log.warning("run %s is unknown: no status can show its version", training_id)
        return {
            "version": manifest.version,
            "passed": result is None or result.passed,
            "against": result.against if result else None,
            "reasons": result.reasons if result else [],
        }

    def start_activation(self, training_job: str, version: str) -> dict[str, Any]:
        """Start the job that makes a version current; return its name."""
        request = activation_request(
            self._dependencies.settings, version, self._dependencies.region
        )
        return {"job": self._dependencies.jobs.start(f"activate-{training_job}", request)}


def _register_verdict(store: ObjectStore, folder: Path) -> GateResult | None:
    """Register the gate's verdict, if any, with the evaluation of the current model."""
    if not (folder / VERDICT).is_file():
        return None
    result = GateResult.model_validate_json((folder / VERDICT).read_bytes())
    registry.add_evaluation(store, result.against, folder / CURRENT)
    registry.put_verdict(store, result)
    return result


def _download(store: ObjectStore, prefix: str, folder: Path) -> None:
    for info in store.list(prefix):
        path = folder / info.key.removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.get(info.key)[0])
