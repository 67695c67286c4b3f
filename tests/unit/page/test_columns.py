"""Which mapping an upload gets: none, the written one, or the one that was chosen from lists."""

import pytest

from frontend_space.columns import FIELDS, Detected, mapping_of
from frontend_space.problems import PageError
from tests.answers import preview

DETECTED = Detected.of(
    preview(
        columns=["Body", "Stars", "sku", "asin"], mapping={"text": ["Body"], "rating": ["Stars"]}
    )
)


def chosen(**columns):
    return dict.fromkeys(FIELDS, "") | columns


def test_columns_are_pairs():
    assert mapping_of("text=My Opinion , rating=Grade=x") == {
        "text": "My Opinion",
        "rating": "Grade=x",
    }
    assert mapping_of("  ") is None
    for wrong in ("text", "text=", "=x", "text=a, rating"):
        with pytest.raises(PageError, match="field=column"):
            mapping_of(wrong)


def test_the_first_column_of_each_field_is_preselected():
    detected = Detected.of(
        preview(columns=["a", "b", "c"], mapping={"text": ["a"], "product_id": ["b", "c"]})
    )
    assert detected.fields == {"text": "a", "product_id": "b"}
    assert detected.columns == ["a", "b", "c"]


def test_without_a_change_the_detection_decides():
    assert DETECTED.mapping(chosen(text="Body", rating="Stars"), None) is None
    written = {"rating_scale": "10"}
    assert DETECTED.mapping(chosen(text="Body", rating="Stars"), written) == written


def test_a_change_sends_all_columns_and_the_options():
    selection = chosen(text="Body", product_id="sku")
    assert DETECTED.mapping(selection, {"text": "asin", "rating_scale": "10"}) == {
        "text": "Body",
        "product_id": "sku",
        "rating_scale": "10",
    }


def test_the_text_must_be_chosen():
    with pytest.raises(PageError, match="column of the text"):
        DETECTED.mapping(chosen(rating="Stars"), None)


def test_many_columns_and_long_names_leave_usable_lists():
    names = [f"c{n}" for n in range(2000)]
    detected = Detected.of(preview(columns=["x" * 300, "", *names], mapping={"text": ["c1999"]}))
    assert len(detected.columns) == 501
    assert "c1999" in detected.columns
    assert not {"", "x" * 300} & set(detected.columns)
