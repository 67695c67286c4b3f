"""Passes of a trained teacher or student over many texts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModel

from sagemaker_jobs.distil.fit import autocast
from sagemaker_jobs.distil.model import Teacher
from sagemaker_jobs.distil.texts import Batch, TokenSet, iterate

_TOKENS_PER_BATCH = {"cuda": 131072, "cpu": 4096}


def load_teacher(folder: Path) -> Teacher:
    """A teacher that ``teach`` saved, in float32."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    encoder = AutoModel.from_config(
        config, trust_remote_code=False, attn_implementation="eager", add_pooling_layer=False
    )
    model = Teacher(encoder)
    state = load_file(folder / "teacher.safetensors")
    model.load_state_dict({name: value.float() for name, value in state.items()})
    model.eval()
    return model


@torch.no_grad()
def predict(
    tokens: TokenSet, device: torch.device, outputs: Callable[[Batch], tuple[Tensor, ...]]
) -> tuple[np.ndarray, ...]:
    """Outputs of all texts in their order, float32; each has a row per text of a batch."""
    order: list[int] = []
    parts: list[tuple[np.ndarray, ...]] = []
    for batch in iterate(tokens, np.arange(len(tokens)), _TOKENS_PER_BATCH[device.type], None):
        with autocast(device):
            values = outputs(batch)
        parts.append(tuple(value.float().cpu().numpy() for value in values))
        order += batch.rows.tolist()
    inverse = np.argsort(order)
    return tuple(np.concatenate(column)[inverse] for column in zip(*parts, strict=True))
