"""Passes of a trained teacher or student over many texts."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from sagemaker_jobs.distil.fit import autocast
from sagemaker_jobs.distil.model import TEACHER_FILE, ServedTeacher, Teacher, TeacherHeads
from sagemaker_jobs.distil.texts import Batch, TokenSet, iterate
from sagemaker_jobs.train.model import load_model
from shared.runtime.tokens import load_tokenizer

AnyTeacher = TypeVar("AnyTeacher", bound=TeacherHeads)
_TOKENS_PER_BATCH = {"cuda": 131072, "cpu": 4096}


def load_teacher(folder: Path) -> Teacher:
    """A teacher that ``teach`` saved, in float32."""
    return _with_weights(Teacher(_encoder(folder)), folder)


def load_run(folder: Path) -> nn.Module:
    """The model of a run, of a teacher as well, with the outputs of an exported graph."""
    if not (folder / TEACHER_FILE).exists():
        return load_model(folder)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    ends = [number for end in ".!?" if (number := tokenizer.token_to_id(end)) is not None]
    return _with_weights(ServedTeacher(_encoder(folder), ends), folder)


def _encoder(folder: Path) -> nn.Module:
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    encoder: nn.Module = AutoModel.from_config(
        config, trust_remote_code=False, attn_implementation="eager", add_pooling_layer=False
    )
    return encoder


def _with_weights(model: AnyTeacher, folder: Path) -> AnyTeacher:
    state = load_file(folder / TEACHER_FILE)
    model.load_state_dict({name: value.float() for name, value in state.items()})
    model.eval()
    return model


@torch.no_grad()
def predict(
    tokens: TokenSet,
    device: torch.device,
    outputs: Callable[[Batch], tuple[Tensor, ...]],
    first: int | None = None,
) -> tuple[np.ndarray, ...]:
    """Outputs of the first texts in their order (None: of all), float32, a row for each text."""
    rows = np.arange(len(tokens) if first is None else first)
    order: list[int] = []
    parts: list[tuple[np.ndarray, ...]] = []
    for batch in iterate(tokens, rows, _TOKENS_PER_BATCH[device.type], None):
        with autocast(device):
            values = outputs(batch)
        parts.append(tuple(value.float().cpu().numpy() for value in values))
        order += batch.rows.tolist()
    inverse = np.argsort(order)
    return tuple(np.concatenate(column)[inverse] for column in zip(*parts, strict=True))
