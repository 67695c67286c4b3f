"""Creates, saves and loads models."""

import inspect
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import MODEL_MAPPING, AutoConfig, AutoModel

from sagemaker_jobs.train.base import BUNDLED, base_folder
from sagemaker_jobs.train.branched import BranchedEncoder
from sagemaker_jobs.train.encoder import ReviewEncoder

__all__ = ["BUNDLED", "base_folder", "load_model", "new_model", "save_model"]

_DROPOUT = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")
"""Names of dropout in configs: BERT and similar, then DistilBERT."""


def _encoder_options(folder: Path, dropout: float) -> dict[str, object]:
    """Options of every encoder: config with dropout, no pooler, eager attention."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    for name in _DROPOUT:
        if hasattr(config, name):
            setattr(config, name, dropout)
    options = {"config": config, "attn_implementation": "eager"}
    if "add_pooling_layer" in inspect.signature(MODEL_MAPPING[type(config)]).parameters:
        options["add_pooling_layer"] = False
    return options


def new_model(
    folder: Path, dropout: float = 0.0, head_dropout: float = 0.1, *, with_tokens: bool = False
) -> ReviewEncoder:
    """Create a model from a base encoder's weights (safetensors only).

    Eager attention trains faster on padded batches than the fused one, whose backward pass costs as
    much as all matrix products, and it can be traced for the export.
    """
    options = _encoder_options(folder, dropout)
    encoder = AutoModel.from_pretrained(
        folder, use_safetensors=True, trust_remote_code=False, dtype=torch.float32, **options
    )
    sizes = encoder.config.hidden_size, encoder.config.vocab_size
    return ReviewEncoder(encoder, *sizes, head_dropout, with_tokens=with_tokens)


def _matching(
    encoder: nn.Module, weights: dict[str, torch.Tensor], head_dropout: float
) -> ReviewEncoder:
    """A model of the shape that has these weights."""
    config = encoder.config
    shared_layers = getattr(config, "shared_layers", None)
    if shared_layers is not None:
        return BranchedEncoder(encoder, shared_layers)
    parts = {name.split(".")[0] for name in weights}
    return ReviewEncoder(
        encoder,
        config.hidden_size,
        config.vocab_size,
        head_dropout,
        with_tokens="tokens" in parts,
        with_wide="wide" in parts,
    )


def save_model(model: ReviewEncoder, base: Path, folder: Path) -> None:
    """Write weights (safetensors), encoder config and tokenizer to a folder.

    The config has ``shared_layers`` if the model has two branches.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {k: v.detach().contiguous() for k, v in model.state_dict().items()},
        folder / "model.safetensors",
    )
    model.encoder.config.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())


def load_model(folder: Path, dropout: float = 0.0, head_dropout: float = 0.1) -> ReviewEncoder:
    """Load a model written by save_model, with the branches and heads that it has."""
    options = _encoder_options(folder, dropout)
    encoder = AutoModel.from_config(trust_remote_code=False, **options)
    weights = load_file(folder / "model.safetensors")
    model = _matching(encoder, weights, head_dropout)
    model.load_state_dict(weights)
    model.eval()
    return model
