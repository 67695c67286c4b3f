"""Rated reviews from dumps: every row is counted, and sampling is uniform."""

import json
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.cli.labelled import read_labelled

TEXTS = st.sampled_from(["Firm lid.", "firm  LID.", "Leaks.", "Warm.", "", None, "Too small."])
STARS = st.sampled_from([1, 2.5, 5, "4", None, 9, "none", 0])
ROWS = st.lists(
    st.one_of(st.tuples(TEXTS, STARS), st.just('{"text": "cut off')), min_size=1, max_size=40
)


def to_json(row):
    return row if isinstance(row, str) else json.dumps({"text": row[0], "rating": row[1]})


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ROWS, st.integers(1, 5))
def test_every_row_is_counted_exactly_once(tmp_path, rows, max_reviews):
    head = [json.dumps({"text": "A first row that names the columns.", "rating": 3})]
    dump = tmp_path / "dump.jsonl"
    dump.write_text("\n".join([*head, *map(to_json, rows)]) + "\n")
    counts = read_labelled([dump], mapping=None, max_reviews=max_reviews, seed=1).counts()
    assert counts["rows_read"] == len(rows) + 1
    assert counts["rows_read"] == sum(
        counts[name] for name in ("rejected", "without_stars", "repeated", "usable")
    )
    assert counts["used"] == min(max_reviews, counts["usable"])
    assert counts["usable"] <= 5  # case and white space are ignored


def test_every_review_of_a_larger_dump_is_sampled_with_equal_probability(tmp_path):
    dump = tmp_path / "dump.csv"
    dump.write_text("text,rating\n" + "".join(f"Lid number {n},4\n" for n in range(20)))
    draws = Counter()
    for seed in range(300):
        draws.update(read_labelled([dump], mapping=None, max_reviews=5, seed=seed).texts)
    assert len(draws) == 20
    assert all(
        45 <= count <= 105 for count in draws.values()
    )  # 75 expected, within four standard deviations of 7.5


def test_a_text_repeated_in_another_file_keeps_its_first_stars(tmp_path):
    (tmp_path / "a.csv").write_text("text,rating\nFirm lid.,5\n")
    (tmp_path / "b.csv").write_text("text,rating\nFIRM lid.,1\nLeaks.,1\n")
    labelled = read_labelled([tmp_path], mapping=None, max_reviews=10, seed=1)
    assert list(zip(labelled.texts, labelled.stars, strict=True)) == [
        ("Firm lid.", 5),
        ("Leaks.", 1),
    ]
    assert labelled.repeated == 1
