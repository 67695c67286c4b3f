"""How the tabs draw answers and read input, without a browser."""

import csv
import json
from datetime import date
from types import SimpleNamespace

import pytest

from frontend_space.ingests import ingest_html
from frontend_space.page import build
from frontend_space.plots import sentiment_plot, stars_plot
from frontend_space.problems import PageError
from frontend_space.rejects import write_csv
from frontend_space.settings import PageSettings
from frontend_space.tabs.explore import filters_of, search_html, stored_cards
from frontend_space.tabs.pictures import chosen_picture, picture_html
from frontend_space.tabs.products import rows_of
from frontend_space.tabs.trends import about_html, change_html, change_sentence, movers_html
from reviewlens import ConnectionFailedError
from reviewlens.models import (
    IngestStatus,
    Movers,
    PicturePreview,
    ReviewPage,
    ReviewPicturesResponse,
    SearchResponse,
)
from tests.answers import (
    change,
    freshness,
    ingest,
    point,
    product,
    product_page,
    reject,
    split,
    stored_review,
    trend,
)

CHANGE = change()


def test_a_change_is_one_sentence():
    assert change_sentence(CHANGE) == (
        "Worse since 16 March 2026: 62% of 40 reviews are negative, "
        "5% of 70 were before (p < 0.001)."
    )


def test_plots_contain_the_counts_the_gap_and_the_mark():
    full = point(reviews=8, analysed=8, mean_rating=4.0, sentiment_shares=split(0.25))
    gap = point(start=date(2026, 3, 17), end=date(2026, 3, 17))
    plot = json.loads(sentiment_plot([full, gap], [CHANGE, change(day=date(2026, 5, 2))]).plot)
    assert {trace["name"]: trace["y"] for trace in plot["data"]} == {
        "negative": [2.0],
        "neutral": [0.0],
        "positive": [6.0],
    }
    assert [line["x0"] for line in plot["layout"]["shapes"]] == ["2026-03-16", "2026-05-02"]
    first, second = plot["layout"]["annotations"]
    assert (first["text"], second["text"]) == (
        "worse since 16 March 2026",
        "worse since 2 May 2026",
    )
    assert first["yshift"] != second["yshift"]
    # half a day around each of two days
    assert plot["layout"]["xaxis"]["range"] == ["2026-03-15T12:00:00", "2026-03-17T12:00:00"]
    assert (first["xanchor"], second["xanchor"]) == ("center", "right")
    stars = json.loads(stars_plot([full, gap], []).plot)
    assert stars["data"][0]["y"] == [4.0, None]
    assert stars["layout"]["shapes"] == []


def test_the_table_has_numbers_also_for_products_without_reviews():
    full = product(
        title="Lamp",
        reviews=10,
        analysed=8,
        mean_rating=4.256,
        sentiment_shares=split(0.2, 0.2),
        net_sentiment=40.2,
        change=CHANGE,
        brand="Lumen",
    )
    rows = rows_of(product_page(full, product(product_id="B")))
    assert rows == [
        ["Lamp", 10, 8, 40, 4.26, 20, "worse 2026-03-16", "", "Lumen", "A"],
        ["B", 0, 0, None, None, None, "", "", "", "B"],
    ]


def test_a_trend_without_dates_draws_no_axis_and_claims_nothing():
    undated = trend(reviews=6145, analysed=5000, not_analysed=1145, undated=6145)
    undated.change_status = "no_dates"
    html = about_html(undated)
    assert "5,000 of 6,145 reviews are analysed; 1,145 are waiting" in html
    assert "None of these reviews has a date" in html
    assert "None of these reviews has a date" in change_html(None, undated)
    some = about_html(trend(reviews=10, undated=4))
    assert "Reviews without a date, not in the plots: 4." in some


def test_a_change_that_could_not_be_tested_is_not_called_steady():
    waiting = trend(reviews=4, not_analysed=4)
    waiting.change_status = "not_analysed"
    assert "No review with a date is analysed yet" in change_html(None, waiting)
    none_tested = Movers(movers=[], products_tested=0, freshness=freshness())
    assert "No product has enough analysed reviews with dates" in movers_html(none_tested)
    tested = Movers(movers=[], products_tested=12, freshness=freshness())
    assert "(12 tested)" in movers_html(tested)


def test_filters_that_are_not_set_are_left_out():
    assert filters_of("", "any", 1, 5, "", "") == {}
    assert filters_of(" A ", "negative", 2, 4, "2026-03-16", " 2026-04-01 ") == {
        "product_id": "A",
        "sentiment": "negative",
        "min_rating": 2,
        "max_rating": 4,
        "date_from": "2026-03-16",
        "date_to": "2026-04-01",
    }


@pytest.mark.parametrize("inputs", [(5, 1, "", ""), (1, 5, "yesterday", ""), (1, 5, "", "1.2.26")])
def test_filters_that_contradict_are_refused(inputs):
    with pytest.raises(PageError):
        filters_of("", "any", *inputs)


