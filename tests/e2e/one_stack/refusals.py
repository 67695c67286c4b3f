"""Routes for requests that must be refused, and what a refusal has."""

PROBLEM = "application/problem+json"
POSTS = (
    *("/analyze", "/analyze/batch", "/search_similar", "/embeddings", "/process"),
    *("/review_pictures", "/collect", "/build_index"),
)
BODY_REQUIRED = POSTS[:6]
"""Routes that require a body."""
GETS = ("/collect", "/collect/ing_unknown", "/products", "/products/RL-AUD-01", "/reviews")


def assert_problem(response, *statuses):
    assert response.status_code in statuses, (response.status_code, response.text[:500])
    assert response.headers["content-type"] == PROBLEM
    if response.request.method != "HEAD":
        body = response.json()
        assert body["status"] == response.status_code
        assert {"type", "title", "code", "detail"} <= body.keys()
        assert "Traceback" not in response.text
