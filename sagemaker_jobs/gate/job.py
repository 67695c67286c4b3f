"""Reads two evaluations, judges the candidate and writes the verdict."""

from sagemaker_jobs.gate.config import GateConfig
from sagemaker_jobs.gate.evaluation import read_evaluation
from sagemaker_jobs.gate.judge import judge
from sagemaker_jobs.gate.table import markdown
from shared.schemas.gate import GateResult


def run(config: GateConfig) -> GateResult:
    """Judge the candidate; writes the verdict as JSON, and as Markdown beside it."""
    result = judge(
        read_evaluation(config.current_dir), read_evaluation(config.candidate_dir), config
    )
    config.output.parent.mkdir(parents=True, exist_ok=True)
    config.output.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    config.output.with_suffix(".md").write_text(markdown(result), encoding="utf-8")
    return result
