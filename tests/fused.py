"""A tiny fused model: red pictures are negative, lime ones positive, blue ones neutral."""

import hashlib
import json

import numpy as np

from shared.runtime.fusion import FusionHead, Side, save_head
from shared.schemas.fusion import HEAD_FILE
from shared.schemas.manifest import Manifest
from tests.joint import joint_model

VERSION = "tiny-fused-1"
STRENGTH = 8.0
"""Weight of a picture, against the log probabilities of the text."""


def tiny_head(dimension=3):
    """Adds the log probabilities of the text to the colours of the picture."""
    text = np.zeros((dimension + 3, 3), np.float32)
    text[dimension:] = np.eye(3)
    picture = np.zeros((dimension, 3), np.float32)
    picture[:3] = STRENGTH * np.eye(3)[[0, 2, 1]]
    zero, eye = np.zeros(3, np.float32), np.eye(3, dtype=np.float32)
    gates = np.stack([eye, eye, 0 * eye])
    return FusionHead(Side(text, zero), Side(picture, zero), gates, zero, zero, zero)


def fused_model(folder, *, decides=True, head=None, sure_above=0.9, **changes):
    """Write the model of tests.joint with a head; ``changes`` are fields of ``Fusion``."""
    return add_head(joint_model(folder, VERSION), head, decides=decides, sure_above=sure_above,
                    **changes)  # fmt: skip


def add_head(folder, head=None, *, decides=True, sure_above=0.9, picture_sha256=None, **changes):
    """Add a head to a model folder; it belongs to its files, or to the picture tower given."""
    path = folder / "manifest.json"
    fields = json.loads(path.read_text())
    manifest = Manifest.model_validate(fields)
    save_head(head or tiny_head(manifest.dimension), folder / HEAD_FILE)
    body = (folder / HEAD_FILE).read_bytes()
    fields["files"][HEAD_FILE] = {
        "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body),
    }  # fmt: skip
    own = manifest.files["picture.onnx"].sha256 if manifest.joint else None
    rule = {"sure_above": sure_above}
    fields["parameters"]["fusion"] = {
        "text_model": manifest.version, "encoder_sha256": manifest.encoder_sha256,
        "picture_model": manifest.version, "picture_sha256": picture_sha256 or own,
        "decides": decides, "both": rule, "picture": rule, **changes,
    }  # fmt: skip
    path.write_text(json.dumps(fields))
    return folder
