"""Reading all pages of a route."""


def read_pages(http, path, name, **query):
    """Follow the cursors of a route; return the items under ``name`` of each page."""
    pages, cursor = [], None
    while True:
        page = http.get(path, params={**query, **({"cursor": cursor} if cursor else {})}).json()
        pages.append(page[name])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages
