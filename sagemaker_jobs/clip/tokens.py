"""The tokenizer of a checkpoint, with its truncation and padding, as one file."""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, CLIPTokenizerFast, PreTrainedTokenizerFast

from sagemaker_jobs.clip.checkpoint import Checkpoint, CheckpointError

_FILE = "tokenizer.json"
_SIGLIP_PAD = "</s>"


def read_tokenizer(checkpoint: Checkpoint, max_tokens: int) -> Tokenizer:
    """The tokenizer of the text tower; texts that are longer lose their end.

    SigLIP reads padding: its text tower was trained on texts of one length. CLIP's does not.

    Raises:
        CheckpointError: there is no tokenizer that can be read without its Python code.
    """
    try:
        opened = _open(checkpoint)
    except Exception as error:  # tokenizers raises bare Exceptions
        raise CheckpointError(
            f"{checkpoint.source}: its tokenizer cannot be read: {error}"
        ) from error
    tokenizer: Tokenizer = Tokenizer.from_str(opened.backend_tokenizer.to_str())
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    if checkpoint.kind == "siglip":
        pad = str(opened.pad_token or _SIGLIP_PAD)
        pad_id = tokenizer.token_to_id(pad)
        if pad_id is None:
            raise CheckpointError(f"{checkpoint.source}: its tokenizer lacks the padding {pad!r}")
        tokenizer.enable_padding(length=max_tokens, pad_id=pad_id, pad_token=pad)
    return tokenizer


def _open(checkpoint: Checkpoint) -> Any:
    folder, options = checkpoint.folder, {"local_files_only": True}
    if checkpoint.kind == "clip":
        return CLIPTokenizerFast.from_pretrained(folder, **options)
    path: Path = folder / _FILE
    if not path.is_file():
        raise FileNotFoundError(f"there is no {_FILE}; a SentencePiece model alone is not read")
    try:
        opened = AutoTokenizer.from_pretrained(
            folder, use_fast=True, trust_remote_code=False, **options
        )
    except (ImportError, ValueError):  # its class reads only SentencePiece
        opened = None
    if opened is None or not opened.is_fast:
        opened = PreTrainedTokenizerFast.from_pretrained(folder, **options)
    return opened
