"""The tokenizer of a checkpoint, with its truncation and padding, as one file."""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, CLIPTokenizerFast, PreTrainedTokenizerFast

from sagemaker_jobs.clip.checkpoint import Checkpoint
from sagemaker_jobs.clip.configuration import MODELS
from sagemaker_jobs.clip.errors import CheckpointError

_FILE = "tokenizer.json"
_CLIP_FILES = ("vocab.json", "merges.txt")
_SIGLIP_PAD = "</s>"
_OLD_END = 2
"""``eos_token_id`` of configs whose towers look for the largest id instead."""


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
    _check_ids(checkpoint, opened)
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


def _check_ids(checkpoint: Checkpoint, opened: Any) -> None:
    """Check that the text tower knows the tokens, and where CLIP finds the end of a text."""
    text = MODELS[checkpoint.kind].config_class.from_dict(checkpoint.config).text_config
    if len(opened) > text.vocab_size:
        raise CheckpointError(
            f"{checkpoint.source}: its tokenizer has {len(opened)} tokens, but"
            f" text_config.vocab_size in config.json is {text.vocab_size}"
        )
    by_largest_id = text.eos_token_id == _OLD_END  # as in OpenAI's configs
    if checkpoint.kind == "clip" and not by_largest_id and opened.eos_token_id != text.eos_token_id:
        raise CheckpointError(
            f"{checkpoint.source}: its tokenizer ends texts with {opened.eos_token_id}, but"
            f" text_config.eos_token_id in config.json is {text.eos_token_id}"
        )


def _open(checkpoint: Checkpoint) -> Any:
    folder, options = checkpoint.folder, {"local_files_only": True}
    path: Path = folder / _FILE
    if checkpoint.kind == "clip":
        missing = [name for name in _CLIP_FILES if not (folder / name).is_file()]
        if missing and not path.is_file():
            raise FileNotFoundError(f"there is no {_FILE}, and no {' and no '.join(missing)}")
        return CLIPTokenizerFast.from_pretrained(folder, **options)
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
