"""Prints are equal for equal words, and similar texts have a common band."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.duplicates.prints import MIN_COPY_WORDS, MIN_NEAR_COPY_WORDS, text_print
from shared.duplicates.similarity import MIN_NEAR_COPY_SIMILARITY, similarity

WORDS = [f"word{n}" for n in range(3000)]
TEXT = (
    "This lamp has stood on my desk for a year now, its switch still clicks and the shade has not"
    " faded, so I would buy it again without a second thought."
)


def random_words(rng, words=80):
    return [rng.choice(WORDS) for _ in range(words)]


def test_case_punctuation_and_spaces_do_not_matter():
    same = TEXT.upper().replace(",", " --").replace(" ", "  ") + "!!!"
    assert text_print(same) == text_print(TEXT)
    assert text_print(TEXT.replace("lamp", "light")).fingerprint != text_print(TEXT).fingerprint


def test_short_texts_have_no_print():
    assert text_print("Great product, works well") is None
    assert text_print(" ".join(WORDS[: MIN_COPY_WORDS - 1])) is None
    assert text_print(" ".join(WORDS[:MIN_COPY_WORDS])).bands == ()
    assert len(text_print(" ".join(WORDS[:MIN_NEAR_COPY_WORDS])).bands) > 0


def test_prints_do_not_change_between_releases():
    result = text_print(TEXT)
    assert (result.fingerprint, result.bands[0]) == (2161528679851448872, -1213637579005996130)


def test_similar_texts_have_a_common_band_and_others_do_not():
    rng = random.Random(1)
    near = far = 0
    for _ in range(300):
        words = random_words(rng)
        changed = list(words)
        for place in rng.sample(range(len(words)), 2):
            changed[place] = "changed"
        one, other = text_print(" ".join(words)), text_print(" ".join(changed))
        assert similarity(" ".join(words), " ".join(changed)) > MIN_NEAR_COPY_SIMILARITY
        near += bool(set(one.bands) & set(other.bands))
        far += bool(set(one.bands) & set(text_print(" ".join(random_words(rng))).bands))
    assert near >= 285
    assert far == 0


def test_similarity_is_the_share_of_common_shingles():
    assert similarity("a b c d", "a b c d") == 1
    assert similarity("a b c d", "a b c e") == 1 / 3
    assert similarity("a b c", "d e f") == 0
    assert similarity("", "") in (0, 1)


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_prints_of_any_text_fit_into_a_bigint(text):
    result = text_print(text * 3)
    if result:
        for number in (result.fingerprint, *result.bands):
            assert -(2**63) <= number < 2**63
