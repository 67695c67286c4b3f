"""The gate for published versions: judges them by the evaluations stored beside them."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from sagemaker_jobs.gate.config import Rules
from sagemaker_jobs.gate.errors import GateError
from sagemaker_jobs.gate.evaluation import Evaluation, read_evaluation
from sagemaker_jobs.gate.judge import judge
from shared.schemas.gate import GateResult
from shared.storage import registry
from shared.storage.objects import ObjectStore

_OLDEST = datetime.min.replace(tzinfo=UTC)


def compare(
    store: ObjectStore, candidate: str, against: str, rules: Rules | None = None
) -> GateResult:
    """Judge one version against another by their stored evaluations.

    Of several evaluations, the newest two on the same rows are compared.

    Raises:
        GateError: one of the versions has no evaluation.
        EvaluationError: an evaluation cannot be read.
        ArtefactError: an evaluation is corrupt.
    """
    current = _evaluations_of(store, against)
    pairs = [(before, after) for after in _evaluations_of(store, candidate) for before in current]
    same_rows = [pair for pair in pairs if pair[0].rows_sha256 == pair[1].rows_sha256]
    return judge(*(same_rows or pairs)[0], rules or Rules())


def _evaluations_of(store: ObjectStore, version: str) -> list[Evaluation]:
    """All evaluations of a version, newest first."""
    evaluations = []
    for digest in registry.evaluations(store, version):
        with tempfile.TemporaryDirectory() as name:
            registry.fetch_evaluation(store, version, digest, Path(name))
            evaluations.append(read_evaluation(Path(name)))
    if not evaluations:
        raise GateError(
            f"{version} has no evaluation: run sagemaker_jobs.evaluate and add its folder with"
            " `reviewlens models add MODEL --evaluation FOLDER`"
        )
    return sorted(evaluations, key=lambda each: each.figures.evaluated_at or _OLDEST, reverse=True)


def require_passed(store: ObjectStore, candidate: str, against: str) -> GateResult:
    """The verdict that allows activating a candidate; judged now unless it has passed already.

    A rejected candidate is judged again: it may have a newer evaluation.

    Raises:
        GateError: the candidate has not passed, or cannot be judged.
    """
    result = registry.verdict(store, candidate, against)
    if result is None or not result.passed:
        try:
            result = compare(store, candidate, against)
        except GateError:  # without an evaluation the stored verdict stands
            if result is None:
                raise
        else:
            registry.put_verdict(store, result)
    if not result.passed:
        reasons = "; ".join(result.reasons)
        raise GateError(f"{candidate} did not pass the gate against {against}: {reasons}")
    return result
