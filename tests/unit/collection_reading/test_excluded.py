"""Rows of excluded reviewers and products are rejected, without their text."""

import io
import json

import pytest

from lambdas.collection.reading import Limits, ReadOptions, read_dump
from lambdas.collection.reading.excluded import Excluded, product_of, reviewer_key_of
from shared.schemas.exclusions import ExcludedKeys

KEY = b"k" * 32
WHO = "Doe, Ann"
KEYS = ExcludedKeys((1, 1), frozenset({reviewer_key_of(WHO, KEY)}), frozenset({product_of("P 9")}))
COLUMNS = {"text": "text", "reviewer": "user", "product_id": "sku", "rating": "grade"}


def read(body, *, mapping=COLUMNS, excluded=KEYS, **options):
    dump = read_dump(
        io.BytesIO(body.encode()),
        name="dump",
        options=ReadOptions(mapping=mapping, reviewer_key=KEY, excluded=excluded, **options),
    )
    batches = list(dump)
    rejects = [reject for batch in batches for reject in batch.rejects]
    texts = [text for batch in batches for text in batch.table["text"].to_pylist()]
    return texts, [(reject.record, reject.reason.value, reject.raw) for reject in rejects], dump


def test_rows_of_a_csv():
    body = (
        "text,user,sku,grade\n"
        'hello,"Doe, Ann",P1,5\n'
        "good,Bob,P1,4\n"
        "bad,Bob,P 9,secret\n"
        ',"Doe, Ann",P1,5\n'
        ",Bob,P1,5\n"
        "x,Doe\n"
        "one,two,P 9,4,5,6,7\n"
    )
    texts, rejects, dump = read(body)
    assert texts == ["good"]
    assert rejects[:3] == [(1, "excluded", ""), (3, "excluded", ""), (4, "excluded", "")]
    assert rejects[3] == (5, "text_missing", ",Bob,P1,5")
    assert rejects[4] == (6, "malformed_record", "x,Doe")
    assert rejects[5] == (7, "excluded", "")
    assert not any("secret" in warning for warning in dump.warnings)


@pytest.mark.parametrize("user", ["Doe, Ann", " Doe, Ann\t", {"$oid": "Doe, Ann"}], ids=repr)
def test_rows_of_json_lines(user):
    rows = [
        {"text": "a", "user": user, "sku": None, "grade": 5},
        {"text": "b", "user": "Bob", "sku": "P1", "grade": 5},
        {"text": "c", "user": None, "sku": "P 9", "grade": 5},
    ]
    body = "".join(json.dumps(row) + "\n" for row in rows) + '{"text": "d", "user": "Doe, Ann"\n'
    texts, rejects, _ = read(body)
    assert texts == ["b"]
    assert rejects == [(1, "excluded", ""), (3, "excluded", ""), (4, "excluded", "")]


@pytest.mark.parametrize(
    ("user", "is_excluded"),
    [(12, True), (12.0, True), (" 12.0 ", True), (1.2, False), ("012", False), ([12], False)],
)
def test_numbers_and_text_are_the_same_reviewer(user, is_excluded):
    keys = ExcludedKeys((1, 1), frozenset({reviewer_key_of("12", KEY)}))
    body = json.dumps({"text": "a", "user": user, "sku": "P1", "grade": 5})
    texts, rejects, _ = read(f"{body}\n", excluded=keys)
    assert (texts, len(rejects)) == (([], 1) if is_excluded else (["a"], 0))


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ('a,"Doe, Ann",b', True),
        ("a\tDoe, Ann\tb", True),
        ("a|P 9|b", True),
        ('{"user": "D\\u006fe, Ann"}', True),
        ('[{"a": {"user": "Doe, Ann"}}]', True),
        ("user: Doe, Ann\ntext:", True),
        ("a Doe, Anna b", False),
        ("P 99,P,9", False),
        ("", False),
        ("[" * 5000, False),
    ],
)
def test_a_raw_text_names_an_id(text, is_named):
    excluded = Excluded(KEYS, KEY)
    assert excluded.names(text) is is_named


@pytest.mark.parametrize("value", ["", "  ", "null", "n/a", "-", "NaN", "\u200b"])
def test_a_missing_value_is_no_id(value):
    assert product_of(value) is None
    if value != "\u200b":
        assert reviewer_key_of(value, KEY) is None


def test_a_dump_of_nothing_else_is_no_flawed_dump():
    body = "text,user,sku,grade\n" + 'a,"Doe, Ann",P,1\n' * 300
    texts, rejects, _ = read(body, batch_rows=100, limits=Limits(max_rejects=10))
    assert (texts, len(rejects)) == ([], 300)
