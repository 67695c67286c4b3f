"""The gate over the registry: a verdict on two published versions."""

import tempfile
from pathlib import Path

from sagemaker_jobs.gate.config import Rules
from sagemaker_jobs.gate.errors import GateError
from sagemaker_jobs.gate.evaluation import Evaluation, read
from sagemaker_jobs.gate.judge import judge
from shared.schemas.gate import GateResult
from shared.storage import registry
from shared.storage.objects import ObjectStore


def compare(
    store: ObjectStore, candidate: str, against: str, rules: Rules | None = None
) -> GateResult:
    """Judge a version by the evaluations that are kept beside it and beside another.

    Raises:
        GateError: one of the two has no evaluation.
        EvaluationError: an evaluation cannot be read, or is that of another version.
    """
    return judge(_evaluation_of(store, against), _evaluation_of(store, candidate), rules or Rules())


def _evaluation_of(store: ObjectStore, version: str) -> Evaluation:
    with tempfile.TemporaryDirectory() as name:
        if not registry.fetch_evaluation(store, version, Path(name)):
            raise GateError(
                f"{version} has no evaluation: run sagemaker_jobs.evaluate and add its folder with"
                " `reviewlens models add MODEL --evaluation FOLDER`"
            )
        found = read(Path(name))
    if found.figures.version != version:
        raise GateError(f"the evaluation of {version} is that of {found.figures.version}")
    return found


def require_passed(store: ObjectStore, candidate: str, against: str) -> GateResult:
    """The verdict that lets a candidate become current; asked for now where there is none.

    Raises:
        GateError: it has not passed, or cannot be judged.
    """
    found = registry.verdict(store, candidate, against)
    if found is None:
        found = compare(store, candidate, against)
        registry.put_verdict(store, found)
    if not found.passed:
        told = "; ".join(found.reasons)
        raise GateError(f"{candidate} did not pass the gate against {against}: {told}")
    return found
