"""Sentiments do not depend on who somebody is."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.encoder import open_folder
from shared.runtime.identities import READ_AS, replace_identities


@pytest.fixture(scope="module")
def encoder():
    return open_folder(Path("models/default"))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Our Kenyan nurse likes it.", "Our local nurse likes it."),
        ("I am an African driver. An Irish one?", "I am a local driver. A local one?"),
        ("my sri lankan neighbours", "my local neighbours"),
        ("a mixed-race family", "a local family"),
        ("A gay Muslim man bought it", "A local local man bought it"),
        ("Polish men polish Polish pots", "local men polish local pots"),
        ("a black woman's white kettle", "a local woman's white kettle"),
        ("Germans love it", "local love it"),
    ],
)
def test_all_words_for_identities_are_read_alike(text, read):
    assert replace_identities(text).text == read


@pytest.mark.parametrize(
    "text",
    [
        "the black one, in a straight line",
        "nail polish and a new phone",
        "native apps have indiana jones",
        "",
    ],
)
def test_everything_else_is_read_as_it_is(text):
    assert replace_identities(text).text == text


@given(
    st.lists(
        st.sampled_from(["an ", "Gay", "sri lankan ", "Black men", " ", "African "])
        | st.text(max_size=5)
    )
)
def test_positions_are_those_of_the_original(parts):
    text = "".join(parts)
    replaced, positions = replace_identities(text)
    assert len(replaced) == len(positions)
    assert list(positions) == sorted(positions)
    place = 0
    for word in replaced.split(READ_AS):  # everything else stands where it stood
        assert all(text[positions[place + at]] == sign for at, sign in enumerate(word))
        place += len(word) + len(READ_AS)


def test_spans_are_those_of_the_original():
    text = "I am an African driver."
    replaced = replace_identities(text)
    at = replaced.text.index(READ_AS)
    spans = np.array([(0, 0), (at, at + 5), (at + 6, at + 12)])
    aligned = replaced.characters(spans)
    assert [text[start:end] for start, end in aligned] == ["", "African", "driver"]


def test_a_sentiment_does_not_depend_on_an_identity_but_the_embedding_does(encoder):
    texts = [
        "I am a Canadian driver and find it classy.",
        "I am an Irish driver and find it classy.",
        "I am a local driver and find it classy.",
        "It broke after a week.",
    ]
    encoded = encoder.encode(texts)
    assert np.ptp(encoded.probabilities[:3], axis=0).max() < 1e-4
    assert encoded.embeddings[0] @ encoded.embeddings[1] < 0.99
    assert encoded.embeddings[0] @ encoded.embeddings[2] < 0.99
    alone = encoder.encode(texts[3:])
    assert np.allclose(encoded.probabilities[3], alone.probabilities[0], atol=1e-4)
    assert np.allclose(encoded.embeddings[3], alone.embeddings[0], atol=1e-4)
    assert len(encoded.truncated) == len(encoded.unknown_shares) == len(texts)
