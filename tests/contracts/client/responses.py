"""Responses of the scripted server."""

ANALYSIS = {
    "sentiment": "negative",
    "confidence": 0.9,
    "summary": "",
    "similar_reviews": [],
    "probabilities": {"negative": 0.9, "neutral": 0.1, "positive": 0.0},
    "model_version": "m",
    "index_version": None,
    "a_field_of_a_later_version": [1],
}
FRESH = {"as_of": "2026-11-29T08:00:00Z", "pending_reviews": 0, "not_analysed": 0}


def problem(status, code, detail):
    return status, {"title": "x", "status": status, "code": code, "detail": detail}


def review(number):
    return {
        "review_id": f"r{number}",
        "product_id": "A",
        "source": "s",
        "rating": None,
        "title": None,
        "text": "It broke.",
        "reviewed_at": None,
        "verified": None,
        "helpful_votes": None,
        "sentiment": "negative",
        "confidence": 0.9,
        "model_version": "m",
        "mismatch": None,
    }


def review_page(numbers, cursor):
    return 200, {"reviews": [review(n) for n in numbers], "next_cursor": cursor, "freshness": FRESH}