def test_a_picture_is_searched_for_with_or_without_a_text(tmp_path):
    searches = []

    class Client:
        def search(self, text, **options):
            searches.append((text, options.get("image_data"), options.get("image_url")))
            return SearchResponse(
                results=[], model_version="m", index_version="i", warnings=["<b>unused</b>"]
            )

    (tmp_path / "a.png").write_bytes(b"a picture")
    picture = chosen_picture(str(tmp_path / "a.png"), "")
    assert "&lt;b&gt;unused" in search_html(Client(), " ", 3, {}, picture)
    search_html(Client(), "a watch", 3, {}, picture)
    search_html(Client(), "a watch", 3, {}, chosen_picture(None, None))
    search_html(Client(), "", 3, {}, chosen_picture(None, " https://a.example/b.png "))
    assert "or choose a picture" in search_html(Client(), " ", 3, {}, {})
    assert searches == [
        (None, b"a picture", None),
        ("a watch", b"a picture", None),
        ("a watch", None, None),
        (None, None, "https://a.example/b.png"),
    ]


def test_a_picture_that_is_too_large_is_refused_with_the_limit(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(3_500_001)
    with pytest.raises(PageError, match=r"at most 3\.5 MB"):
        chosen_picture(str(tmp_path / "a.png"), "")


def test_what_is_no_address_is_refused_without_a_request():
    with pytest.raises(PageError, match="starts with https"):
        chosen_picture(None, "a.example/b.png")


def test_the_picture_of_an_answer_is_shown_and_nothing_of_it_is_markup():
    answer = SearchResponse(
        results=[],
        model_version="m",
        index_version="i",
        modalities=["text", "image"],
        picture={"data": 'AA==" onload="x', "width": 3, "height": 2},
    )
    html = picture_html(answer)
    assert "Read: text and picture." in html
    assert 'src="data:image/jpeg;base64,AA==&quot; onload=&quot;x"' in html
    assert picture_html(answer.model_copy(update={"picture": None})) == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_finds_no_formula_in_the_rejects(start):
    path = write_csv([reject(raw=f"{start}cmd()")], "ing_1")
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["raw"].startswith("'")
    assert row["raw"][1:].strip().endswith("cmd()")
    assert row["line"] == ""


def test_a_failed_ingest_shows_the_reason_and_what_is_stored():
    failed = ingest(
        status="failed",
        stored=7,
        error_code="schema_unknown",
        error_detail="<b>no column</b>",
    )
    html = ingest_html(failed, 1)
    assert "Choose above which column is which field" in html
    assert "7 reviews were stored" in html
    assert "<b>" not in html


DAY = "2026-11-29T12:00:00Z"


def test_an_ingest_with_failed_shards_names_them_and_the_reason():
    failed = ingest(
        status="processed_with_warnings",
        shards=3,
        shards_failed=1,
        failed_shards=[
            {
                "part": 1,
                "rows": 50,
                "attempts": 5,
                "reason": "<b>",
                "failed_at": "2026-11-29T12:00Z",
            }
        ],
    )
    html = ingest_html(failed, 1)
    assert "Some parts could not be analysed." in html
    assert "1 of 3 parts failed" in html
    assert "part 1 with 50 reviews: &lt;b&gt;" in html
    assert "Many rows were refused" not in html


def test_an_ingest_counts_its_pictures_if_some_are_fetched():
    html = ingest_html(ingest(status="processed", pictures={"fetched": 1200, "waiting": 3}), 1)
    assert "Pictures of this upload" in html
    assert "1,200" in html
    assert "failed" not in html
    assert "Pictures" not in ingest_html(ingest(status="processed"), 1)


@pytest.mark.parametrize("status", list(IngestStatus))
def test_every_state_of_an_ingest_has_a_sentence(status):
    assert ingest_html(ingest(status=status), 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_url": "ftp://x"},
        {"api_url": "https://u:p@x"},
        {"api_url": "https://x/?q=1"},
        {"page_max_upload_bytes": 0},
        {"page_concurrency": 0},
    ],
)
def test_invalid_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PageSettings(**wrong)


def test_the_key_is_not_printed():
    assert "secret" not in repr(PageSettings(api_key="secret"))


def test_every_event_of_the_page_is_private_and_limited():
    class Starting:
        client = None

    page = build(Starting(), PageSettings())
    config = page.get_config_file()
    public = {d["api_name"] for d in config["dependencies"] if d["api_visibility"] == "public"}
    assert public == {"analyze", "search_similar", "products", "trends", "state"}


def test_stored_reviews_are_shown_with_their_pictures_and_without_them_if_there_are_none():
    reviews = [stored_review(review_id=f"r{n}", pictures=n) for n in range(3)]
    page = ReviewPage(freshness=freshness(), reviews=reviews, next_cursor=None)
    picture = PicturePreview(data="AA==", width=3, height=2)
    shown = ReviewPicturesResponse(pictures={"r2": picture}, index_version="i")
    client = SimpleNamespace(review_pictures=lambda ids: shown if ids == ["r1", "r2"] else None)
    none, first, second = stored_cards(client, page)
    assert "<img" not in none + first
    assert 'src="data:image/jpeg;base64,AA=="' in second

    def fail(_ids):
        raise ConnectionFailedError("retrieval does not answer")

    without = stored_cards(SimpleNamespace(review_pictures=fail), page)
    assert [("<img" in card) for card in without] == [False, False, False]


def test_no_pictures_are_asked_for_where_no_review_names_any():
    page = ReviewPage(freshness=freshness(), reviews=[stored_review()], next_cursor=None)
    assert len(stored_cards(None, page)) == 1
