"""One encoder pass: a unit embedding, three logits, and optionally three logits of each token."""

import inspect
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import MODEL_MAPPING, AutoConfig, AutoModel, PretrainedConfig

from sagemaker_jobs.train.base import BUNDLED, base_folder
from sagemaker_jobs.train.wide import WideLogits

__all__ = ["BUNDLED", "ReviewEncoder", "base_folder", "load_model", "new_model", "save_model"]

HEAD_WIDTH = 256
_DROPOUT = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")
"""Names of dropout in configs: BERT and similar, then DistilBERT."""


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the unmasked token vectors: (b, t, d), (b, t) -> (b, d)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-6)


def classifier(inputs: int, dropout: float = 0.0, *, outputs: int = 3) -> nn.Sequential:
    """A small network from vectors of a width to logits."""
    return nn.Sequential(
        nn.LayerNorm(inputs),
        nn.Linear(inputs, HEAD_WIDTH),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(HEAD_WIDTH, outputs),
    )


class ReviewEncoder(nn.Module):
    """Encoder, embedding projection (initially the identity) and a sentiment head of two parts.

    The embedding is the mean of the token vectors, as in the base encoder. The deep part of the
    head reads that mean and the first token's vector, which has little weight in the mean: there
    the encoder can represent sentiment without moving the embedding. The wide part reads the tokens
    themselves and adds its logits. ``tokens``, if there is one, reads the sentiment of each token
    from its vector.
    """

    def __init__(
        self,
        encoder: nn.Module,
        dimension: int,
        vocabulary: int,
        head_dropout: float = 0.1,
        *,
        with_tokens: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.projection = nn.Linear(dimension, dimension, bias=False)
        nn.init.eye_(self.projection.weight)
        self.head = classifier(2 * dimension, head_dropout)
        self.wide = WideLogits(vocabulary)
        self.tokens = classifier(dimension, head_dropout) if with_tokens else None

    def hidden(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Token vectors (b, t, d)."""
        vectors: Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        return vectors

    def deep(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean-pooled token vectors (b, d), not normalised, and the deep part's logits (b, 3)."""
        return self._deep(self.hidden(input_ids, attention_mask), attention_mask)

    def _deep(self, hidden: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        pooled = mean_pool(hidden, mask)
        return pooled, self.head(torch.cat([hidden[:, 0], pooled], -1))

    def embedding(self, pooled: Tensor) -> Tensor:
        """Embeddings (b, d) of unit length."""
        return nn.functional.normalize(self.projection(pooled), dim=-1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Embeddings (b, d) of unit length and logits (b, 3): negative, neutral, positive.

        With ``tokens``, logits of each token (b, t, 3) as well; those of padding mean nothing.
        """
        hidden = self.hidden(input_ids, attention_mask)
        pooled, deep = self._deep(hidden, attention_mask)
        logits = deep + self.wide(input_ids, attention_mask)
        outputs = self.embedding(pooled), logits
        return outputs if self.tokens is None else (*outputs, self.tokens(hidden))

    def freeze(self, layers: int) -> None:
        """Freeze the token embeddings and the first ``layers`` layers (0: freeze nothing).

        Raises:
            ValueError: the encoder has too few layers, or its layers are not found.
        """
        if not layers:
            return
        blocks = _encoder_layers(self.encoder)
        if layers >= len(blocks):
            raise ValueError(
                f"frozen_layers: {layers} cannot be frozen: the encoder has {len(blocks)} layers"
            )
        for frozen in (self.encoder.embeddings, *blocks[:layers]):
            frozen.requires_grad_(False)


def _encoder_layers(encoder: nn.Module) -> Sequence[nn.Module]:
    """The layers in order, as named in BERT and similar encoders, or in DistilBERT."""
    for name in ("encoder", "transformer"):
        layers: Sequence[nn.Module] | None = getattr(getattr(encoder, name, None), "layer", None)
        if layers is not None:
            return layers
    return ()


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
    return _wrap(encoder, encoder.config, head_dropout, with_tokens=with_tokens)


def _wrap(
    encoder: nn.Module, config: PretrainedConfig, head_dropout: float, *, with_tokens: bool
) -> ReviewEncoder:
    sizes = config.hidden_size, config.vocab_size
    return ReviewEncoder(encoder, *sizes, head_dropout, with_tokens=with_tokens)


def save_model(model: ReviewEncoder, base: Path, folder: Path) -> None:
    """Write weights (safetensors), encoder config and tokenizer to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {k: v.detach().contiguous() for k, v in model.state_dict().items()},
        folder / "model.safetensors",
    )
    model.encoder.config.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())


def load_model(folder: Path, dropout: float = 0.0, head_dropout: float = 0.1) -> ReviewEncoder:
    """Load a model written by save_model, with a head for tokens if it has one."""
    options = _encoder_options(folder, dropout)
    encoder = AutoModel.from_config(trust_remote_code=False, **options)
    weights = load_file(folder / "model.safetensors")
    with_tokens = any(name.startswith("tokens.") for name in weights)
    model = _wrap(encoder, encoder.config, head_dropout, with_tokens=with_tokens)
    model.load_state_dict(weights)
    model.eval()
    return model
