"""Reviews of the tests of insights."""

from datetime import UTC, datetime


def on(day, **values):
    return {"reviewed_at": datetime(*day, 12, tzinfo=UTC), **values}


def count_reviews(http, link):
    """Count the reviews that a link lists, over all pages."""
    assert link.startswith("/reviews")
    count, cursor = 0, None
    while True:
        page = http.get(link, params=None).json() if not cursor else _read_page(http, link, cursor)
        count += len(page["reviews"])
        cursor = page["next_cursor"]
        if cursor is None:
            return count


def _read_page(http, link, cursor):
    sign = "&" if "?" in link else "?"
    return http.get(f"{link}{sign}cursor={cursor}").json()
