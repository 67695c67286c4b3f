"""The model that tests run: the shipped one, or one named by REVIEWLENS_TEST_MODEL."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def model_folder():
    """Folder with model.onnx, tokenizer.json and manifest.json."""
    return Path(os.environ.get("REVIEWLENS_TEST_MODEL", ROOT / "models" / "default"))
