"""Parameters of the steps to a picture tower."""

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from sagemaker_jobs.arguments import JobConfig
from shared.schemas.encoders import DEFAULT_ENCODER

MAX_GRAPH_BYTES = 8_000_000


class FeaturesConfig(JobConfig):
    """Compute the features of product pictures by a frozen backbone, once."""

    data_dir: Path = Field(description="folder with products.csv and images.zip")
    cache_dir: Path = Field(description="folder of the feature cache, for any settings")
    output_dir: Path = Field(description="folder for products, features and the backbone")
    backbone: str = Field(
        default="efficientnet-lite0",
        description="efficientnet-lite0 (bundled as a package), or a safetensors file of a backbone"
        " with the settings of its blocks",
    )
    size: int = Field(
        default=160, ge=32, le=512, multiple_of=32, description="width and height in pixels"
    )
    pixel_mean: float = Field(default=127.0, description="subtracted from a pixel of 0 to 255")
    pixel_scale: PositiveFloat = Field(default=128.0, description="divides the difference")
    stages: list[NonNegativeInt] = Field(
        default=[4], description="blocks whose mean output is a feature beside the last one"
    )
    mirrored: bool = Field(default=True, description="also read each picture mirrored")
    batch_size: PositiveInt = 8
    part_size: PositiveInt = Field(default=1024, description="pictures per part of the cache")
    threads: NonNegativeInt = Field(default=0, description="threads of a pass; 0: all cores")


class CaptionsConfig(JobConfig):
    """Encode the titles and captions of the products."""

    features_dir: Path = Field(description="output folder of the step features")
    text_model: str = Field(
        default=DEFAULT_ENCODER,
        description="the encoder of the texts: a base encoder as in training, or a folder with "
        "model.onnx",
    )
    output_dir: Path = Field(description="folder for the vectors")
    threads: NonNegativeInt = Field(default=0, description="threads of a pass; 0: the default")


class LearnConfig(JobConfig):
    """Learn the projection of picture features into the space of the texts."""

    features_dir: Path = Field(description="output folder of the step features")
    captions_dir: Path = Field(description="output folder of the step captions")
    output_dir: Path = Field(description="folder for the projection, its record and checkpoints")
    ridge_strengths: list[PositiveFloat] = Field(
        default=[0.01, 0.03, 0.1, 0.3, 1.0],
        description="strengths of the closed-form start, relative to the mean variance; the best "
        "on validation is used",
    )
    hidden: PositiveInt = Field(default=512, description="width of the residual part")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="of features and hidden values")
    epochs: NonNegativeInt = Field(default=60, description="0: the closed-form start alone")
    batch_size: int = Field(default=512, ge=2)
    group_size: PositiveInt = Field(
        default=8, description="products of one type that a batch has together"
    )
    hard_share: float = Field(
        default=0.5, ge=0, le=1, description="share of the products in such groups"
    )
    title_weight: float = Field(
        default=0.6, ge=0, le=1, description="weight of the titles in the loss; the rest: captions"
    )
    type_weight: NonNegativeFloat = Field(
        default=0.2, description="weight of finding a picture's article type among all types"
    )
    temperature: PositiveFloat = Field(default=0.05, description="at the start; it is learned")
    learning_rate: PositiveFloat = 1e-3
    weight_decay: NonNegativeFloat = 0.05
    average: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="the weights that are kept are a running mean, of which each step leaves this "
        "share, and less at the start; 0: the last weights",
    )
    patience: NonNegativeInt = Field(
        default=15, description="epochs without a better validation that end it; 0: all epochs"
    )
    checkpoint_epochs: PositiveInt = Field(default=5, description="epochs between checkpoints")
    threads: NonNegativeInt = Field(default=0, description="torch threads; 0: torch's default")
    seed: NonNegativeInt = 13


class ExportConfig(JobConfig):
    """Export backbone and projection as one int8 graph with its manifest."""

    data_dir: Path = Field(description="folder with products.csv and images.zip")
    features_dir: Path = Field(description="output folder of the step features")
    learned_dir: Path = Field(description="output folder of the step learn")
    output_dir: Path = Field(description="folder for model.onnx and manifest.json")
    family: str = Field(default="lite-pictures-1", description="first part of the version")
    precision: Literal["int8", "float32"] = Field(
        default="int8", description="int8: large weights are stored in 8 bits"
    )
    parity_pictures: PositiveInt = Field(default=200, description="from validation")
    min_cosine: float = Field(
        default=0.995, ge=-1, le=1, description="least mean cosine of int8 to float32"
    )


class EvaluateConfig(JobConfig):
    """Measure an exported tower on products that training never saw."""

    data_dir: Path = Field(description="folder with products.csv and images.zip")
    features_dir: Path = Field(description="output folder of the step features")
    model_dir: Path = Field(description="output folder of the step export")
    text_model: str = Field(
        description="the encoder of the texts: that of the step captions, or a folder with the "
        "model.onnx of one that was trained to stay near it"
    )
    output: Path = Field(description="JSON file to write; Markdown is written beside it")
    split: Literal["test", "validation"] = "test"
    probe: bool = Field(default=True, description="fit a linear probe on the frozen features")
    probe_strength: PositiveFloat = Field(default=0.01, description="inverse regularisation")
    resamples: NonNegativeInt = Field(
        default=2000, description="bootstrap samples of the 95% intervals; 0: none"
    )
    threads: NonNegativeInt = Field(default=0, description="threads of a pass; 0: the default")
    seed: NonNegativeInt = 0
