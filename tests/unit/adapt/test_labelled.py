"""Labelled reviews out of dumps: every row is accounted for, each review has the same chance."""

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


def spelled(row):
    return row if isinstance(row, str) else json.dumps({"text": row[0], "rating": row[1]})


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ROWS, st.integers(1, 5))
def test_every_row_is_used_left_over_repeated_without_stars_or_rejected(tmp_path, rows, most):
    head = [json.dumps({"text": "A first row that names the columns.", "rating": 3})]
    dump = tmp_path / "dump.jsonl"
    dump.write_text("\n".join([*head, *map(spelled, rows)]) + "\n")
    found = read_labelled([dump], mapping=None, most=most, seed=1).counts()
    assert found["rows_read"] == len(rows) + 1
    assert found["rows_read"] == sum(
        found[name] for name in ("rejected", "without_stars", "repeated", "usable")
    )
    assert found["used"] == min(most, found["usable"])
    assert found["usable"] <= 5  # case and white space make no other review


def test_of_a_larger_dump_every_review_has_the_same_chance(tmp_path):
    dump = tmp_path / "dump.csv"
    dump.write_text("text,rating\n" + "".join(f"Lid number {n},4\n" for n in range(20)))
    seen = Counter()
    for seed in range(300):
        seen.update(read_labelled([dump], mapping=None, most=5, seed=seed).texts)
    assert len(seen) == 20
    assert all(45 <= count <= 105 for count in seen.values())  # 75 each, four deviations of 7.5


def test_a_repeated_text_keeps_its_first_stars_also_across_files(tmp_path):
    (tmp_path / "a.csv").write_text("text,rating\nFirm lid.,5\n")
    (tmp_path / "b.csv").write_text("text,rating\nFIRM lid.,1\nLeaks.,1\n")
    found = read_labelled([tmp_path], mapping=None, most=10, seed=1)
    assert list(zip(found.texts, found.stars, strict=True)) == [("Firm lid.", 5), ("Leaks.", 1)]
    assert found.repeated == 1
