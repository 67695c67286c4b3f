"""Sentiment of parts of a text: each token keeps its place in the text as given."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.errors import ArtefactError
from shared.runtime.emoji import replace_emoji, replace_emoji_aligned
from shared.runtime.encoder import BATCH_SIZE, Encoder
from shared.runtime.spans import TokenLogits, span_logits
from shared.schemas.manifest import Manifest
from shared.storage.artefacts import LocalVersion
from tests.sauces import tiny_model

TEXT = "sauce hurts bottle gentle"


def open_model(folder, source=None):
    """The tiny model; a word that hurts is negative, and so is its token."""
    tiny_model(folder, tokens=source)
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    return Encoder(LocalVersion(folder, manifest))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return open_model(tmp_path_factory.mktemp("spans") / "model", source="vectors")


def of_words(encoder, text, *words):
    """The logits of some words, wherever they are in the text."""
    (tokens,) = encoder.encode([text]).tokens
    starts = [text.index(word) for word in words]
    return span_logits(tokens, [(a, a + len(b)) for a, b in zip(starts, words, strict=True)])


def test_a_graph_with_two_outputs_has_no_token_logits(tmp_path):
    encoder = open_model(tmp_path / "model")
    assert encoder.encode([TEXT]).tokens is None
    assert encoder.encode([]).tokens is None


def test_a_span_has_the_mean_of_its_tokens(encoder):
    hurts, gentle, both = of_words(encoder, TEXT, "hurts", "gentle", "hurts bottle gentle")
    assert hurts.argmax() == 0
    assert gentle.argmax() == 2
    bottle = of_words(encoder, TEXT, "bottle")[0]
    np.testing.assert_allclose(both, (hurts + bottle + gentle) / 3, rtol=1e-5)


def test_a_part_of_a_token_counts_as_the_token(encoder):
    whole, part = of_words(encoder, TEXT, "hurts", "urt")
    np.testing.assert_array_equal(whole, part)


def test_a_span_without_a_token_has_no_value(encoder):
    (tokens,) = encoder.encode([TEXT]).tokens
    assert span_logits(tokens, [(5, 6), (3, 3), (100, 200)]) == [None, None, None]
    assert span_logits(tokens, []) == []


def test_the_cut_middle_of_a_long_text_has_no_value(encoder):
    text = " ".join(["hurts"] * 24 + ["gentle"] * 26 + ["mild"] * 8)
    assert encoder.encode([text]).truncated == [True]
    first, middle, last = of_words(encoder, text, "hurts", "gentle", "mild")
    assert first.argmax() == 0
    assert middle is None
    assert last.argmax() == 2
    (tokens,) = encoder.encode([text]).tokens
    assert tokens.logits.shape == (32, 3)
    (everything,) = span_logits(tokens, [(0, len(text))])
    np.testing.assert_allclose(everything, tokens.logits.mean(0), rtol=1e-5)


def test_every_text_of_many_gets_its_own_tokens_without_padding(encoder):
    texts = [" ".join(["sauce"] * n + ["hurts"]) for n in range(2 * BATCH_SIZE + 3)]
    for text, tokens in zip(texts, encoder.encode(texts).tokens, strict=True):
        assert len(tokens.logits) == len(tokens.characters) == len(text.split())
        alone = encoder.encode([text]).tokens[0]
        np.testing.assert_array_equal(tokens.characters, alone.characters)
        np.testing.assert_allclose(tokens.logits, alone.logits, atol=1e-6)
        assert tokens.logits[-1].argmax() == 0
    assert encoder.encode([]).tokens == []


@pytest.mark.parametrize("before", ["\U0001f621 ", "\U0001f621\U0001f621  ", "ok \U0001f44d\n\n"])
def test_words_behind_an_emoji_keep_their_places(encoder, before):
    hurts, gentle = of_words(encoder, f"{before}{TEXT}", "hurts", "gentle")
    assert hurts.argmax() == 0
    assert gentle.argmax() == 2


def test_a_special_token_belongs_to_no_span():
    tokens = TokenLogits(np.eye(3, dtype=np.float32), np.array([[0, 0], [0, 4], [0, 0]]))
    (logits,) = span_logits(tokens, [(0, 4)])
    assert logits.tolist() == [0, 1, 0]


EMOJI = st.sampled_from(
    ["\U0001f621", "\U0001f44d\U0001f3fb", "\U0001f468\u200d\U0001f469", "\u200d"]
)


@given(st.lists(EMOJI | st.text(max_size=5), max_size=12).map("".join))
@example("a\u200d" * 12 + " hurts \U0001f621")
@example("  \U0001f621\U0001f621 \n gentle \U0001f44d ")
def test_every_character_of_the_replaced_text_has_a_place(text):
    replaced, positions = replace_emoji_aligned(text)
    assert replaced == replace_emoji(text)
    assert len(positions) == len(replaced)
    assert list(positions) == sorted(positions)
    for character, position in zip(replaced, positions, strict=True):
        same = text[position] == character or (character == " " and text[position].isspace())
        assert same or replace_emoji(text[position:]) != text[position:]


def test_the_places_of_tokens_are_characters_of_the_text_as_given(encoder):
    text = "h\u00e9llo \U0001f621 sauce"
    (tokens,) = encoder.encode([text]).tokens
    words = [text[start:end] for start, end in tokens.characters]
    assert words[0] == "h\u00e9llo"
    assert words[-1] == "sauce"
    assert set(words[1:-1]) == {"\U0001f621"}


def test_a_graph_with_other_token_logits_is_refused(tmp_path):
    with pytest.raises(ArtefactError, match="do not match"):
        open_model(tmp_path / "model", source="pooled")
