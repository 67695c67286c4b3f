"""Export untrained models of several shapes, to measure their time: it depends on the shape alone.

    python scripts/model/export_shapes.py FOLDER [--large ENCODER]

FOLDER receives a folder for each shape, with int8 graphs as they are served. Those on the encoder
of --large (the folder of fetch_teacher_base.py) are left out without it.
``python -m benchmarks shapes --models FOLDER`` measures them.
"""

import argparse
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from sagemaker_jobs.distil.model import ServedTeacher, base_encoder, new_student
from sagemaker_jobs.export import samples
from sagemaker_jobs.export.graph import export_float, quantise
from sagemaker_jobs.export.static import calibrate, make_static
from sagemaker_jobs.train.base import BUNDLED, base_folder

log = logging.getLogger("shapes")
SHAPES: dict[str, int | None] = {
    "joint": None,
    "shared-4": 4,
    "shared-3": 3,
    "shared-2": 2,
    "separate": 0,
}
"""Shared layers of a student of the base encoder."""
HALF = [0, 2, 4, 6, 8, 11]
"""Layers of a student of half the large encoder."""


def export(model: nn.Module, folder: Path) -> None:
    """Write the int8 graph of a model, with noise on what training would change.

    Two branches with equal weights would be computed once.
    """
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.01 * torch.randn_like(parameter))
    folder.mkdir(parents=True, exist_ok=True)
    ids = samples.random_ids(model.encoder.config.vocab_size)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "plain.onnx"
        export_float(model.eval(), plain)
        quantise(plain, folder / "model.onnx", reduce_range=True)
        make_static(folder / "model.onnx", calibrate(plain, folder / "model.onnx", ids))
    log.warning("wrote %s", folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Export all shapes; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--large", type=Path, help="folder of a large encoder")
    options = parser.parse_args(arguments)
    for name, shared_layers in SHAPES.items():
        export(new_student(base_folder(BUNDLED), None, shared_layers), options.folder / name)
    if options.large is not None:
        export(new_student(options.large, HALF, None), options.folder / "half-large")
        export(ServedTeacher(base_encoder(options.large), [1012]), options.folder / "large")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
