"""How texts become token ids, and what is left of long ones."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.tokens import cut, padded


@given(st.lists(st.integers(0, 30_000), max_size=40), st.integers(2, 20), st.data())
def test_a_cut_keeps_the_beginning_and_the_end(ids, most, data):
    tail = data.draw(st.integers(1, most - 1))
    kept = cut(ids, most, tail)
    if len(ids) <= most:
        assert kept == ids
    else:
        assert len(kept) == most
        assert kept[: most - tail] == ids[: most - tail]
        assert kept[-tail:] == ids[-tail:]


@given(st.lists(st.lists(st.integers(1, 30_000), min_size=1, max_size=30), min_size=1, max_size=9))
def test_the_mask_tells_the_ids_from_the_padding(tokens):
    ids, mask = padded(tokens)
    assert ids.shape == mask.shape == (len(tokens), max(map(len, tokens)))
    assert [row[kept == 1].tolist() for row, kept in zip(ids, mask, strict=True)] == tokens
    assert not ids[mask == 0].any()
