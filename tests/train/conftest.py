"""A tiny encoder built from a config, and labelled texts generated here: nothing is downloaded."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # read on import: no test asks the hub
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers occupy the cores: 15% less time of the CPU
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from tests.train.tiny import make_data, make_encoder

_LONGEST = ("test_train_resume.py", "test_train_distributed.py")


def pytest_collection_modifyitems(items):
    """Start the longest files first, so that none of them runs alone at the end."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    """Folder of a two-layer BERT with its own tokenizer."""
    folder = tmp_path_factory.mktemp("base")
    make_encoder(folder)
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Folder with train.parquet, validation.parquet and test.parquet."""
    folder = tmp_path_factory.mktemp("data")
    make_data(folder)
    return folder


@pytest.fixture(scope="session")
def options(base, data) -> list[str]:
    """Arguments of a training that takes seconds."""
    return [
        "--train-dir", str(data), "--model-name", str(base), "--epochs", "6",
        "--batch-size", "16", "--learning-rate", "3e-3", "--head-learning-rate", "3e-3",
        "--cosine-weight", "0.1", "--similarity-weight", "0.1",
        "--served-tokens", "64", "--served-tail-tokens", "16",
        "--class-counts", '{"negative": 80, "neutral": 80, "positive": 80}', "--threads", "1",
        "--log-steps", "5",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def run_dir(options, tmp_path_factory) -> Path:
    """A finished training run."""
    from sagemaker_jobs.train.__main__ import main

    folder = tmp_path_factory.mktemp("run")
    assert main([*options, "--output-dir", str(folder)]) == 0
    return folder
