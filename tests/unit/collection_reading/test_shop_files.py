"""Files as shops and APIs give them, read without a mapping."""

import datetime as dt
import io
import json

import openpyxl
import pytest

from shared.errors import IngestError


def brief(row):
    day = row["reviewed_at"]
    return (row["text"], row["rating"], day and day.date().isoformat())


@pytest.mark.parametrize(
    ("body", "first"),
    [
        (
            "Datum;Produkt;Bewertung;Titel;Kommentar\n13.4.2023;Lampe;5;Gut;Hell\n",
            ("Hell", 5, "2023-04-13", "Gut", "Lampe"),
        ),
        (
            "Bewertungsdatum;Artikel;Sterne;Bewertungstext;Titel\n3.4.2023;Lampe;4,5;Hell;Gut\n",
            ("Hell", 4.5, "2023-04-03", "Gut", "Lampe"),
        ),
        (
            "Datum;Artikel;Titel;Sterne;Bewertung\n3.4.2023;Lampe;Gut;5;Hell\n",
            ("Hell", 5, "2023-04-03", "Gut", "Lampe"),
        ),
        (
            "Date;Produit;Note;Titre;Commentaire\n23/04/2023;Lampe;4;Bon;Très clair\n",
            ("Très clair", 4, "2023-04-23", "Bon", "Lampe"),
        ),
        (
            "Fecha,Producto,Calificación,Título,Reseña\n23/04/2023,Lámpara,5,Bien,Luminosa\n",
            ("Luminosa", 5, "2023-04-23", "Bien", "Lámpara"),
        ),
        (
            "Data;Prodotto;Valutazione;Titolo;Recensione\n23/04/2023;Lampada;2;No;Rotta\n",
            ("Rotta", 2, "2023-04-23", "No", "Lampada"),
        ),
        (
            "Data;Produto;Nota;Título;Avaliação\n23/04/2023;Lâmpada;5;Boa;Clara\n",
            ("Clara", 5, "2023-04-23", "Boa", "Lâmpada"),
        ),
    ],
    ids=["german", "german-text", "german-stars", "french", "spanish", "italian", "portuguese"],
)
def test_headers_in_other_languages(read, body, first):
    (row,) = read(body).rows
    assert (*brief(row), row["title"], row["product_title"]) == first


def test_one_column_that_could_be_text_or_rating_is_refused(read):
    with pytest.raises(IngestError, match="'Bewertung' could be the text or the rating"):
        read("Datum;Bewertung\n3.4.2023;5\n")


def test_a_german_grade_is_no_rating(read):
    """1 is the best *Note* in Germany."""
    got = read("Note;Kommentar\n1;sehr gut\n6;schlecht\n")
    assert [row["rating"] for row in got.rows] == [None, None]
    assert "Note" in str(got.dump.warnings)


@pytest.mark.parametrize("header", ["label,title,content\n", ""], ids=["header", "none"])
def test_polarity_labels_are_no_stars(read, header):
    body = header + "".join(f'"{n % 2 + 1}","Title {n}","Some text {n}"\n' for n in range(80))
    if not header:
        with pytest.raises(IngestError):
            read(body)
        return
    got = read(body)
    assert {row["rating"] for row in got.rows} == {None}
    assert "columns not used: 'label'" in str(got.dump.warnings)
    assert "uncertain" in str(read(body, mapping={"text": "content", "rating": "label"}).warnings)


def test_json_ld_has_its_rating_author_and_product(read):
    review = {
        "@type": "Review",
        "reviewBody": "Bright",
        "author": {"@type": "Person", "name": "Ann"},
        "reviewRating": {"@type": "Rating", "ratingValue": "8", "bestRating": 10},
        "itemReviewed": {"name": "Lamp", "sku": "L1"},
    }
    second = {**review, "reviewBody": "Dim", "reviewRating": {"ratingValue": "3"}}
    got = read(json.dumps([review, second]))
    assert [(row["text"], row["rating"]) for row in got.rows] == [("Bright", 4), ("Dim", 3)]
    assert {(row["product_id"], row["product_title"]) for row in got.rows} == {("L1", "Lamp")}
    assert all(row["reviewer_key"] for row in got.rows)


@pytest.mark.parametrize(
    "record",
    [
        {"attributes": {"body": "Bright", "rating": 4, "createdDate": "2023-01-02"}},
        {"details": {"comments": "Bright", "created_date": "2023-01-02"}, "metrics": {"rating": 4}},
        {
            "properties": {
                "review_text_published": "Bright",
                "five_star_rating_published": 4,
                "date": "2023-01-02",
            }
        },
        {"review": "Bright", "rating": 4, "created_timestamp": 1672617600},
    ],
    ids=["json-api", "power-reviews", "takeout", "etsy"],
)
def test_records_of_apis(read, record):
    (row,) = read(json.dumps({"items": [record]})).rows
    assert brief(row) == ("Bright", 4, "2023-01-02")


def test_the_reviewer_of_a_nested_object_is_taken(read):
    rows = [{"comment": "ok", "starRating": "FOUR", "reviewer": {"displayName": n}} for n in "ab"]
    got = read(json.dumps({"reviews": rows}))
    assert len({row["reviewer_key"] for row in got.rows} - {None}) == 2


def test_days_of_excel_and_labelled_recommendations(read):
    got = read(
        "review,recommended,date\nGood,Recommended: yes,45000\nBad,Recommended: no,45000.5\n"
    )
    assert list(map(brief, got.rows)) == [("Good", 5, "2023-03-15"), ("Bad", 1, "2023-03-15")]


def test_percentages_of_a_workbook(read):
    book = openpyxl.Workbook()
    book.active.append(["Review", "Rating", "Date"])
    for text, share in (("good", 0.9), ("bad", 0.2), ("best", 1)):
        book.active.append([text, share, dt.date(2023, 1, 2)])
    for cell in book.active["B"][1:]:
        cell.number_format = "0%"
    file = io.BytesIO()
    book.save(file)
    got = read(file.getvalue())
    assert got.warnings == []
    expected = [("good", 4.5), ("bad", 1), ("best", 5)]
    assert list(map(brief, got.rows)) == [(*each, "2023-01-02") for each in expected]
