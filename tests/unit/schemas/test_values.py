"""Values of requests: what the contract says is accepted, and nothing like it."""

import pytest
from pydantic import TypeAdapter, ValidationError

from lambdas.insights.parameters import Limit, Stars
from lambdas.retrieval.api import BuildIndexRequest
from shared.schemas.api import AnalyzeRequest
from shared.schemas.search import SearchFilters
from shared.schemas.text import has_visible_characters
from shared.schemas.values import Day, QueryFlag


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((Day, value) for value in (5, "5", 0, 1.5, "2026-03-14T00:00:00", "20260314", True)),
        *((QueryFlag, value) for value in ("1", "yes", "True", "")),
        *((Limit, value) for value in ("1_0", "+5", " 5", "5.5", "0", "201", "")),
        *((Stars, value) for value in ("nan", "inf", "1_0", "0.9", "0x1")),
        *((BuildIndexRequest, {"force": value}) for value in (0, 1, "true", None)),
        *((AnalyzeRequest, {"query_text": "a", "top_k": value}) for value in ("5", True, 5.5)),
        *((SearchFilters, {"min_rating": value}) for value in ("3", True, 0)),
        (SearchFilters, {"date_to": 5}),
    ],
)
def test_a_value_of_another_type_is_refused(kind, value):
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((Day, "2026-03-14"), (QueryFlag, "false"), (Limit, "5"), (Limit, "5.0"), (Stars, "4.5")),
        (AnalyzeRequest, {"query_text": "a", "top_k": 5.0}),
        (SearchFilters, {"min_rating": 3, "date_to": "2026-03-14"}),
    ],
)
def test_a_value_of_the_contract_is_accepted(kind, value):
    TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize("url", ["http://a", "HTTPS://a.example:8080/x?y#z", "http://[::1]/a.png"])
def test_an_image_url_is_accepted(url):
    assert AnalyzeRequest(query_text="a", image_url=url).image_url == url


@pytest.mark.parametrize(
    "text", ["", " \n", "\u200b\ufeff", "\u3164", "\ufe0f", "\ud800", "\ue000"]
)
def test_a_text_that_shows_nothing_is_blank(text):
    assert not has_visible_characters(text)


@pytest.mark.parametrize("text", ["a", "\u200bé", "日本", "\U0001f44d", "\U0001fae8", "\ufffd"])
def test_a_text_that_shows_something_is_not_blank(text):
    assert has_visible_characters(text)
