"""Complete answers of the API, of which a test sets the fields that it is about."""

from datetime import UTC, date, datetime

from reviewlens.models import (
    Change,
    Freshness,
    IngestDetails,
    Point,
    Preview,
    Product,
    ProductPage,
    Reject,
    SearchResult,
    SentimentSplit,
    StoredReview,
    TextAnalysis,
    Totals,
    Trend,
)

DAY = date(2026, 3, 16)
NOON = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
_FIGURES = {
    "reviews": 0,
    "analysed": 0,
    "not_understood": 0,
    "not_analysed": 0,
    "rated": 0,
    "mean_rating": None,
    "sentiment_shares": None,
    "net_sentiment": None,
    "reviews_link": "/reviews",
}


def split(negative, neutral=None, positive=None):
    """Shares; the remainder is positive."""
    neutral = 0.0 if neutral is None else neutral
    positive = 1 - negative - neutral if positive is None else positive
    return SentimentSplit(negative=negative, neutral=neutral, positive=positive)


def freshness(pending=0, not_analysed=0):
    return Freshness(as_of=NOON, pending_reviews=pending, not_analysed=not_analysed)


def change(**fields):
    return Change(
        **{
            "day": DAY,
            "first_seen": DAY,
            "direction": "worse",
            "negative_before": 0.05,
            "negative_after": 0.62,
            "reviews_before": 70,
            "reviews_after": 40,
            "p_value": 0.00001,
            "reviews_link": f"/reviews?product_id=A&sentiment=negative&from={DAY}",
            **fields,
        }
    )


def point(**fields):
    return Point(**{**_FIGURES, "start": DAY, "end": DAY, **fields})


def trend(**totals):
    """Without points; the fields of the totals."""
    return Trend(
        interval="week",
        first_day=None,
        last_day=None,
        points=[],
        totals=Totals(**{**_FIGURES, "undated": 0, **totals}),
        change_status="unchanged",
        change=None,
        freshness=freshness(),
    )


def product(**fields):
    return Product(
        **{
            **_FIGURES,
            "product_id": "A",
            "title": None,
            "category": None,
            "mismatches": 0,
            "first_day": None,
            "last_day": None,
            "change_status": "too_few_reviews",
            "change": None,
            **fields,
        }
    )


def product_page(*products):
    return ProductPage(products=list(products), next_cursor=None, freshness=freshness())


def stored_review(**fields):
    return StoredReview(
        **{
            "review_id": "r",
            "product_id": "A",
            "source": "s",
            "rating": None,
            "title": None,
            "text": "It broke.",
            "reviewed_at": None,
            "verified": None,
            "helpful_votes": None,
            "sentiment": None,
            "confidence": None,
            "model_version": None,
            "mismatch": None,
            **fields,
        }
    )


def search_result(**fields):
    values = {"review_text": "It broke.", "sentiment": "negative", "similarity_score": 0.8}
    return SearchResult(**{**values, "review_id": "r", **fields})


def text_analysis(negative):
    probabilities = {"negative": negative, "neutral": 0.0, "positive": 1 - negative}
    return TextAnalysis(sentiment="negative", confidence=0.9, probabilities=probabilities)


def ingest(**fields):
    values = {"ingest_id": "i", "bucket": "b", "key": "k", "etag": "e", "rejects": []}
    return IngestDetails(**{**values, **fields})


def preview(**fields):
    return Preview(**{"file": "a.csv", "fields": [], "columns": [], "is_complete": True, **fields})


def reject(**fields):
    values = {"file": "a", "line": None, "record": 1, "detail": "", "raw": ""}
    return Reject(**{**values, "reason": "malformed_record", **fields})
