"""The addresses of pictures: of each family of dumps, and of any mapped column."""

import json

import pytest

from lambdas.collection.reading.picture_urls import PictureUrls
from shared.schemas.pictures import MAX_PICTURES_OF_REVIEW

A, B = "https://a.example/1.jpg", "http://b.example/p?x=1,2;3&y=%20"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([A, B], [A, B]),
        ([A, A], [A]),
        (A, [A]),
        (f" {A} {B}\n", [A, B]),
        (f"{A},{B}", [A, B]),
        (f"{A} | {B}", [A, B]),
        (f"{A};{B}", [A, B]),
        (json.dumps([A, B]), [A, B]),
        (f"['{A}', '{B}']", [A, B]),
        ([{"small_image_url": B, "medium_image_url": B, "large_image_url": A}], [A]),
        ([{"large": None, "thumb": B}], [B]),
        ({"hi_res": [A], "thumb": [B]}, [A]),
        (json.dumps([{"small_image_url": B, "large_image_url": A}]), [A]),
        ([{"url": A}, {"src": B}], [A, B]),
    ],
)
def test_addresses_are_read_in_the_notations_of_dumps(value, expected):
    parse = PictureUrls()
    assert parse(value) == " ".join(expected)
    assert parse.warnings() == []


@pytest.mark.parametrize(
    "value", [None, "", [], "[]", "null", "nan", float("nan"), [[]], " ", "[[["]
)
def test_no_picture_is_none_without_a_warning(value):
    parse = PictureUrls()
    assert parse(value) is None
    assert parse.warnings() == []


@pytest.mark.parametrize(
    "value", ["a.jpg", 7, True, ["ftp://a.example/a"], {"name": "x"}, "javascript:alert(1)"]
)
def test_what_is_no_address_is_counted_with_an_example(value):
    parse = PictureUrls()
    assert parse([value, A] if not isinstance(value, list) else [*value, A]) == A
    (warning,) = parse.warnings()
    assert "not http addresses, such as" in warning


def test_an_address_that_is_too_long_or_has_other_characters_is_left_out():
    parse = PictureUrls()
    assert parse([f"https://a.example/{'a' * 2048}", "https://ä.example/", A]) == A
    assert parse.counts.unread == 2


def test_a_review_keeps_eight_pictures():
    urls = [f"https://a.example/{n}" for n in range(11)]
    parse = PictureUrls()
    assert parse(urls).split() == urls[:MAX_PICTURES_OF_REVIEW]
    assert parse.warnings() == [
        "3 pictures were left out: only the first 8 pictures of a review are kept"
    ]


@pytest.mark.parametrize(
    "value", ["," * 5_000_000, "[" * 5_000_000, "https://" * 600_000, "\t|;" * 2_000_000]
)
def test_only_the_beginning_of_an_endless_value_is_read(value):
    parse = PictureUrls()
    assert parse(value) is None
    assert parse.counts.unread <= 64


def test_the_families_of_amazon_have_pictures(read):
    old = {"reviewText": "Fine.", "overall": 5.0, "asin": "B1", "vote": "2", "image": [A, B]}
    (row,) = read(json.dumps(old).encode()).rows
    assert (row["source"], row["picture_urls"]) == ("amazon2018", f"{A} {B}")
    new = {"text": "Fine.", "rating": 5.0, "user_id": "u", "asin": "B1"}
    images = [{"small_image_url": B, "large_image_url": A}]
    (row,) = read(json.dumps({**new, "images": images}).encode()).rows
    assert (row["source"], row["picture_urls"]) == ("amazon2023", A)
    (row,) = read(json.dumps({**new, "images": []}).encode()).rows
    assert row["picture_urls"] is None


def test_any_column_is_mapped_and_no_other_is_taken(read):
    body = f"opinion,photo\nFine.,{A}\nBad.,nowhere\n".encode()
    result = read(body, mapping={"text": "opinion", "pictures": "photo"})
    assert [row["picture_urls"] for row in result.rows] == [A, None]
    assert any("1 pictures are not http" in warning for warning in result.warnings)
    assert read(f"text,image\nFine.,{A}\n".encode()).rows[0].get("picture_urls") is None
