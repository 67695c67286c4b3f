"""The teacher and the student: an encoder with heads for stars, sentences and tokens."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from sagemaker_jobs.distil.released import released_parameters
from sagemaker_jobs.train.branched import BranchedEncoder
from sagemaker_jobs.train.encoder import ReviewEncoder, classifier, mean_pool
from sagemaker_jobs.train.model import new_model

TEACHER_FILE = "teacher.safetensors"
"""Weights in the output folder of a teacher."""
STAR_GROUPS = ((0, 1), (2,), (3, 4))
"""Stars (less one) of each sentiment."""


class TeacherOutput(NamedTuple):
    """Logits of five stars (b, 5), of a sentence (b, 3) and of each token (b, t, 3)."""

    stars: Tensor
    sentence: Tensor
    tokens: Tensor


def group_stars(star_logits: Tensor) -> Tensor:
    """Log probabilities of three sentiments from logits of five stars: (b, 5) -> (b, 3)."""
    logs = log_softmax(star_logits.float(), -1)
    return torch.stack([logs[:, list(group)].logsumexp(-1) for group in STAR_GROUPS], -1)


def base_encoder(folder: Path, layers: list[int] | None = None) -> nn.Module:
    """The encoder in a folder, without dropout and pooler, with only some of its layers."""
    encoder: nn.Module = new_model(folder).encoder
    if layers is not None:
        encoder.encoder.layer = nn.ModuleList([encoder.encoder.layer[i] for i in layers])
        encoder.config.num_hidden_layers = len(layers)
    return encoder


class TeacherHeads(nn.Module):
    """One large encoder, and heads for stars, sentences and tokens."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.stars = classifier(2 * width, outputs=5)
        self.sentence = classifier(2 * width)
        self.tokens = classifier(width)


class Teacher(TeacherHeads):
    """Reads stars, sentences and tokens."""

    def forward(self, ids: Tensor, mask: Tensor) -> TeacherOutput:
        """Outputs of token ids and mask (b, t)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask)[0]
        features = torch.cat([hidden[:, 0], mean_pool(hidden, mask)], -1)
        return TeacherOutput(self.stars(features), self.sentence(features), self.tokens(hidden))


class ServedTeacher(TeacherHeads):
    """A teacher with the outputs of a student, for an export.

    A text of one sentence is read as a review and as a sentence, with equal weight, and a longer
    one as a review, as the students learn it. The first output is the pooled vector: it has unit
    length, but it is not trained to compare texts.
    """

    def __init__(self, encoder: nn.Module, sentence_ends: Sequence[int]) -> None:
        super().__init__(encoder)
        ends = torch.tensor(list(sentence_ends), dtype=torch.long)
        self.register_buffer("_ends", ends, persistent=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Vectors (b, d) of unit length, logits (b, 3), logits of each token (b, t, 3)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        pooled = mean_pool(hidden, attention_mask)
        features = torch.cat([hidden[:, 0], pooled], -1)
        review = group_stars(self.stars(features)).exp()
        both = (review + self.sentence(features).softmax(-1)) / 2
        single = self._is_one_sentence(input_ids, attention_mask).unsqueeze(-1)
        probabilities = torch.where(single, both, review).clamp(min=1e-7)
        vectors = nn.functional.normalize(pooled, dim=-1)
        return vectors, probabilities.log(), self.tokens(hidden)

    def _is_one_sentence(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Whether a text (b,) has no end of a sentence before its last two tokens."""
        is_end = (ids.unsqueeze(-1) == self._ends).any(-1)
        inner = is_end[:, :-2] & (mask[:, 2:] == 1)
        return inner.to(ids.dtype).sum(1) == 0


def new_student(
    folder: Path, layers: list[int] | None, shared: int | None, *, wide: bool = False
) -> ReviewEncoder:
    """A student on the base encoder in a folder, with one branch or two.

    Only a student with one branch can have a wide part.
    """
    encoder = base_encoder(folder, layers)
    if shared is not None:
        return BranchedEncoder(encoder, shared)
    sizes = encoder.config.hidden_size, encoder.config.vocab_size
    return ReviewEncoder(encoder, *sizes, with_tokens=True, with_wide=wide)


def load_trained(model: nn.Module, weights: Path) -> set[str]:
    """Replace the trained parameters of a new model by those in a safetensors file.

    Returns:
        Names of the replaced parameters.

    Raises:
        ValueError: the file lacks one of them, or has others.
    """
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    return _replace(model, load_file(weights), trained, weights)


def load_released(model: nn.Module, graph: Path) -> set[str]:
    """Replace the trained parameters and the wide part of a new model by those of a released one.

    The head for tokens stays new if the graph has none.

    Returns:
        Names of the replaced parameters.

    Raises:
        ValueError: the graph lacks one of the others, or has a wide part that the model lacks.
    """
    released = released_parameters(graph)
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    state = {name: released[name] for name in released if name in trained or _is_wide(name)}
    wide = {name for name in model.state_dict() if _is_wide(name)}
    if not any(name.startswith("tokens.") for name in state):
        trained = {name for name in trained if not name.startswith("tokens.")}
    return _replace(model, state, trained | wide, graph)


def _is_wide(name: str) -> bool:
    return name.startswith("wide.")


def _replace(
    model: nn.Module, state: dict[str, Tensor], trained: set[str], weights: Path
) -> set[str]:
    """Give a model the values of a file, which must contain those of ``trained``."""
    known = model.state_dict()
    if missing := sorted(trained - state.keys()):
        raise ValueError(f"{weights} has not the parameter {missing[0]} of the model")
    if unknown := sorted(state.keys() - known.keys()):
        raise ValueError(f"the model has not the parameter {unknown[0]} of {weights}")
    model.load_state_dict({name: state.get(name, value) for name, value in known.items()})
    return set(state)
