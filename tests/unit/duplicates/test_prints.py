"""Prints are equal for the same words, and share a band where texts are alike."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.duplicates.likeness import ALIKE, likeness
from shared.duplicates.prints import FEWEST_WORDS, FEWEST_WORDS_NEAR, print_of

WORDS = [f"word{n}" for n in range(3000)]
TEXT = (
    "This lamp has stood on my desk for a year now, its switch still clicks and the shade has not"
    " faded, so I would buy it again without a second thought."
)


def text_of(rng, words=80):
    return [rng.choice(WORDS) for _ in range(words)]


def test_case_marks_and_spaces_make_no_difference():
    same = TEXT.upper().replace(",", " --").replace(" ", "  ") + "!!!"
    assert print_of(same) == print_of(TEXT)
    assert print_of(TEXT.replace("lamp", "light")).fingerprint != print_of(TEXT).fingerprint


def test_short_texts_have_no_print():
    assert print_of("Great product, works well") is None
    assert print_of(" ".join(WORDS[: FEWEST_WORDS - 1])) is None
    assert print_of(" ".join(WORDS[:FEWEST_WORDS])).bands == ()
    assert len(print_of(" ".join(WORDS[:FEWEST_WORDS_NEAR])).bands) > 0


def test_prints_stay_the_same_from_one_release_to_the_next():
    found = print_of(TEXT)
    assert (found.fingerprint, found.bands[0]) == (2161528679851448872, -1213637579005996130)


def test_texts_that_are_alike_share_a_band_and_others_do_not():
    rng = random.Random(1)
    near = far = 0
    for _ in range(300):
        words = text_of(rng)
        changed = list(words)
        for place in rng.sample(range(len(words)), 2):
            changed[place] = "changed"
        one, other = print_of(" ".join(words)), print_of(" ".join(changed))
        assert likeness(" ".join(words), " ".join(changed)) > ALIKE
        near += bool(set(one.bands) & set(other.bands))
        far += bool(set(one.bands) & set(print_of(" ".join(text_of(rng))).bands))
    assert near >= 285
    assert far == 0


def test_likeness_is_the_share_of_common_shingles():
    assert likeness("a b c d", "a b c d") == 1
    assert likeness("a b c d", "a b c e") == 1 / 3
    assert likeness("a b c", "d e f") == 0
    assert likeness("", "") in (0, 1)


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_has_a_print_that_postgresql_can_hold(text):
    found = print_of(text * 3)
    if found:
        for number in (found.fingerprint, *found.bands):
            assert -(2**63) <= number < 2**63
