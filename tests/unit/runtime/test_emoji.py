"""Emoji as words that tokenizers know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.emoji import remove_emoji, replace_emoji


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("😡", "very angry"),
        ("😡😡😡", "very angry"),
        ("broke😡after a day", "broke very angry after a day"),
        ("good 👍🏿, cheap", "good good , cheap"),
        ("🤦‍♀️", "frustrated"),
        ("❤️", "love"),
        ("🎧🔋", "headphone battery"),
        ("⚡ fast", "high voltage fast"),
    ],
)
def test_an_emoji_becomes_words(text, words):
    assert replace_emoji(text) == words


@pytest.mark.parametrize(
    "text",
    ["plain", "Lumen™ lamp © 2020 → fine", "naïve café", "质量很差", "1st 2nd", " two  spaces "],
)
def test_text_without_emoji_stays_as_it_is(text):
    assert replace_emoji(text) == text
    assert remove_emoji(text) == text


@given(st.text(max_size=60))
def test_no_emoji_is_left(text):
    replaced = replace_emoji(text)
    assert replace_emoji(replaced) == replaced
    assert remove_emoji(replaced) == replaced
