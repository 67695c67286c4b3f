"""The gate over the registry: a verdict on two published versions."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from sagemaker_jobs.gate.config import Rules
from sagemaker_jobs.gate.errors import GateError
from sagemaker_jobs.gate.evaluation import Evaluation, read
from sagemaker_jobs.gate.judge import judge
from shared.schemas.gate import GateResult
from shared.storage import registry
from shared.storage.objects import ObjectStore

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def compare(
    store: ObjectStore, candidate: str, against: str, rules: Rules | None = None
) -> GateResult:
    """Judge a version by the evaluations that are kept beside it and beside another.

    Of several evaluations those on the same rows are compared, the newest first.

    Raises:
        GateError: one of the two has no evaluation.
        EvaluationError: an evaluation cannot be read.
        ArtefactError: an evaluation is corrupt.
    """
    befores, afters = _evaluations_of(store, against), _evaluations_of(store, candidate)
    pairs = [(before, after) for after in afters for before in befores]
    alike = [pair for pair in pairs if pair[0].rows_sha256 == pair[1].rows_sha256]
    return judge(*(alike or pairs)[0], rules or Rules())


def _evaluations_of(store: ObjectStore, version: str) -> list[Evaluation]:
    """All of a version, the newest first."""
    found = []
    for digest in registry.evaluations(store, version):
        with tempfile.TemporaryDirectory() as name:
            registry.fetch_evaluation(store, version, digest, Path(name))
            found.append(read(Path(name)))
    if not found:
        raise GateError(
            f"{version} has no evaluation: run sagemaker_jobs.evaluate and add its folder with"
            " `reviewlens models add MODEL --evaluation FOLDER`"
        )
    return sorted(found, key=lambda each: each.figures.evaluated_at or _LONG_AGO, reverse=True)


def require_passed(store: ObjectStore, candidate: str, against: str) -> GateResult:
    """The verdict that lets a candidate become current; asked for now where none has let it pass.

    One that was refused may have been evaluated anew meanwhile.

    Raises:
        GateError: it has not passed, or cannot be judged.
    """
    found = registry.verdict(store, candidate, against)
    if found is None or not found.passed:
        try:
            found = compare(store, candidate, against)
        except GateError:  # no evaluation: what was said of it before stands
            if found is None:
                raise
        else:
            registry.put_verdict(store, found)
    if not found.passed:
        told = "; ".join(found.reasons)
        raise GateError(f"{candidate} did not pass the gate against {against}: {told}")
    return found
