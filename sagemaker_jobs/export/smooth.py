"""Moves the spread of activations into the weights, so that int8 loses less (SmoothQuant).

Dynamic int8 has one scale for a whole tensor of activations: a few channels with large values
cost the others their precision. Dividing each channel by a factor and multiplying the weights that
read it by the same one changes nothing in float32 and evens out what int8 has to hold.

Source: Xiao et al. 2023, SmoothQuant, arXiv 2211.10438.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.model import ReviewEncoder

_FLOOR = 1e-3


class SmoothedLinear(nn.Module):
    """A linear layer that divides its input channel by channel first."""

    def __init__(self, linear: nn.Linear, inverse: nn.Parameter) -> None:
        super().__init__()
        self.inverse = inverse
        self.linear = linear
        with torch.no_grad():
            linear.weight.div_(inverse)

    def forward(self, inputs: Tensor) -> Tensor:
        """The same result as that of the layer before smoothing."""
        result: Tensor = self.linear(inputs * self.inverse)
        return result


@torch.no_grad()
def channel_maxima(
    model: ReviewEncoder, ids: Sequence[Sequence[int]], names: Sequence[str]
) -> dict[str, Tensor]:
    """Largest absolute input of each channel of some linear layers over texts.

    Args:
        model: The trained model.
        ids: Token ids of the texts to look at.
        names: Names of the layers.

    Returns:
        By name, a tensor of as many values as the layer has inputs.
    """
    found: dict[str, Tensor] = {}

    def look(name: str, values: Tensor) -> None:
        largest = values.abs().flatten(0, -2).amax(0)
        found[name] = torch.maximum(found[name], largest) if name in found else largest

    _watch(model, ids, names, look)
    return found


@torch.no_grad()
def readers(model: ReviewEncoder, ids: Sequence[Sequence[int]]) -> list[list[str]]:
    """Names of the encoder's linear layers, those together that read one and the same tensor.

    Found by watching a pass, so it holds for BERT, DistilBERT and others, whatever they call their
    layers: query, key and value are one group.

    Args:
        model: The trained model.
        ids: Token ids of a text or more; the first is looked at.
    """
    linear = [
        name
        for name, layer in model.named_modules()
        if name.startswith("encoder.") and isinstance(layer, nn.Linear)
    ]
    groups: dict[int, list[str]] = {}
    kept: list[Tensor] = []  # else a tensor's id could be used again

    def look(name: str, values: Tensor) -> None:
        if any(name in group for group in groups.values()):
            return  # ALBERT runs one layer many times
        kept.append(values)
        groups.setdefault(id(values), []).append(name)

    _watch(model, ids[:1], linear, look)
    return list(groups.values())


def _watch(
    model: ReviewEncoder,
    ids: Sequence[Sequence[int]],
    names: Sequence[str],
    look: Callable[[str, Tensor], None],
) -> None:
    """Run texts through the model; ``look`` gets what each of the layers reads."""
    hooks = []
    for name in names:

        def hook(_layer: nn.Module, inputs: tuple[Tensor, ...], name: str = name) -> None:
            look(name, inputs[0])

        hooks.append(model.get_submodule(name).register_forward_pre_hook(hook))
    try:
        for rows in reviews.batches(ids, 16, None):
            model(*reviews.pad([ids[row] for row in rows]))
    finally:
        for handle in hooks:
            handle.remove()


def smooth(model: ReviewEncoder, ids: Sequence[Sequence[int]], strength: float) -> None:
    """Smooth every linear layer of the encoder in place; its answers stay the same.

    Layers that read one input share their factors: the division is done once.

    Args:
        model: Changed in place.
        ids: Token ids of a few hundred texts, by which the activations are known.
        strength: 0 leaves the activations as they are, 1 moves all of their spread.
    """
    groups = readers(model, ids)
    maxima = channel_maxima(model, ids, [names[0] for names in groups])
    for names in groups:
        layers = [model.get_submodule(name) for name in names]
        read = torch.stack([layer.weight.detach().abs().amax(0) for layer in layers]).amax(0)
        spread = maxima[names[0]].clamp(min=_FLOOR) ** strength
        factors = spread / read.clamp(min=_FLOOR) ** (1 - strength)
        inverse = nn.Parameter(1 / factors, requires_grad=False)
        for name, layer in zip(names, layers, strict=True):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, SmoothedLinear(layer, inverse))
