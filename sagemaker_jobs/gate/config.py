"""Parameters of the gate."""

from pathlib import Path

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig


class Rules(JobConfig):
    """What the gate forgives, and how sure it must be to refuse."""

    level: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="probability of refusing a candidate that is as good as the current model",
    )
    tolerance: float = Field(
        default=0.002, ge=0, description="loss of accuracy or macro-F1 that does not matter"
    )
    calibration_tolerance: float = Field(
        default=0.005, ge=0, description="rise of the calibration error that does not matter"
    )
    slice_tolerance: float = Field(
        default=0.01, ge=0, description="loss on a slice that does not matter"
    )
    noise_f1_tolerance: float = Field(
        default=0.02, ge=0, description="how much more macro-F1 a noise may cost than it does now"
    )
    noise_accuracy_tolerance: float = Field(
        default=0.01, ge=0, description="how much more accuracy a noise may cost"
    )
    flip_tolerance: float = Field(
        default=0.02, ge=0, description="share of the answers that a noise may turn more"
    )
    behaviour_tolerance: float = Field(
        default=0.05, ge=0, description="share of the cases of a kind that may fail more"
    )
    min_rows: int = Field(default=200, ge=30, description="fewest rows of a split or slice")
    replicates: int = Field(default=2000, ge=100, description="bootstrap samples")
    seed: int = 20_240


class GateConfig(Rules):
    """Judge a candidate by two folders that sagemaker_jobs.evaluate wrote."""

    candidate_dir: Path = Field(description="evaluation of the candidate")
    current_dir: Path = Field(description="evaluation of the current model")
    output: Path = Field(description="JSON file of the verdict")
