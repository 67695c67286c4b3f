"""One encoder pass: a unit embedding, three logits, and optionally three logits of each token."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sagemaker_jobs.train.wide import NoWideLogits, WideLogits

HEAD_WIDTH = 256


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
        with_wide: bool = True,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.projection = nn.Linear(dimension, dimension, bias=False)
        nn.init.eye_(self.projection.weight)
        self.head = classifier(2 * dimension, head_dropout)
        self.wide: WideLogits = WideLogits(vocabulary) if with_wide else NoWideLogits()
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
        embedding = self.embedding(mean_pool(hidden, attention_mask))
        return embedding, *self.sentiment(hidden, input_ids, attention_mask)

    def sentiment(
        self, hidden: Tensor, input_ids: Tensor, attention_mask: Tensor
    ) -> tuple[Tensor, ...]:
        """The logits from token vectors (b, t, d): of the texts, and of each token if read."""
        _, deep = self._deep(hidden, attention_mask)
        logits = deep + self.wide(input_ids, attention_mask)
        return (logits,) if self.tokens is None else (logits, self.tokens(hidden))

    def freeze(self, layers: int) -> None:
        """Freeze the token embeddings and the first ``layers`` layers (0: freeze nothing).

        Raises:
            ValueError: the encoder has too few layers, or its layers are not found.
        """
        if not layers:
            return
        blocks = encoder_layers(self.encoder)
        if layers >= len(blocks):
            raise ValueError(
                f"frozen_layers: {layers} cannot be frozen: the encoder has {len(blocks)} layers"
            )
        for frozen in (self.encoder.embeddings, *blocks[:layers]):
            frozen.requires_grad_(False)


def encoder_layers(encoder: nn.Module) -> Sequence[nn.Module]:
    """The layers in order, as named in BERT and similar encoders, or in DistilBERT."""
    for name in ("encoder", "transformer"):
        layers: Sequence[nn.Module] | None = getattr(getattr(encoder, name, None), "layer", None)
        if layers is not None:
            return layers
    return ()
