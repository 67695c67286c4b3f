"""Checkpoints of CLIP and SigLIP with random weights, in several shapes, made from configs."""

import json

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizerFast,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
)
from transformers.models.clip.tokenization_clip import bytes_to_unicode

WORDS = ("the", "red", "shoe", "kettle", "broke", "photo", "of", "a", "lovely", "cup")
MERGES = ("t h", "e r", "i n", "th e</w>", "r e", "re d</w>")
_SMALL = {"num_hidden_layers": 2, "num_attention_heads": 4}


def clip(folder, *, image=30, patch=10, width=32, projection=24, length=20, old_eos=False):
    """Write a CLIP checkpoint; ``old_eos`` is how OpenAI's configs name the last token."""
    folder.mkdir()
    characters = list(bytes_to_unicode().values())
    parts = [*characters, *(f"{each}</w>" for each in characters)]
    parts += ["".join(merge.split()) for merge in MERGES]
    parts += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({part: i for i, part in enumerate(parts)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *MERGES]) + "\n")
    end = len(parts) - 1
    text = {
        "vocab_size": len(parts), "hidden_size": width, "intermediate_size": 2 * width,
        "max_position_embeddings": length, "eos_token_id": 2 if old_eos else end,
        "bos_token_id": end - 1, "pad_token_id": 1 if old_eos else end, **_SMALL,
    }  # fmt: skip
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config=text, vision_config=_vision(image, patch, width + 16), projection_dim=projection
    )
    CLIPModel(config).save_pretrained(folder)
    tokenizer = CLIPTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer.save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": image}, crop_size=image).save_pretrained(folder)
    return folder


def siglip(folder, *, image=32, patch=8, width=48, length=16):
    """Write a SigLIP checkpoint; its vectors are as wide as its towers."""
    folder.mkdir()
    text = {
        "vocab_size": len(WORDS) + 3, "hidden_size": width, "intermediate_size": 2 * width,
        "max_position_embeddings": length, "projection_size": width, **_SMALL,
    }  # fmt: skip
    torch.manual_seed(0)
    config = SiglipConfig(text_config=text, vision_config=_vision(image, patch, width))
    SiglipModel(config).save_pretrained(folder)
    ids = {part: i for i, part in enumerate(("<pad>", "</s>", "<unk>", *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="</s>", eos_token="</s>", unk_token="<unk>",
        model_max_length=length,
    ).save_pretrained(folder)  # fmt: skip
    size = {"height": image, "width": image}
    SiglipImageProcessor(size=size).save_pretrained(folder)
    return folder


def _vision(image, patch, width):
    return {
        "hidden_size": width, "intermediate_size": 2 * width, "image_size": image,
        "patch_size": patch, **_SMALL,
    }  # fmt: skip
