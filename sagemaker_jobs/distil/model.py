"""The teacher and the student: an encoder with heads for stars, sentences and tokens."""

import copy
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sagemaker_jobs.train.model import ReviewEncoder, classifier, mean_pool, new_model

_FAR = -1e4
"""Added to the attention to padding."""


class TeacherOutput(NamedTuple):
    """Logits of five stars (b, 5), of a sentence (b, 3) and of each token (b, t, 3)."""

    stars: Tensor
    sentence: Tensor
    tokens: Tensor


def base_encoder(folder: Path, layers: list[int] | None = None) -> nn.Module:
    """The encoder in a folder, without dropout and pooler, with only some of its layers."""
    encoder: nn.Module = new_model(folder).encoder
    if layers is not None:
        encoder.encoder.layer = nn.ModuleList([encoder.encoder.layer[i] for i in layers])
        encoder.config.num_hidden_layers = len(layers)
    return encoder


class Teacher(nn.Module):
    """Reads stars, sentences and tokens from one large encoder."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.stars = classifier(2 * width, outputs=5)
        self.sentence = classifier(2 * width)
        self.tokens = classifier(width)

    def forward(self, ids: Tensor, mask: Tensor) -> TeacherOutput:
        """Outputs of token ids and mask (b, t)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask)[0]
        features = torch.cat([hidden[:, 0], mean_pool(hidden, mask)], -1)
        return TeacherOutput(self.stars(features), self.sentence(features), self.tokens(hidden))


class BranchedEncoder(ReviewEncoder):
    """A student whose embedding is that of the base encoder.

    The first layers are shared and unchanged. Above them, the layers of the base encoder, unchanged
    as well, give the embedding, and a trained copy of them gives the sentiment.
    """

    def __init__(self, encoder: nn.Module, shared_layers: int) -> None:
        config = encoder.config
        super().__init__(encoder, config.hidden_size, config.vocab_size, with_tokens=True)
        self._shared = shared_layers
        self.branch = copy.deepcopy(encoder.encoder.layer[shared_layers:])
        for part in (self.branch, encoder.embeddings, *encoder.encoder.layer[:shared_layers]):
            part.requires_grad_(False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Embeddings (b, d) of unit length, logits (b, 3), logits of each token (b, t, 3)."""
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        hidden, embedded = states[-1], states[self._shared]
        bias = (1.0 - attention_mask[:, None, None, :].to(hidden.dtype)) * _FAR
        for layer in self.branch:
            output = layer(embedded, bias)
            embedded = output if isinstance(output, Tensor) else output[0]
        _, logits = self._deep(hidden, attention_mask)
        pooled = mean_pool(embedded, attention_mask)
        return self.embedding(pooled), logits, self.get_submodule("tokens")(hidden)


def new_student(folder: Path, layers: list[int] | None, shared: int | None) -> ReviewEncoder:
    """A student on the base encoder in a folder, with one branch or two."""
    encoder = base_encoder(folder, layers)
    if shared is not None:
        return BranchedEncoder(encoder, shared)
    config = encoder.config
    return ReviewEncoder(encoder, config.hidden_size, config.vocab_size, with_tokens=True)
