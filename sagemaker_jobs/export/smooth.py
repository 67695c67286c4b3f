"""Moves the range of activations into the weights, so that int8 loses less (SmoothQuant).

Dynamic int8 has one scale for a whole tensor of activations: a few channels with large values
cost the others precision. Dividing each channel by a factor and multiplying the weights that read
it by the same factor changes nothing in float32 and evens out the activations.

Source: Xiao et al. 2023, SmoothQuant, arXiv 2211.10438.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.model import ReviewEncoder

_FLOOR = 1e-3


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
    model: ReviewEncoder, ids: Sequence[Sequence[int]], names: Sequence[str]
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
def input_groups(model: ReviewEncoder, ids: Sequence[Sequence[int]]) -> list[list[str]]:
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
        if name.startswith("encoder.") and isinstance(layer, nn.Linear)
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
    model: ReviewEncoder,
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


def smooth(model: ReviewEncoder, ids: Sequence[Sequence[int]], strength: float) -> None:
    """Smooth every linear layer of the encoder in place; its results stay the same.

    Layers that read one tensor share their factors.

    Args:
        model: Changed in place.
        ids: Token ids of a few hundred texts, for the range of activations.
        strength: 0 keeps the activations, 1 moves all of their range.
    """
    groups = input_groups(model, ids)
    maxima = channel_maxima(model, ids, [names[0] for names in groups])
    for names in groups:
        layers = [model.get_submodule(name) for name in names]
        largest = torch.stack([layer.weight.detach().abs().amax(0) for layer in layers]).amax(0)
        ranges = maxima[names[0]].clamp(min=_FLOOR) ** strength
        factors = ranges / largest.clamp(min=_FLOOR) ** (1 - strength)
        inverse = nn.Parameter(1 / factors, requires_grad=False)
        for name, layer in zip(names, layers, strict=True):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, SmoothedLinear(layer, inverse))
