"""Copied reviews are grouped across products and dumps, and removed with their reviews."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.processing.service import Processor
from shared.db.text_figures import refresh
from tests.paging import read_pages

COPIED = "I bought these headphones for my morning runs and they never fell out of my ears once."
LONG_REVIEW = (
    "I have owned this kettle for about six months now and it still boils quickly, pours without"
    " spilling a drop and looks as good on my counter as it did on the first day. My parents liked"
    " it so much when they came to visit that they went out and bought the very same one for their"
    " own home, and so far neither of us has found anything to complain about."
)


@pytest.fixture
def groups(http):
    def get(**query):
        response = http.get("/duplicates", params=query)
        assert response.status_code == 200, response.text
        return response.json()["groups"]

    return get


def test_equal_texts_are_one_group_regardless_of_case_and_punctuation(process, groups):
    process(
        [
            {"text": COPIED, "reviewer_key": "a", "product_id": "p1"},
            {"text": COPIED.upper(), "reviewer_key": "b", "product_id": "p2"},
            {"text": "This review is entirely different from all of the other reviews here."},
        ]
    )
    process([{"text": COPIED.replace(" and", ", and") + "!!", "reviewer_key": "a"}])
    (group,) = groups()
    assert (group["kind"], group["text"]) == ("exact", COPIED)
    assert (group["reviews"], group["products"], group["reviewers"]) == (3, 2, 2)
    assert group["review_ids"] == ["r1-0", "r1-1", "r2-0"]


def test_a_common_short_text_is_not_a_copy(process, groups):
    process([{"text": "Great product, works well!"}] * 5)
    assert groups() == []


def test_a_text_with_a_few_changed_words_is_a_near_copy(process, groups):
    changed = LONG_REVIEW.replace("kettle", "teapot").replace("six", "nine")
    process([{"text": LONG_REVIEW}, {"text": changed}, {"text": COPIED}])
    (group,) = groups()
    assert (group["kind"], group["review_ids"]) == ("near", ["r1-0", "r1-1"])


def test_later_near_copies_join_the_group(process, groups):
    process([{"text": LONG_REVIEW}, {"text": LONG_REVIEW}])
    process([{"text": LONG_REVIEW.replace("kettle", "teapot")}])
    process([{"text": LONG_REVIEW.replace("kettle", "teapot").replace("counter", "table")}])
    near, exact = groups(kind="near"), groups(kind="exact")
    assert [group["reviews"] for group in near] == [4]
    assert [group["reviews"] for group in exact] == [2]


def test_a_group_is_removed_with_its_reviews(dependencies, process, groups):
    process([{"text": LONG_REVIEW}, {"text": COPIED}])
    second = process([{"text": LONG_REVIEW.replace("kettle", "teapot")}, {"text": COPIED}])
    assert {group["kind"] for group in groups()} == {"near", "exact"}
    dependencies.ledger.delete_batches(second, 0, 1)
    refresh(dependencies.database)
    assert groups() == []
    process([{"text": LONG_REVIEW.replace("six", "nine")}])
    assert [group["reviews"] for group in groups()] == [2]


def test_repeated_and_concurrent_processing_changes_nothing(dependencies, store, groups, rows):
    shards = [store([{"text": COPIED}, {"text": LONG_REVIEW + f" {n}"}]) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Processor(dependencies).process, shards))
    refresh(dependencies.database)
    before = groups()
    assert {(g["kind"], g["reviews"]) for g in before} == {("exact", 4), ("near", 4)}
    with dependencies.database.transaction() as connection:
        connection.execute("UPDATE shards SET model_version = NULL")
    for shard in shards:
        Processor(dependencies).process(shard)
    assert groups() == before


def test_groups_are_paged_and_filtered_by_product(process, http, groups):
    texts = [f"{COPIED} {word}" for word in ("One", "Two", "Three")]
    process([{"text": t, "product_id": f"p{n}"} for n, t in enumerate(texts) for _ in range(n + 2)])
    pages = read_pages(http, "/duplicates", "groups", limit=1, kind="exact")
    assert [[group["reviews"] for group in page] for page in pages] == [[4], [3], [2]]
    assert [group["reviews"] for group in groups(product_id="p1", kind="exact")] == [3]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"kind": "similar"}, "kind"),
        ({"product_id": "a\0"}, "product_id"),
        ({"limit": 201}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WzMwMDAwMDAwMDAwMDAwMDAwMDAwMCwiZXhhY3QiLDFd"}, "cursor"),
    ],
)
def test_an_invalid_query_is_refused_with_the_name_of_its_field(http, query, field):
    response = http.get("/duplicates", params=query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field
