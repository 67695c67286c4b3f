"""Build contexts and build arguments of the images."""

import json
from collections.abc import Sequence
from pathlib import Path

from cdk.packaging.bundles import stage_context
from cdk.packaging.import_graph import follow_imports
from cdk.packaging.table import (
    ASSETS,
    SHIPPED_SUFFIXES,
    functions_of,
    handler_of,
    requirements_of,
    sources_of,
)
from cdk.paths import ROOT

BASE_IMAGES = ROOT / "cdk" / "base_images.json"
"""The base images with their digests, written by scripts/release/pin_base_images.py."""
DOCKERFILE = ROOT / "lambdas" / "Dockerfile"
TRAINING = "training"
"""Name of the image of training and candidate jobs, which contains no function."""
TRAINING_DOCKERFILE = ROOT / "sagemaker_jobs" / "Dockerfile"
JOBS = (
    "sagemaker_jobs.train.container",
    *(f"sagemaker_jobs.{job}.__main__" for job in ("train", "export", "evaluate", "candidate")),
)
"""Entry points of the training image."""
ACTIVATION = "activation"
"""Name of the image of the job that makes a model current: serving libraries, no torch."""
ACTIVATION_JOBS = ("sagemaker_jobs.activate.__main__",)
"""Its entry point."""
_JOB_IMAGES = {
    TRAINING: (JOBS, "sagemaker_jobs/requirements.txt", "constraints-train.txt"),
    ACTIVATION: (ACTIVATION_JOBS, "sagemaker_jobs/activate/requirements.txt", "constraints.txt"),
}
"""Job image → its entry points, its requirements and the constraints on their versions."""


def image_names() -> list[str]:
    """The names of all images."""
    return sorted({asset.image for asset in ASSETS.values() if asset.image} | _JOB_IMAGES.keys())


def build_context(image: str) -> Path:
    """The folder that an image is built from; the same content has the same folder.

    Raises:
        LookupError: there is no such image.
    """
    if image in _JOB_IMAGES:
        return _job_context(image)
    names = functions_of(image)
    files = {f"app/{path.as_posix()}": (ROOT / path).read_bytes() for path in sources_of(*names)}
    files["Dockerfile"] = DOCKERFILE.read_bytes()
    files["requirements.txt"] = _text(requirements_of(*names))
    files["smoke.txt"] = _text(smoke_modules(image))
    return stage_context(image, files)


def build_args(image: str) -> dict[str, str]:
    """Arguments of ``docker build``; empty if the base image is not pinned yet.

    The Dockerfiles have no default for BASE_IMAGE, so an image without a pin cannot be built.
    """
    base = "training" if image in _JOB_IMAGES else "python"
    pinned = json.loads(BASE_IMAGES.read_text())[base]
    return {"BASE_IMAGE": f"{pinned['image']}@{pinned['digest']}"} if pinned["digest"] else {}


def smoke_modules(image: str) -> list[str]:
    """Every module that an image may import, first-party or not; its build imports them all."""
    jobs = _JOB_IMAGES.get(image)
    starts = jobs[0] if jobs else [_handler_module(name) for name in functions_of(image)]
    graph = follow_imports(starts)
    return sorted({*graph.modules, *graph.third_party})


def _handler_module(name: str) -> str:
    return handler_of(name).rpartition(".")[0]


def _text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _job_context(image: str) -> Path:
    jobs, requirements, constraints = _JOB_IMAGES[image]
    folders = {ROOT.joinpath(*package.split(".")) for package in follow_imports(jobs).packages}
    sources = [p for folder in folders for p in folder.iterdir() if p.suffix in SHIPPED_SUFFIXES]
    files = {f"app/{path.relative_to(ROOT).as_posix()}": path.read_bytes() for path in sources}
    files["Dockerfile"] = TRAINING_DOCKERFILE.read_bytes()
    files["requirements.txt"] = (ROOT / requirements).read_bytes()
    files["constraints.txt"] = (ROOT / constraints).read_bytes()
    files["smoke.txt"] = _text(smoke_modules(image))
    return stage_context(image, files)
