"""The model of the tests: the shipped one, or that of REVIEWLENS_TEST_MODEL."""

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from shared.runtime.encoder import open_folder

ROOT = Path(__file__).resolve().parents[1]
_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def model_folder():
    """Folder with model.onnx, tokenizer.json and manifest.json."""
    return Path(os.environ.get("REVIEWLENS_TEST_MODEL", ROOT / "models" / "default"))


@cache
def opened_model():
    """The encoder of that model, shared by all tests."""
    return open_folder(model_folder())


def renamed_model(folder, version):
    """A copy of the model under another version, without evaluation."""
    shutil.copytree(model_folder(), folder, ignore=shutil.ignore_patterns("evaluation"))
    manifest = json.loads((folder / "manifest.json").read_text()) | {"version": version}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def neutral_model(folder, version):
    """The model with rules that decide neutral for every text, to tell its answers apart."""
    renamed_model(folder, version)
    manifest = json.loads((folder / "manifest.json").read_text())
    rule = {"neutral_factor": 1e9, "sure_above": 0.0}
    manifest["parameters"]["decisions"] = {"review": rule, "sentence": rule}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def stub_model(parent, version, *, day=0, body=None, kind="model"):
    """A model folder named after its version; its graph is any bytes and cannot be run."""
    folder = parent / version
    folder.mkdir()
    body = body or version.encode()
    (folder / "model.onnx").write_bytes(body)
    entry = {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    manifest = {
        "kind": kind,
        "version": version,
        "created_at": (_FIRST_DAY + timedelta(days=day)).isoformat(),
        "files": {"model.onnx": entry},
        "dimension": 2,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
