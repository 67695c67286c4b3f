"""Truncation and padding of token ids."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.tokens import pad, truncate


@given(st.lists(st.integers(0, 30_000), max_size=40), st.integers(2, 20), st.data())
def test_truncation_keeps_the_beginning_and_the_end(ids, limit, data):
    tail = data.draw(st.integers(1, limit - 1))
    truncated = truncate(ids, limit, tail)
    if len(ids) <= limit:
        assert truncated == ids
    else:
        assert len(truncated) == limit
        assert truncated[: limit - tail] == ids[: limit - tail]
        assert truncated[-tail:] == ids[-tail:]


@given(st.lists(st.lists(st.integers(1, 30_000), min_size=1, max_size=30), min_size=1, max_size=9))
def test_the_mask_marks_the_ids_and_not_the_padding(tokens):
    ids, mask = pad(tokens)
    assert ids.shape == mask.shape == (len(tokens), max(map(len, tokens)))
    assert [row[mask_row == 1].tolist() for row, mask_row in zip(ids, mask, strict=True)] == tokens
    assert not ids[mask == 0].any()
