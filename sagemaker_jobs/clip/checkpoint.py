"""Finds the files of a CLIP or SigLIP checkpoint and opens the model."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub import HfApi, snapshot_download

from sagemaker_jobs.clip.configuration import MODELS, check_configuration
from sagemaker_jobs.clip.errors import CheckpointError
from shared.schemas.encoders import HubEncoder, parse_hub_encoder

log = logging.getLogger("clip")
_DESCRIPTIONS = ("*.json", "merges.txt")
_SAFE_WEIGHTS, _OLD_WEIGHTS = "model*.safetensors", "pytorch_model*.bin"


class Checkpoint(NamedTuple):
    """A folder with the files of a checkpoint, its config, and where it comes from."""

    folder: Path
    config: dict[str, Any]
    source: str

    @property
    def kind(self) -> str:
        """``clip`` or ``siglip``."""
        return str(self.config["model_type"])


def open_checkpoint(source: str) -> Checkpoint:
    """Find a checkpoint; a name on the hub is looked up in the local cache first.

    Args:
        source: a folder, or ``NAME@COMMIT``, or a name, of which the newest commit is taken.

    Raises:
        CheckpointError: it is not available, or not a checkpoint of CLIP or SigLIP.
    """
    folder = Path(source)
    name = folder.resolve().name
    if not folder.is_dir():
        folder, name = _from_hub(source)
    if not _weights(folder):
        raise CheckpointError(f"{source} has no weights: {_SAFE_WEIGHTS} or {_OLD_WEIGHTS}")
    config = read_json(folder / "config.json")
    check_configuration(folder / "config.json", config)
    return Checkpoint(folder, config, name)


def load_model(checkpoint: Checkpoint) -> Any:
    """The model in float32, in evaluation mode. No code of the checkpoint is run.

    Raises:
        CheckpointError: the weights cannot be read, or some are missing.
    """
    safe = bool(list(checkpoint.folder.glob(_SAFE_WEIGHTS)))
    try:
        model, report = MODELS[checkpoint.kind].from_pretrained(
            checkpoint.folder,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=safe,
            weights_only=True,
            ignore_mismatched_sizes=True,  # they are reported below, with their names
            output_loading_info=True,
        )
    except Exception as error:  # torch, safetensors and transformers raise errors of all kinds
        reason = error if safe else f"{_OLD_WEIGHTS} is damaged or contains more than tensors"
        raise CheckpointError(
            f"{checkpoint.source}: its weights cannot be read: {reason}"
        ) from error
    if missing := list(report["missing_keys"]):
        raise CheckpointError(
            f"{checkpoint.source}: its weights lack {len(missing)} tensors, the first of them"
            f" {missing[0]}"
        )
    if differing := list(report["mismatched_keys"]):
        name = str(differing[0])
        shape = tuple(model.state_dict()[name].shape)
        raise CheckpointError(
            f"{checkpoint.source}: {len(differing)} tensors have another shape than config.json"
            f" asks for, the first of them {name}, which must be {shape}"
        )
    return model.eval()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        CheckpointError: there is none.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} is missing")
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: it must contain a JSON object")
    return content


def _weights(folder: Path) -> list[Path]:
    return [*folder.glob(_SAFE_WEIGHTS), *folder.glob(_OLD_WEIGHTS)]


def _from_hub(source: str) -> tuple[Path, str]:
    """The folder of a snapshot, and ``NAME@COMMIT``."""
    encoder = parse_hub_encoder(source)
    if encoder is None:
        raise CheckpointError(
            f"{source} is neither a folder nor a name on the Hugging Face hub: NAME, or NAME@COMMIT"
            " with 40 hexadecimal digits"
        )
    try:
        pinned = _pinned(encoder)
        folder = _snapshot(pinned, [*_DESCRIPTIONS, _SAFE_WEIGHTS])
        if not _weights(folder):
            folder = _snapshot(pinned, [*_DESCRIPTIONS, _OLD_WEIGHTS])
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{source} is not a folder and cannot be downloaded from the Hugging Face hub: {error}"
        ) from error
    return folder, f"{pinned.repository}@{pinned.revision}"


def _pinned(encoder: HubEncoder) -> HubEncoder:
    """The repository at a commit, so that all its files are those of one."""
    if encoder.revision is not None:
        return encoder
    newest = HfApi().model_info(encoder.repository).sha
    pinned = parse_hub_encoder(f"{encoder.repository}@{newest}")
    if pinned is None:
        raise CheckpointError(f"{encoder.repository}: the hub names no commit of it")
    log.info("the newest commit of %s is %s", *pinned)
    return pinned


def _snapshot(encoder: HubEncoder, files: Sequence[str]) -> Path:
    """Download files of a commit, unless they are in the cache."""
    name, revision = encoder
    return Path(snapshot_download(name, revision=revision, allow_patterns=list(files)))
