"""Captions, splits, batches, loss and figures of the picture tower."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from sagemaker_jobs.pictures.contrast import batches, contrastive_loss, equally_true
from sagemaker_jobs.pictures.figures import own_ranks, proportion, title_scores
from sagemaker_jobs.pictures.products import Product, rows_of
from sagemaker_jobs.pictures.projection import Projection, Ridge
from sagemaker_jobs.pictures.wordings import captions, prompts

SHIRT = Product("1", "Acme Men Blue Tshirt", "Tshirts", "Blue", "Men", "Casual", "1.jpg")


def test_captions_name_the_attributes_in_several_wordings():
    texts = captions(SHIRT)
    assert texts[:3] == [
        "blue t-shirt", "a photo of a blue t-shirt for men", "men's casual t-shirt in blue",
    ]  # fmt: skip
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("field", ["colour", "gender", "use"])
def test_an_unknown_attribute_is_left_out_of_the_captions(field):
    texts = captions(SHIRT._replace(**{field: ""}))
    assert len(texts) == len(captions(SHIRT))
    value = getattr(SHIRT, field).lower()
    assert not any(value in text.lower().split() for text in texts)
    assert all("  " not in text and text == text.strip() for text in texts)


def test_prompts_use_the_singular():
    assert "a picture of a watch" in prompts("Watches")
    assert "this is a pair of casual shoes" in prompts("Casual Shoes")
    assert "a picture of a dress" in prompts("Dresses")


def test_a_tenth_of_the_products_is_held_out_by_id():
    products = [SHIRT._replace(product_id=str(number)) for number in range(4000)]
    shares = {name: len(rows_of(products, name)) / 4000 for name in ("test", "validation")}
    assert shares == pytest.approx({"test": 0.1, "validation": 0.1}, abs=0.02)
    assert [each._replace(title="other").split for each in products] == [
        each.split for each in products
    ]


def test_batches_have_every_row_once_and_groups_of_one_type():
    types = [str(row % 7) for row in range(100)]
    options = {"size": 16, "group_size": 4, "hard_share": 1.0}
    parts = list(batches(types, **options, generator=np.random.default_rng(1)))
    assert sorted(np.concatenate(parts).tolist()) == list(range(100))
    assert all(len(part) == 16 for part in parts[:-1])
    neighbours = np.concatenate(parts)
    equal = [types[a] == types[b] for a, b in pairwise(neighbours)]
    assert np.mean(equal) > 0.5
    again = list(batches(types, **options, generator=np.random.default_rng(1)))
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))


def test_a_text_that_is_also_true_of_another_product_is_no_negative():
    own = torch.tensor([[0, 5], [1, 5], [2, 6]])
    assert equally_true(own, own[:, 1]).tolist() == [
        [True, True, False], [True, True, False], [False, False, True],
    ]  # fmt: skip
    vectors = torch.eye(3)
    texts = vectors[[0, 0, 2]]
    nothing = torch.zeros(3, 3, dtype=torch.bool)
    free = contrastive_loss(vectors[[0, 0, 2]], texts, torch.tensor(50.0), nothing)
    masked = contrastive_loss(
        vectors[[0, 0, 2]], texts, torch.tensor(50.0), equally_true(own, own[:, 1])
    )
    assert float(free) == pytest.approx(2 * math.log(2) / 3, abs=1e-4)
    assert float(masked) == pytest.approx(0, abs=1e-4)


def test_an_untrained_projection_is_its_ridge_regression():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(200, 6, generator=generator) * 3 + 1
    targets = torch.nn.functional.normalize(features[:, :4] @ torch.randn(4, 4), dim=-1)
    projection = Projection(6, 4, 8).eval()
    Ridge(projection.standardise(features), targets).set(projection, 1e-6)
    with torch.no_grad():
        assert float((projection(features) * targets).sum(-1).mean()) > 0.9


def test_ranks_count_better_columns_and_earlier_equal_ones():
    scores = np.array([[3, 3, 1], [2, 2, 5], [0, 1, 2]], np.float32)
    assert own_ranks(scores).tolist() == [0, 2, 0]


def test_equal_titles_have_equal_scores():
    random = np.random.default_rng(0)
    pictures, texts = (random.normal(size=(40, 16)).astype(np.float32) for _ in range(2))
    scores = title_scores(pictures, texts, np.array([7] * 20 + list(range(20))))
    assert (scores[:, :20] == scores[:, :1]).all()


def test_the_interval_of_a_share_contains_it():
    result = proportion(np.array([True] * 30 + [False] * 70), 500, 0)
    low, high = result["interval"]
    assert 0.15 < low < result["value"] == 0.3 < high < 0.45
