"""Copied reviews are found across products and dumps, and let go with their reviews."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.processing.service import Processor
from shared.db.text_figures import refresh

COPIED = "I bought these headphones for my morning runs and they never fell out of my ears once."
NEARLY = (
    "I have owned this kettle for about six months now and it still boils quickly, pours without"
    " spilling a drop and looks as good on my counter as it did on the first day. My parents liked"
    " it so much when they came to visit that they went out and bought the very same one for their"
    " own home, and so far neither of us has found anything to complain about."
)


@pytest.fixture
def groups(http):
    def ask(**query):
        answer = http.get("/duplicates", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["groups"]

    return ask


def test_the_same_text_is_one_group_whatever_its_case_and_marks(read, groups):
    read(
        [
            {"text": COPIED, "reviewer_key": "a", "product_id": "p1"},
            {"text": COPIED.upper(), "reviewer_key": "b", "product_id": "p2"},
            {"text": "Nothing like the others is said by anybody in this very review."},
        ]
    )
    read([{"text": COPIED.replace(" and", ", and") + "!!", "reviewer_key": "a"}])
    (group,) = groups()
    assert (group["kind"], group["text"]) == ("exact", COPIED)
    assert (group["reviews"], group["products"], group["reviewers"]) == (3, 2, 2)
    assert group["review_ids"] == ["r1-0", "r1-1", "r2-0"]


def test_what_many_people_write_is_no_copy(read, groups):
    read([{"text": "Great product, works well!"}] * 5)
    assert groups() == []


def test_a_few_changed_words_are_a_near_copy(read, groups):
    changed = NEARLY.replace("kettle", "teapot").replace("six", "nine")
    read([{"text": NEARLY}, {"text": changed}, {"text": COPIED}])
    (group,) = groups()
    assert (group["kind"], group["review_ids"]) == ("near", ["r1-0", "r1-1"])


def test_near_copies_that_come_later_join_the_group(read, groups):
    read([{"text": NEARLY}, {"text": NEARLY}])
    read([{"text": NEARLY.replace("kettle", "teapot")}])
    read([{"text": NEARLY.replace("kettle", "teapot").replace("counter", "table")}])
    near, exact = groups(kind="near"), groups(kind="exact")
    assert [group["reviews"] for group in near] == [4]
    assert [group["reviews"] for group in exact] == [2]


def test_a_group_ends_with_its_reviews(ports, read, groups):
    read([{"text": NEARLY}, {"text": COPIED}])
    second = read([{"text": NEARLY.replace("kettle", "teapot")}, {"text": COPIED}])
    assert {group["kind"] for group in groups()} == {"near", "exact"}
    ports.ledger.forget(second, 0, 1)
    refresh(ports.database)
    assert groups() == []
    read([{"text": NEARLY.replace("six", "nine")}])
    assert [group["reviews"] for group in groups()] == [2]


def test_processing_again_and_at_once_changes_nothing(ports, store, groups, rows):
    shards = [store([{"text": COPIED}, {"text": NEARLY + f" {n}"}]) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Processor(ports).process, shards))
    refresh(ports.database)
    before = groups()
    assert {(g["kind"], g["reviews"]) for g in before} == {("exact", 4), ("near", 4)}
    with ports.database.transaction() as connection:
        connection.execute("UPDATE shards SET model_version = NULL")
    for shard in shards:
        Processor(ports).process(shard)
    assert groups() == before


def test_groups_are_paged_and_filtered_by_product(read, http, groups):
    texts = [f"{COPIED} {word}" for word in ("One", "Two", "Three")]
    read([{"text": t, "product_id": f"p{n}"} for n, t in enumerate(texts) for _ in range(n + 2)])
    pages, cursor = [], None
    while True:
        query = {"limit": 1, "kind": "exact", **({"cursor": cursor} if cursor else {})}
        answer = http.get("/duplicates", params=query).json()
        pages.append([group["reviews"] for group in answer["groups"]])
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert pages == [[4], [3], [2]]
    assert [group["reviews"] for group in groups(product_id="p1", kind="exact")] == [3]
    assert groups(product_id="nobody") == []


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
def test_a_query_that_cannot_be_is_refused_by_the_name_of_its_field(http, query, field):
    answer = http.get("/duplicates", params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
