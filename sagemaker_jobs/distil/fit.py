"""The training loop of teacher and student: steps over shuffled batches, exactly resumable."""

import json
import logging
import random
import shutil
import time
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sagemaker_jobs.distil.config import FitConfig, StepConfig
from sagemaker_jobs.distil.model import load_released, load_trained
from sagemaker_jobs.distil.texts import Batch, TokenSet
from sagemaker_jobs.train.record import file_hash

log = logging.getLogger("distil")
_MAX_GRADIENT_NORM = 1.0
_WARMUP_SHARE = 0.06
_WEIGHT_DECAY = 0.01
_LOG_SECONDS = 20

Loss = Callable[[Batch], Tensor]
"""The loss of a batch; the loop runs its passes in bf16 where the hardware supports it."""


def choose_device(config: StepConfig) -> torch.device:
    """CUDA if available, unless the config says otherwise."""
    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(config.device)


def autocast(device: torch.device) -> torch.autocast:
    """bf16 on CUDA, float32 elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def fit(model: nn.Module, tokens: TokenSet, rows: np.ndarray, loss: Loss, config: FitConfig) -> int:
    """Train the model in place on the rows; returns the number of steps.

    A checkpoint is in ``output_dir/checkpoint`` while the training runs; the same command continues
    from it, with the batches that an uninterrupted run would have had.
    """
    device = choose_device(config)
    generator = random.Random(config.seed)  # noqa: S311 - order of batches
    epochs = [
        tokens.batches(rows, config.tokens_per_batch, generator) for _ in range(config.epochs)
    ]
    batches = [batch for epoch in epochs for batch in epoch][: config.max_steps or None]
    optimizer = torch.optim.AdamW(
        _parameter_groups(model, config), weight_decay=_WEIGHT_DECAY, fused=True
    )
    rates = [group["lr"] for group in optimizer.param_groups]
    folder = config.output_dir / "checkpoint"
    start = _resume(folder, model, optimizer)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    progress = _Progress(len(batches), start)
    model.train()
    for step in range(start, len(batches)):
        with autocast(device):
            value = loss(tokens.batch(batches[step]))
        value.backward()
        nn.utils.clip_grad_norm_(trained, _MAX_GRADIENT_NORM)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * rate_factor(step, len(batches))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        progress.add(step + 1, value.detach())
        if (step + 1) % config.checkpoint_steps == 0:
            save_checkpoint(folder, step + 1, model, optimizer)
    model.eval()
    shutil.rmtree(folder, ignore_errors=True)
    return len(batches)


class _Progress:
    """Logs the mean loss from time to time; reading it from a GPU makes the GPU wait."""

    def __init__(self, steps: int, start: int) -> None:
        self._steps, self._first = steps, start
        self._logged = self._began = time.monotonic()
        self._losses: list[Tensor] = []

    def add(self, step: int, loss: Tensor) -> None:
        """Count a step.

        Raises:
            FloatingPointError: the mean loss since the last line is not finite.
        """
        self._losses.append(loss)
        now = time.monotonic()
        if now - self._logged < _LOG_SECONDS and step < self._steps:
            return
        mean = float(torch.stack(self._losses).mean())
        rate = (step - self._first) / (now - self._began)
        log.info("step %d of %d: loss %.4f, %.2f steps/s", step, self._steps, mean, rate)
        if not isfinite(mean):
            raise FloatingPointError(f"the loss is not finite at step {step}: lower learning_rate")
        self._losses.clear()
        self._logged = now


def rate_factor(step: int, steps: int) -> float:
    """Factor of the learning rates: rises in the first steps, then falls to zero."""
    warmup = max(1, int(steps * _WARMUP_SHARE))
    return min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))


def _parameter_groups(model: nn.Module, config: FitConfig) -> list[dict[str, object]]:
    """Heads with their own rate; encoder layers with a rate that decays towards the first."""
    freeze(model, config.frozen_layers)
    layers = model.encoder.config.num_hidden_layers
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        rate = config.head_learning_rate
        if name.startswith("encoder."):
            rate = config.learning_rate * config.layer_decay ** (layers - _depth(name))
        if parameter.requires_grad:
            groups.setdefault(rate, []).append(parameter)
    return [{"params": parameters, "lr": rate} for rate, parameters in groups.items()]


def train_or_load(
    model: nn.Module, config: FitConfig, train: Callable[[], dict[str, object]]
) -> dict[str, object]:
    """Train a model, or give it the parameters in ``weights``; returns what the record gets.

    Raises:
        ValueError: ``weights`` or ``start`` are of another model.
    """
    freeze(model, config.frozen_layers)
    record: dict[str, object] = {}
    before: dict[str, Tensor] = {}
    if config.start is not None:
        load = load_released if config.start.suffix == ".onnx" else load_trained
        started = load(model, config.start)
        before = {n: p.detach().clone() for n, p in model.named_parameters() if n in started}
        record["start_sha256"] = file_hash(config.start)
    if config.weights is None:
        record |= train()
    else:
        load_trained(model, config.weights)
        record["weights_sha256"] = file_hash(config.weights)
    average(model, before, config.trained_share)
    return record


@torch.no_grad()
def average(model: nn.Module, before: Mapping[str, Tensor], share: float) -> None:
    """Move trained parameters back towards earlier values of them, in place.

    Args:
        model: The trained model. Parameters without an earlier value stay as they are.
        before: Name of a parameter -> its earlier value.
        share: Weight of the trained value; 1 keeps it.
    """
    for name, parameter in model.named_parameters():
        if name in before and share < 1:
            parameter.copy_(torch.lerp(before[name].to(parameter.device), parameter, share))


def freeze(model: nn.Module, layers: int) -> None:
    """Freeze the token embeddings and the first layers; 0: nothing."""
    for name, parameter in model.named_parameters():
        kept = not name.startswith("encoder.") or "relative_attention_bias" in name
        if layers and not kept and _depth(name) <= layers:
            parameter.requires_grad_(False)


def _depth(name: str) -> int:
    """Number of the layer that a parameter of the encoder belongs to, from 1; else 0."""
    return int(name.split(".layer.")[1].split(".", maxsplit=1)[0]) + 1 if ".layer." in name else 0


def save_checkpoint(
    folder: Path,
    step: int,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write weights and optimizer state, and delete the checkpoint before."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors["random"] = torch.get_rng_state()
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"state.{number}.{name}": torch.as_tensor(v) for name, v in state.items()}
    partial = folder / "checkpoint.partial"
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, partial)
    (folder / "state.partial").write_text(json.dumps({"step": step}))
    partial.replace(folder / f"step-{step}.safetensors")
    (folder / "state.partial").replace(folder / "state.json")
    for old in folder.glob("step-*.safetensors"):
        if old.name != f"step-{step}.safetensors":
            old.unlink()


def _resume(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> int:
    """Load the newest checkpoint; returns the step to continue with."""
    try:
        step = int(json.loads((folder / "state.json").read_text())["step"])
        tensors = load_file(folder / f"step-{step}.safetensors")
    except FileNotFoundError:
        return 0
    model.load_state_dict(
        {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    )
    state = optimizer.state_dict()
    for name, value in tensors.items():
        if name.startswith("state."):
            _, number, field = name.split(".")
            state["state"].setdefault(int(number), {})[field] = value
    optimizer.load_state_dict(state)
    torch.set_rng_state(tensors["random"])
    log.info("continues after step %d", step)
    return step
