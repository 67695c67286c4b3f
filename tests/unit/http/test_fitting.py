"""Lists are cut so that an answer fits into Lambda's response, and nothing is lost or doubled."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.errors import InvalidInputError
from shared.http import fitting
from shared.http.fitting import MAX_ANSWER_BYTES, fit_page
from shared.http.ranking import Ranking
from shared.schemas.search import SearchFilters

LAMBDA_BYTES = 6 * 2**20
SMALL = 20_000


class Item(BaseModel):
    """An item of a list."""

    number: int
    text: str


class Page(BaseModel):
    """An answer."""

    items: list[Item]


def items_of(*texts):
    return [Item(number=number, text=text) for number, text in enumerate(texts)]


def lambda_response(items):
    """What the runtime client sends: JSON with the body as a string, in ASCII in images."""
    return json.dumps({"statusCode": 200, "body": Page(items=items).model_dump_json()})


def test_a_short_list_is_not_cut():
    items = items_of("a", "b", "c")
    assert fit_page(items, 3) == (items, False)
    assert fit_page(items, 2) == (items[:2], True)
    assert fit_page([], 3) == ([], False)


@pytest.mark.parametrize("text", ["x", '"', "\\", "\n", "é", "読", "😀"])
def test_a_page_of_any_characters_fits_into_a_response_of_lambda(text):
    items = items_of(*[text * 60_000] * 200)
    page, has_more = fit_page(items, 200)
    assert has_more == (len(page) < 200)
    assert has_more
    assert len(lambda_response(page)) <= LAMBDA_BYTES
    assert len(Page(items=page).model_dump_json().encode()) <= MAX_ANSWER_BYTES


def test_a_page_is_as_long_as_possible():
    page, _ = fit_page(items_of(*["x" * 100_000] * 200), 200)
    assert len(page) == 48


def test_an_item_that_is_too_long_is_a_page_of_its_own():
    items = items_of("x" * MAX_ANSWER_BYTES, "y")
    assert fit_page(items, 2) == (items[:1], True)


SIZES = st.lists(st.integers(0, 3 * SMALL), max_size=40)
ALPHABET = st.sampled_from(["x", '"', "é", "😀"])


@settings(max_examples=50)
@given(SIZES, ALPHABET, st.integers(1, 50))
def test_pages_lose_and_double_nothing(sizes, character, limit):
    items, read = items_of(*(character * size for size in sizes)), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "MAX_ANSWER_BYTES", SMALL + fitting._OTHER_FIELDS_BYTES)
        has_more = True
        while has_more:
            page, has_more = fit_page(items[len(read) :], limit)
            assert len(page) <= limit
            assert len(page) <= 1 or len(lambda_response(page)) <= SMALL + 100
            read += page
    assert read == items


@settings(max_examples=50)
@given(SIZES)
def test_pages_of_a_ranking_lose_and_double_nothing(sizes):
    results, read, cursor = items_of(*("x" * size for size in sizes)), [], None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "MAX_ANSWER_BYTES", SMALL + fitting._OTHER_FIELDS_BYTES)
        while True:
            ranking = Ranking("text", 40, None, "v1")
            start = ranking.start(cursor)
            page, cursor = ranking.page(results[start:], start)
            read += page
            if cursor is None:
                break
    assert read == results


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("other", 40, None, "v1"), "another text, picture, top_k or filters"),
        (("text", 40, None, "v1", "a picture"), "another text, picture, top_k or filters"),
        (("text", 41, None, "v1"), "another text, picture, top_k or filters"),
        (
            ("text", 40, SearchFilters(product_id="p"), "v1"),
            "another text, picture, top_k or filters",
        ),
        (("text", 40, None, "v2"), "the index was replaced"),
    ],
    ids=["text", "picture", "top_k", "filters", "index"],
)
def test_a_cursor_continues_only_its_own_ranking(arguments, reason):
    results = items_of(*["x" * MAX_ANSWER_BYTES] * 3)
    _, cursor = Ranking("text", 40, None, "v1").page(results)
    with pytest.raises(InvalidInputError, match=reason):
        Ranking(*arguments).start(cursor)


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA"])
def test_a_cursor_of_another_kind_is_refused(cursor):
    with pytest.raises(InvalidInputError, match="not returned by this route"):
        Ranking("text", 40, None, "v1").start(cursor)
