"""Read two evaluations, judge, write the verdict."""

from sagemaker_jobs.gate.config import GateConfig
from sagemaker_jobs.gate.evaluation import read
from sagemaker_jobs.gate.judge import judge
from sagemaker_jobs.gate.table import markdown
from shared.schemas.gate import GateResult


def run(config: GateConfig) -> GateResult:
    """Judge as the config says; writes JSON, and a table in Markdown beside it."""
    result = judge(read(config.current_dir), read(config.candidate_dir), config)
    config.output.parent.mkdir(parents=True, exist_ok=True)
    config.output.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    config.output.with_suffix(".md").write_text(markdown(result), encoding="utf-8")
    return result
