"""The steps of the flow, each of them one that may be done twice."""

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.promotion import requests
from lambdas.promotion.jobs import Jobs
from lambdas.promotion.settings import PromotionSettings
from shared.db.training import TrainingRuns
from shared.errors import ArtefactError
from shared.schemas.gate import GateResult
from shared.storage import artefacts, layout, registry
from shared.storage.objects import ObjectStore

log = logging.getLogger(__name__)
MODEL, EVALUATION, CURRENT, VERDICT = "model", "evaluation", "current", "gate.json"
"""What the candidate job leaves (sagemaker_jobs/candidate)."""


@dataclass(frozen=True)
class Dependencies:
    """What the steps work with."""

    jobs: Jobs
    artefacts: ObjectStore
    runs: TrainingRuns
    settings: PromotionSettings
    region: str


class Promotion:
    """One method for each step; the answers are plain JSON for the state machine."""

    def __init__(self, ports: Dependencies) -> None:
        self._ports = ports

    def look_at_training(self, training_job: str) -> dict[str, Any]:
        """Where a training stands: state (running, completed, failed, stopped) and reason.

        Raises:
            NotFoundError: there is no such job.
        """
        found = self._ports.jobs.training(training_job)
        return {"state": found.state, "reason": found.reason}

    def start_candidate(self, training_job: str) -> dict[str, Any]:
        """Have a training's result exported, evaluated and judged; gives the job's name.

        Raises:
            NotFoundError: there is no such training.
        """
        settings, store = self._ports.settings, self._ports.artefacts
        training = self._ports.jobs.training(training_job)
        data = training.channels.get("train", "")
        inputs = {"run": training.run_uri, "train": data}
        inputs["data"] = settings.candidate_data_uri or data
        if "encoder" in training.channels:
            inputs["encoder"] = training.channels["encoder"]
        now = artefacts.current(store, "model")
        if now is not None:
            prefix = layout.version_prefix("model", now.version)
            inputs[CURRENT] = f"s3://{settings.artefact_bucket}/{prefix}"
        output = f"s3://{settings.artefact_bucket}/{layout.candidate_prefix(training_job)}"
        request = requests.candidate(settings, inputs, output)
        return {"job": self._ports.jobs.start(f"candidate-{training_job}", request)}

    def look_at_job(self, job: str) -> dict[str, Any]:
        """Where one of our jobs stands: state, reason, and what its container said."""
        found = self._ports.jobs.processing(job)
        return {"state": found.state, "reason": found.reason, "message": found.message}

    def register(self, training_job: str) -> dict[str, Any]:
        """Put what the candidate job left into the registry; whether it may become current.

        Returns:
            ``version``, ``passed``, ``against`` (the version that was current; None: there was
            none, and nothing to compare with) and ``reasons`` against it.

        Raises:
            ArtefactError: the job left no whole candidate.
        """
        store = self._ports.artefacts
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _download(store, layout.candidate_prefix(training_job), folder)
            if not (folder / MODEL).is_dir():
                raise ArtefactError(f"the candidate of {training_job} has no model")
            manifest = registry.register(store, folder / MODEL, folder / EVALUATION)
            result = _verdict(store, folder)
        # before it stands the deployment's prefix (training_name_prefix)
        training_id = training_job[training_job.rindex("train-") :].replace("-", "_")
        if not self._ports.runs.note_version(training_id, manifest.version):
            log.warning("no run %s is known: its status does not tell the version", training_id)
        return {
            "version": manifest.version,
            "passed": result is None or result.passed,
            "against": result.against if result else None,
            "reasons": result.reasons if result else [],
        }

    def start_activation(self, training_job: str, version: str) -> dict[str, Any]:
        """Have a version made current; gives the job's name."""
        request = requests.activation(self._ports.settings, version, self._ports.region)
        return {"job": self._ports.jobs.start(f"activate-{training_job}", request)}


def _verdict(store: ObjectStore, folder: Path) -> GateResult | None:
    """The gate's verdict, kept in the registry with the evaluation that it compares with."""
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
