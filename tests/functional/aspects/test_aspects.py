"""Aspects of processed reviews are counted exactly and have verbatim quotes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest

from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from shared.db.ingest.adoption import activate_analyses
from shared.db.text_figures import is_behind, refresh
from tests.fakes.encoder import WordEncoder
from tests.paging import read_pages

HINGE = "The hinge is bad after two weeks."
SOUND = "The sound is lovely and the price was good."


def test_each_aspect_has_the_counts_of_its_sentences(process, aspects, counts_are_exact):
    process(
        [
            {"text": f"{SOUND} {HINGE}"},
            {"text": f"{HINGE} A bad hinge again."},
            {"text": "The hinge is fine."},
        ]
    )
    by_name = aspects(product_id="p1")
    assert set(by_name) == {"hinge", "sound", "price"}
    hinge = by_name["hinge"]
    assert (hinge["reviews"], hinge["mentions"]) == (3, 4)
    assert hinge["sentiment_shares"] == {"negative": 0.75, "neutral": 0.25, "positive": 0.0}
    assert (hinge["negative_share"], hinge["net_sentiment"]) == (0.75, -75.0)
    assert by_name["sound"]["negative_share"] == 0
    assert counts_are_exact()


def test_quotes_are_verbatim_sentences_of_the_reviews(process, aspects, http, rows):
    process([{"text": f"  {SOUND}  {HINGE}", "rating": 4.0}, {"text": f"Well. {HINGE} Bad luck."}])
    (praise,) = aspects()["sound"]["quotes"]
    assert (praise["text"], praise["review_id"], praise["rating"]) == (SOUND, "r1-0", 4.0)
    (complaint,) = aspects()["hinge"]["quotes"]  # equal sentences are one quote
    assert complaint["text"] == HINGE
    for quote in (praise, complaint):
        ((text,),) = rows("SELECT text FROM reviews WHERE review_id = %s", quote["review_id"])
        assert quote["text"] in text
    assert (praise["sentiment"], complaint["sentiment"]) == ("positive", "negative")


def test_a_review_of_one_sentence_has_the_sentiment_of_title_and_text(process, aspects):
    process([{"title": "bad", "text": "The hinge came loose."}])
    assert aspects()["hinge"]["negative_share"] == 1


def test_the_link_lists_the_reviews_of_an_aspect(process, aspects, http):
    process([{"text": HINGE}, {"text": SOUND}, {"text": HINGE, "product_id": "p2"}])
    link = aspects(product_id="p1")["hinge"]["reviews_link"]
    assert [r["review_id"] for r in http.get(link).json()["reviews"]] == ["r1-0"]
    link = aspects()["hinge"]["reviews_link"]
    assert [r["review_id"] for r in http.get(link).json()["reviews"]] == ["r1-0", "r1-2"]
    assert http.get("/reviews", params={"aspect": "zip"}).json()["reviews"] == []


def test_a_word_is_hidden_if_most_mentions_are_part_of_a_phrase(process, aspects):
    process([{"text": "The battery life is lovely."}] * 3 + [{"text": "The battery is bad."}] * 2)
    assert {name: entry["reviews"] for name, entry in aspects().items()} == {"battery life": 3}
    process([{"text": "A bad battery."}] * 4)
    reviews = {name: entry["reviews"] for name, entry in aspects().items()}
    assert reviews == {"battery": 9, "battery life": 3}


def test_each_scope_has_its_own_aspects(process, aspects, http):
    process(
        [
            {"text": HINGE, "product_id": "p1", "category": "Audio"},
            {"text": "The zipper is bad.", "product_id": "p2", "category": "Outdoor"},
            {"text": "The lid is bad.", "product_id": "p3"},
        ]
    )
    assert set(aspects(category="Audio")) == {"hinge"}
    assert set(aspects(category="")) == {"lid"}
    assert set(aspects()) == {"hinge", "lid", "zipper"}
    assert set(aspects(product_id="p2", category="Outdoor")) == {"zipper"}
    assert aspects(product_id="p2", category="Audio") == {}
    assert http.get("/aspects", params={"category": "Audio"}).json()["reviews_read"] == 1


def test_words_of_the_title_are_not_aspects_of_a_product(process, aspects):
    title = "Wren Folding Headphones with steel hinge"
    text = "The wren headphones have a bad hinge."
    process([{"text": text, "product_title": title}] * 3)
    assert set(aspects(product_id="p1")) == {"hinge"}


def test_a_word_common_to_all_products_is_not_an_aspect_of_one(process, aspects):
    common = [{"text": "My phone likes it.", "product_id": f"p{n}"} for n in range(8)]
    process([*common, {"text": "The lid is bad. My phone likes it.", "product_id": "p1"}])
    assert set(aspects(product_id="p1")) == {"lid"}
    assert set(aspects()) == {"lid", "phone"}


def test_an_aspect_needs_enough_reviews(process, http):
    process([{"text": HINGE}] * 2 + [{"text": SOUND}] * 3)
    assert {a["aspect"] for a in http.get("/aspects").json()["aspects"]} == {"price", "sound"}
    two = http.get("/aspects", params={"limit": 2, "min_reviews": 2}).json()
    assert len(two["aspects"]) == 2
    assert two["reviews_read"] == 5


def test_processing_again_does_not_count_twice(dependencies, store, aspects, counts_are_exact):
    message = store([{"text": HINGE}, {"text": SOUND}])
    Processor(dependencies).process(message)
    before = aspects()
    with dependencies.database.transaction() as connection:
        connection.execute("UPDATE shards SET model_version = NULL")
    Processor(dependencies).process(message)
    assert aspects() == before
    assert counts_are_exact()


def test_deleted_reviews_are_no_longer_counted(
    dependencies, process, aspects, http, counts_are_exact
):
    first = process([{"text": HINGE}])
    process([{"text": SOUND}])
    dependencies.ledger.delete_batches(first, 0, 1)
    pending = http.get("/aspects").json()["freshness"]["pending_reviews"]
    assert pending == 1
    assert refresh(dependencies.database)
    assert set(aspects()) == {"price", "sound"}
    assert counts_are_exact()


def test_the_reading_of_the_model_with_the_newest_analyses_counts(
    dependencies, store, aspects, counts_are_exact
):
    class NegativeEncoder(WordEncoder):
        def _judge(self, text):
            return [0.9, 0.05, 0.05]

    message = store([{"text": f"{SOUND} {HINGE}"}])
    Processor(dependencies).process(message)
    with dependencies.database.transaction() as connection:
        connection.execute("UPDATE shards SET model_version = NULL")
    Processor(replace(dependencies, current_model=lambda: Model(NegativeEncoder(), "m2"))).process(
        message
    )
    assert aspects()["sound"]["negative_share"] == 1
    with dependencies.database.transaction() as connection:
        activate_analyses(connection, "m1")
    assert refresh(dependencies.database)
    assert aspects()["sound"]["negative_share"] == 0
    assert counts_are_exact()


def test_a_category_assigned_later_includes_earlier_reviews(
    dependencies, process, aspects, counts_are_exact
):
    process([{"text": HINGE}])
    assert aspects(category="Audio") == {}
    process([{"text": SOUND, "category": "Audio"}])
    assert set(aspects(category="Audio")) == {"hinge", "price", "sound"}
    assert counts_are_exact()


def test_concurrently_processed_shards_are_counted_exactly(dependencies, store, counts_are_exact):
    shards = [
        store([{"text": f"{HINGE} {SOUND}", "product_id": f"p{n % 2}"} for n in range(20)])
        for _ in range(6)
    ]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(Processor(dependencies).process, shards))
    assert refresh(dependencies.database)
    assert not is_behind(dependencies.database)
    assert counts_are_exact()


def test_shards_processed_before_aspects_existed_are_reopened(dependencies, store, rows):
    message = store([{"text": HINGE}])
    Processor(dependencies).process(message)
    with dependencies.database.transaction() as connection:  # what migration 0004 does
        connection.execute("UPDATE shards SET model_version = NULL WHERE rows > 0")
    assert [s.part for s in dependencies.ledger.open_shards(message.ingest_id)] == [0]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"product_id": "a\0"}, "product_id"),
        ({"category": "\0"}, "category"),
        ({"category": "a" * 513}, "category"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"min_reviews": 0}, "min_reviews"),
        ({"min_reviews": 2**63}, "min_reviews"),
    ],
)
def test_an_invalid_query_is_refused_with_the_name_of_its_field(http, query, field):
    response = http.get("/aspects", params=query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


def test_an_aspect_with_a_nul_is_refused(http):
    response = http.get("/reviews", params={"aspect": "a\0"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "aspect"


@pytest.mark.parametrize("path", ["/aspects", "/duplicates"])
def test_after_an_upgrade_the_answer_says_how_many_reviews_are_missing(
    dependencies, process, store, http, path
):
    process([{"text": HINGE}, {"text": SOUND}])
    assert http.get(path).json()["warnings"] == []
    store([{"text": SOUND}])
    expected = "{} of 3 stored reviews are not in this answer yet; they are in process"
    assert http.get(path).json()["warnings"] == [expected.format(1)]
    with dependencies.database.transaction() as connection:
        connection.execute(
            "UPDATE shards SET model_version = NULL WHERE rows > 0"
        )  # migration 0004
    assert http.get(path).json()["warnings"] == [expected.format(3)]


def test_counts_are_fresh_only_up_to_the_oldest_unprocessed_dump(process, store, http, rows):
    process([{"text": HINGE}])
    message = store([{"text": SOUND}])
    ((received_at,),) = rows(
        "SELECT received_at FROM ingests WHERE ingest_id = %s", message.ingest_id
    )
    as_of = datetime.fromisoformat(http.get("/aspects").json()["freshness"]["as_of"])
    assert as_of == received_at


def test_pages_of_aspects_lose_and_double_nothing(process, http):
    process([{"text": f"{SOUND} {HINGE}"}, {"text": HINGE}])
    pages = read_pages(http, "/aspects", "aspects", limit=1, min_reviews=1)
    assert [len(page) for page in pages] == [1, 1, 1]
    whole = http.get("/aspects", params={"min_reviews": 1}).json()
    assert [aspect for page in pages for aspect in page] == whole["aspects"]
    assert whole["next_cursor"] is None
