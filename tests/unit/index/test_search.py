"""Search against an oracle that looks at every row."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.index import rows as side_file
from shared.index import vectors
from shared.index.reader import IndexReader
from shared.index.rows import RowWriter
from shared.index.vectors import Vectors
from shared.schemas.manifest import Manifest
from shared.schemas.search import SearchFilters
from shared.storage.artefacts import LocalVersion
from tests.corpus import made_up_reviews, random_vectors

DIMENSION = 16
COUNT = 900


def open_index(folder, rows, array, *, exact_up_to=vectors.EXACT_UP_TO, **parameters):
    """An index of those rows in a folder, opened."""
    folder.mkdir(parents=True, exist_ok=True)
    index = vectors.new_index(DIMENSION, len(rows), exact_up_to=exact_up_to)
    vectors.add(index, array.astype(np.float32))
    vectors.write(index, folder / vectors.FILE)
    writer = RowWriter(folder / side_file.FILE)
    writer.add(rows)
    writer.close()
    manifest = Manifest(
        kind="index",
        version="v1",
        created_at=datetime.now(UTC),
        files={},
        dimension=DIMENSION,
        model_version="tiny-1",
        count=len(rows),
        parameters=parameters,
    )
    return IndexReader(LocalVersion(folder, manifest))


ROWS = made_up_reviews(COUNT)
VECTORS = random_vectors(COUNT, DIMENSION)
QUERIES = random_vectors(40, DIMENSION, seed=99).astype(np.float32)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    return open_index(tmp_path_factory.mktemp("index"), ROWS, VECTORS)


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graph")
    return open_index(folder, ROWS, VECTORS, exact_up_to=10, ef_search=64)


def matches(row, filters):
    """Whether a row passes, spelled out without SQL."""
    day = None if row["reviewed_at"] is None else row["reviewed_at"].date()
    return all(
        (
            filters.product_id in {None, row["product_id"]},
            filters.product_ids is None or row["product_id"] in filters.product_ids,
            filters.sentiment in {None, row["sentiment"]},
            filters.sentiments is None or row["sentiment"] in filters.sentiments,
            filters.category in {None, row["category"]},
            filters.brand in {None, row["brand"]},
            filters.min_rating is None or (row["rating"] or 0) >= filters.min_rating,
            filters.max_rating is None or (row["rating"] or 9) <= filters.max_rating,
            filters.date_from is None or (day is not None and day >= filters.date_from),
            filters.date_to is None or (day is not None and day <= filters.date_to),
        )
    )


def oracle(query, k, filters):
    """Scores of the k best different texts, by looking at every row."""
    scores = VECTORS.astype(np.float32) @ query
    best = {}
    for position in np.argsort(-scores, kind="stable"):
        row = ROWS[position]
        if matches(row, filters):
            best.setdefault(row["text"], scores[position])
    return sorted(best.values(), reverse=True)[:k]


days = st.dates(date(2020, 12, 1), date(2021, 12, 1))
filter_values = st.fixed_dictionaries(
    {},
    optional={
        "product_id": st.sampled_from(["P0", "P3", "P6", "none", "x' OR 1=1 --"]),
        "product_ids": st.lists(
            st.sampled_from(["P1", "P3", "P5", "none"]), min_size=1, max_size=3
        ),
        "sentiment": st.sampled_from(["negative", "neutral", "positive"]),
        "sentiments": st.lists(
            st.sampled_from(["negative", "neutral", "positive"]), min_size=1, max_size=3
        ),
        "category": st.sampled_from(["kitchen", "outdoor", "none"]),
        "brand": st.sampled_from(["Lumen", "Brook & Co", "none", ""]),
        "min_rating": st.sampled_from([1, 3, 4.5]),
        "max_rating": st.sampled_from([5, 4.9, 4.5]),
        "date_from": days,
        "date_to": days,
    },
).filter(lambda f: f.get("date_from", date.min) <= f.get("date_to", date.max))


@settings(max_examples=250, deadline=None)
@given(
    values=filter_values, query=st.integers(0, len(QUERIES) - 1), k=st.sampled_from([1, 5, 40, 100])
)
def test_filters_give_what_looking_at_every_row_gives(shared_index, values, query, k):
    filters = SearchFilters(**values)
    hits = shared_index.search(QUERIES[query], k, filters)
    expected = oracle(QUERIES[query], k, filters)
    np.testing.assert_allclose([hit.score for hit in hits], expected, atol=1e-5)
    by_id = {row["review_id"]: row for row in ROWS}
    assert all(matches(by_id[hit.row.review_id], filters) for hit in hits)
    assert len({hit.row.text for hit in hits}) == len(hits)


@pytest.fixture(params=["exact", "hnsw"], scope="module")
def shared_index(request, index, graph):
    return index if request.param == "exact" else graph


def test_a_hit_carries_its_whole_row(index):
    position = 17
    hit = index.search(VECTORS[position].astype(np.float32), 1)[0]
    row = ROWS[position]
    assert hit.score == pytest.approx(1, abs=2e-3)
    assert (hit.row.review_id, hit.row.text, hit.row.title) == (
        row["review_id"],
        row["text"],
        row["title"],
    )
    assert (hit.row.rating, hit.row.reviewed_at) == (row["rating"], row["reviewed_at"])
    assert (hit.row.sentiment, hit.row.category) == (row["sentiment"], row["category"])
    assert hit.row.brand == row["brand"]


def test_the_exact_index_finds_what_a_matrix_product_finds(index):
    scores = VECTORS.astype(np.float32) @ QUERIES.T
    for number, query in enumerate(QUERIES):
        best = index.search(query, 1)[0]
        assert best.score == pytest.approx(scores[:, number].max(), abs=1e-5)


def test_no_filter_and_an_empty_filter_are_the_same(index):
    assert index.search(QUERIES[0], 9) == index.search(QUERIES[0], 9, SearchFilters())


def test_more_than_there_are_gives_all_there_are(index):
    different = len({row["text"] for row in ROWS})
    assert len(index.search(QUERIES[0], 10 * COUNT)) == different


def test_nothing_asked_gives_nothing(index):
    assert index.search(QUERIES[0], 0) == []


def test_a_thousand_copies_of_one_text_do_not_crowd_out_the_others(tmp_path):
    rows = made_up_reviews(1_200)
    for row in rows[:1_000]:
        row["text"] = "Good product"
    array = random_vectors(1_200, DIMENSION)
    array[:1_000] = array[0]
    index = open_index(tmp_path / "copies", rows, array)
    for filters in (None, SearchFilters(min_rating=1)):
        hits = index.search(array[0].astype(np.float32), 5, filters)
        assert len({hit.row.text for hit in hits}) == 5
        assert hits[0].row.text == "Good product"


def test_a_graph_reaches_the_recall_that_is_wanted(graph):
    chosen = graph._vectors.least_effort()
    assert chosen is not None
    effort, recall = chosen
    assert recall >= vectors.MIN_RECALL
    assert effort in {32, 64, 128, 256, 512}


def test_recall_is_measured_not_assumed():
    index = vectors.new_index(DIMENSION, 3_000, exact_up_to=10)
    index.hnsw.efConstruction = 4
    vectors.add(index, random_vectors(3_000, DIMENSION).astype(np.float32))
    opened = Vectors(index)
    assert opened.recall(10) < opened.recall(200) <= 1


@pytest.mark.parametrize("file", [vectors.FILE, side_file.FILE])
def test_a_file_that_is_none_is_refused(tmp_path, file):
    from shared.errors import ArtefactError

    open_index(tmp_path / "v", ROWS[:10], VECTORS[:10])
    (tmp_path / "v" / file).write_bytes(b"this is no such file" * 100)
    manifest = Manifest(
        kind="index",
        version="v1",
        created_at=datetime.now(UTC),
        files={},
        dimension=DIMENSION,
        count=10,
    )
    with pytest.raises(ArtefactError):
        IndexReader(LocalVersion(tmp_path / "v", manifest))


@pytest.mark.parametrize("changes", [{"count": 11}, {"dimension": 8}])
def test_files_that_do_not_belong_together_are_refused(tmp_path, changes):
    from shared.errors import ArtefactError

    good = open_index(tmp_path / "v", ROWS[:10], VECTORS[:10])
    with pytest.raises(ArtefactError):
        IndexReader(LocalVersion(tmp_path / "v", good.manifest.model_copy(update=changes)))
