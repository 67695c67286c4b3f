"""What the model does not read: links, e-mail addresses and handles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.addresses import blank_addresses


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("A great lamp. https://shop.example/a?b=c#d", "A great lamp."),
        ("See www.shop.example/lamp, then buy.", "See , then buy."),
        ("(HTTPS://shop.example/lamp). It broke", "( ). It broke"),
        ("@lamp_shop the lamp broke", "the lamp broke"),
        ("Thanks @lamp_shop!", "Thanks !"),
        ("Write to help.me+you@shop.example.com for a refund", "Write to for a refund"),
        ('<a href="https://shop.example">here</a>', '<a href=" ">here</a>'),
    ],
)
def test_addresses_are_left_out(text, read):
    assert blank_addresses(text).split() == read.split()


@pytest.mark.parametrize(
    "text",
    [
        "Sold @ 5 dollars, 3 @ 10",
        "amazon.com is slow, and so is its app.",
        "#love #lamp",
        "a@b",
        "the ratio is 3://4",
        "https://shop.example/lamp",
        "@lamp_shop",
        "",
    ],
)
def test_everything_else_is_read(text):
    assert blank_addresses(text) == text


@given(
    st.lists(
        st.sampled_from(["https://a.example/b", "@shop", "me@a.example", "www.a", "@", ".", "lamp"])
        | st.text(max_size=8)
    ).map("".join)
)
def test_positions_stay_the_same(text):
    blanked = blank_addresses(text)
    assert len(blanked) == len(text)
    assert all(new in (" ", old) for old, new in zip(text, blanked, strict=True))
