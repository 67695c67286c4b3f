"""Reviews in, aspects out: counted exactly, with quotes word for word, whatever happens between."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lambdas.processing.dependencies import Model
from lambdas.processing.service import Processor
from shared.db.ingest.adoption import let_count
from shared.db.text_figures import is_behind, refresh
from tests.fakes.encoder import WordEncoder

HINGE = "The hinge is bad after two weeks."
SOUND = "The sound is lovely and the price was good."


def test_each_aspect_has_the_counts_of_its_sentences(read, aspects, is_exact):
    read(
        [
            {"text": f"{SOUND} {HINGE}"},
            {"text": f"{HINGE} A bad hinge again."},
            {"text": "The hinge is fine."},
        ]
    )
    found = aspects(product_id="p1")
    assert set(found) == {"hinge", "sound", "price"}
    hinge = found["hinge"]
    assert (hinge["reviews"], hinge["mentions"]) == (3, 4)
    assert hinge["sentiment_shares"] == {"negative": 0.75, "neutral": 0.25, "positive": 0.0}
    assert (hinge["negative_share"], hinge["net_sentiment"]) == (0.75, -75.0)
    assert found["sound"]["negative_share"] == 0
    assert is_exact()


def test_quotes_are_sentences_of_the_reviews_word_for_word(read, aspects, http, rows):
    read([{"text": f"  {SOUND}  {HINGE}", "rating": 4.0}, {"text": f"Well. {HINGE} Bad luck."}])
    (quote,) = aspects()["sound"]["quotes"]
    assert (quote["text"], quote["review_id"], quote["rating"]) == (SOUND, "r1-0", 4.0)
    (angry,) = aspects()["hinge"]["quotes"]  # the same words twice are one quote
    assert angry["text"] == HINGE
    for said in (quote, angry):
        ((text,),) = rows("SELECT text FROM reviews WHERE review_id = %s", said["review_id"])
        assert said["text"] in text
    assert (quote["sentiment"], angry["sentiment"]) == ("positive", "negative")


def test_a_review_of_one_sentence_says_what_its_title_says_too(read, aspects):
    read([{"title": "bad", "text": "The hinge came loose."}])
    assert aspects()["hinge"]["negative_share"] == 1


def test_the_link_lists_the_reviews_behind_an_aspect(read, aspects, http):
    read([{"text": HINGE}, {"text": SOUND}, {"text": HINGE, "product_id": "p2"}])
    link = aspects(product_id="p1")["hinge"]["reviews_link"]
    assert [r["review_id"] for r in http.get(link).json()["reviews"]] == ["r1-0"]
    link = aspects()["hinge"]["reviews_link"]
    assert [r["review_id"] for r in http.get(link).json()["reviews"]] == ["r1-0", "r1-2"]
    assert http.get("/reviews", params={"aspect": "zip"}).json()["reviews"] == []


def test_a_phrase_stands_for_the_word_that_it_is_most_of(read, aspects):
    read([{"text": "The battery life is lovely."}] * 3 + [{"text": "The battery is bad."}] * 2)
    assert {name: entry["reviews"] for name, entry in aspects().items()} == {"battery life": 3}
    read([{"text": "A bad battery."}] * 4)
    found = {name: entry["reviews"] for name, entry in aspects().items()}
    assert found == {"battery": 9, "battery life": 3}


def test_categories_and_all_have_aspects_of_their_own(read, aspects, http):
    read(
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
    assert aspects(product_id="p2", category="Audio") == aspects(product_id="nobody") == {}
    assert http.get("/aspects", params={"category": "Audio"}).json()["reviews_read"] == 1


def test_what_a_product_is_called_is_none_of_its_aspects(read, aspects):
    title = "Wren Folding Headphones with steel hinge"
    text = "The wren headphones have a bad hinge."
    read([{"text": text, "product_title": title}] * 3)
    assert set(aspects(product_id="p1")) == {"hinge"}


def test_a_word_that_all_products_share_is_none_of_their_aspects(read, aspects):
    common = [{"text": "My phone likes it.", "product_id": f"p{n}"} for n in range(8)]
    read([*common, {"text": "The lid is bad. My phone likes it.", "product_id": "p1"}])
    assert set(aspects(product_id="p1")) == {"lid"}
    assert set(aspects()) == {"lid", "phone"}


def test_few_reviews_are_no_aspect(read, http):
    read([{"text": HINGE}] * 2 + [{"text": SOUND}] * 3)
    assert {a["aspect"] for a in http.get("/aspects").json()["aspects"]} == {"price", "sound"}
    two = http.get("/aspects", params={"limit": 2, "min_reviews": 2}).json()
    assert len(two["aspects"]) == 2
    assert two["reviews_read"] == 5


def test_processing_again_counts_nothing_twice(ports, store, aspects, is_exact):
    message = store([{"text": HINGE}, {"text": SOUND}])
    Processor(ports).process(message)
    before = aspects()
    with ports.database.transaction() as connection:
        connection.execute("UPDATE shards SET model_version = NULL")
    Processor(ports).process(message)
    assert aspects() == before
    assert is_exact()


def test_reviews_that_are_forgotten_count_no_more(ports, read, aspects, http, is_exact):
    first = read([{"text": HINGE}])
    read([{"text": SOUND}])
    ports.ledger.forget(first, 0, 1)
    pending = http.get("/aspects").json()["freshness"]["pending_reviews"]
    assert pending == 1
    assert refresh(ports.database)
    assert set(aspects()) == {"price", "sound"}
    assert is_exact()


def test_a_new_model_counts_from_the_moment_that_its_analyses_do(ports, store, aspects, is_exact):
    class Gloomy(WordEncoder):
        def _judge(self, text):
            return [0.9, 0.05, 0.05]

    message = store([{"text": f"{SOUND} {HINGE}"}])
    Processor(ports).process(message)
    with ports.database.transaction() as connection:
        connection.execute("UPDATE shards SET model_version = NULL")
    Processor(replace(ports, current_model=lambda: Model(Gloomy(), "m2"))).process(message)
    assert aspects()["sound"]["negative_share"] == 1
    with ports.database.transaction() as connection:
        let_count(connection, "m1")
    assert refresh(ports.database)
    assert aspects()["sound"]["negative_share"] == 0
    assert is_exact()


def test_a_category_that_becomes_known_later_takes_its_reviews_along(
    ports, read, aspects, is_exact
):
    read([{"text": HINGE}])
    assert aspects(category="Audio") == {}
    read([{"text": SOUND, "category": "Audio"}])
    assert set(aspects(category="Audio")) == {"hinge", "price", "sound"}
    assert is_exact()


def test_shards_that_finish_at_once_are_counted_exactly(ports, store, is_exact):
    shards = [
        store([{"text": f"{HINGE} {SOUND}", "product_id": f"p{n % 2}"} for n in range(20)])
        for _ in range(6)
    ]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(Processor(ports).process, shards))
    assert refresh(ports.database)
    assert not is_behind(ports.database)
    assert is_exact()


def test_what_was_processed_before_there_were_aspects_is_read_once_more(ports, store, rows):
    message = store([{"text": HINGE}])
    Processor(ports).process(message)
    with ports.database.transaction() as connection:  # what migration 0004 does
        connection.execute("UPDATE shards SET model_version = NULL WHERE rows > 0")
    assert [s.part for s in ports.ledger.open_shards(message.ingest_id)] == [0]


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
def test_a_query_that_cannot_be_is_refused_by_the_name_of_its_field(http, query, field):
    answer = http.get("/aspects", params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_an_aspect_with_a_nul_is_refused(http):
    answer = http.get("/reviews", params={"aspect": "a\0"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "aspect"
