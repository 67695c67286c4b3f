"""Moves the range of activations into the weights, so that int8 loses less (SmoothQuant).

Dynamic int8 has one scale for a whole tensor of activations: a few channels with large values
cost the others precision. Dividing each channel by a factor and multiplying the weights that read
it by the same factor changes nothing in float32 and evens out the activations.

Source: Xiao et al. 2023, SmoothQuant, arXiv 2211.10438.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sagemaker_jobs.export.strength import best_strength, factors
from sagemaker_jobs.train import data as reviews

_SAMPLED_TEXTS = 64
_TOKENS_PER_TEXT = 8


class SmoothedLinear(nn.Module):
    """A linear layer that first divides its input, channel by channel."""

    def __init__(self, linear: nn.Linear, inverse: nn.Parameter) -> None:
        super().__init__()
        self.inverse = inverse
        self.linear = linear
        with torch.no_grad():
            linear.weight.div_(inverse)

    def forward(self, inputs: Tensor) -> Tensor:
        """The result of the layer before smoothing."""
        result: Tensor = self.linear(inputs * self.inverse)
        return result


@torch.no_grad()
def channel_maxima(
    model: nn.Module, ids: Sequence[Sequence[int]], names: Sequence[str]
) -> dict[str, Tensor]:
    """Largest absolute input of each channel of linear layers, over texts.

    Args:
        model: The trained model.
        ids: Token ids of the texts.
        names: Names of the layers.

    Returns:
        Name → a tensor with one value per input of the layer.
    """
    maxima: dict[str, Tensor] = {}

    def update(name: str, values: Tensor) -> None:
        largest = values.abs().flatten(0, -2).amax(0)
        maxima[name] = torch.maximum(maxima[name], largest) if name in maxima else largest

    _observe_inputs(model, ids, names, update)
    return maxima


@torch.no_grad()
def input_groups(model: nn.Module, ids: Sequence[Sequence[int]]) -> list[list[str]]:
    """Names of the encoder's linear layers, grouped by the tensor that they read.

    The groups are observed during a pass, so this works for BERT, DistilBERT and others regardless
    of layer names: query, key and value form one group.

    Args:
        model: The trained model.
        ids: Token ids of at least one text; the first is used.
    """
    linear = [
        name
        for name, layer in model.named_modules()
        if name.startswith(("encoder.", "branch.")) and isinstance(layer, nn.Linear)
    ]
    groups: dict[int, list[str]] = {}
    tensors: list[Tensor] = []  # keeps them alive, so that no id is reused

    def group(name: str, values: Tensor) -> None:
        if any(name in names for names in groups.values()):
            return  # ALBERT runs one layer many times
        tensors.append(values)
        groups.setdefault(id(values), []).append(name)

    _observe_inputs(model, ids[:1], linear, group)
    return list(groups.values())


def _observe_inputs(
    model: nn.Module,
    ids: Sequence[Sequence[int]],
    names: Sequence[str],
    observe: Callable[[str, Tensor], None],
) -> None:
    """Run texts through the model; calls ``observe`` with each layer's name and input."""
    hooks = []
    for name in names:

        def hook(_layer: nn.Module, inputs: tuple[Tensor, ...], name: str = name) -> None:
            observe(name, inputs[0])

        hooks.append(model.get_submodule(name).register_forward_pre_hook(hook))
    try:
        for rows in reviews.batches(ids, 16, None):
            model(*reviews.pad([ids[row] for row in rows]))
    finally:
        for handle in hooks:
            handle.remove()


@torch.no_grad()
def sample_inputs(
    model: nn.Module, ids: Sequence[Sequence[int]], names: Sequence[str]
) -> dict[str, Tensor]:
    """Inputs (m, k) of linear layers: some tokens of some texts, by the names of the layers."""
    samples: dict[str, list[Tensor]] = {}

    def keep(name: str, values: Tensor) -> None:
        rows = torch.linspace(0, values.shape[1] - 1, _TOKENS_PER_TEXT).long().unique()
        samples.setdefault(name, []).append(values[0, rows])

    for text in ids[:_SAMPLED_TEXTS]:  # one by one: padding must not count
        _observe_inputs(model, [text], names, keep)
    return {name: torch.cat(parts) for name, parts in samples.items()}


@torch.no_grad()
def smooth(model: nn.Module, ids: Sequence[Sequence[int]], strength: float | None) -> None:
    """Smooth every linear layer of the encoder in place; its results stay the same.

    Layers that read one tensor share their factors.

    Args:
        model: Changed in place.
        ids: Token ids of a few hundred texts, for the range of activations.
        strength: 0 keeps the activations, 1 moves all of their range; None chooses it for each
            tensor.
    """
    groups = input_groups(model, ids)
    first = [names[0] for names in groups]
    maxima = channel_maxima(model, ids, first)
    inputs = sample_inputs(model, ids, first) if strength is None else {}
    for names in groups:
        name, layers = names[0], [model.get_submodule(name) for name in names]
        weights = torch.cat([layer.weight for layer in layers])
        chosen = strength
        if chosen is None:
            chosen = best_strength(inputs[name], weights, maxima[name])
        divisor = factors(maxima[name], weights, chosen)
        inverse = nn.Parameter(1 / divisor, requires_grad=False)
        for name, layer in zip(names, layers, strict=True):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, SmoothedLinear(layer, inverse))
