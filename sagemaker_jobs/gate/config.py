"""Parameters of the gate."""

from pathlib import Path

from pydantic import Field

from sagemaker_jobs.arguments import JobConfig


class Rules(JobConfig):
    """Tolerances of the gate, and the significance level for rejecting a candidate."""

    level: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="probability of rejecting a candidate that is as good as the current model",
    )
    tolerance: float = Field(
        default=0.002, ge=0, description="tolerated loss of accuracy or macro-F1"
    )
    calibration_tolerance: float = Field(
        default=0.005, ge=0, description="tolerated rise of the calibration error"
    )
    slice_tolerance: float = Field(default=0.01, ge=0, description="tolerated loss on a slice")
    noise_f1_tolerance: float = Field(
        default=0.02, ge=0, description="tolerated increase of the macro-F1 lost under a noise"
    )
    noise_accuracy_tolerance: float = Field(
        default=0.01, ge=0, description="tolerated increase of the accuracy lost under a noise"
    )
    flip_tolerance: float = Field(
        default=0.02,
        ge=0,
        description="tolerated increase of the share of labels that a noise changes",
    )
    behaviour_tolerance: float = Field(
        default=0.05, ge=0, description="tolerated increase of the share of failed cases of a kind"
    )
    min_rows: int = Field(
        default=200, ge=30, description="minimum rows of a split or slice that is judged"
    )
    min_adaptation_rows: int = Field(
        default=30,
        ge=30,
        description="the same for an adapted model, which exists only if it is clearly better",
    )
    replicates: int = Field(default=2000, ge=100, description="bootstrap samples")
    seed: int = 20_240


class GateConfig(Rules):
    """Judge a candidate by two folders written by sagemaker_jobs.evaluate."""

    candidate_dir: Path = Field(description="evaluation of the candidate")
    current_dir: Path = Field(description="evaluation of the current model")
    output: Path = Field(description="JSON file of the verdict")
