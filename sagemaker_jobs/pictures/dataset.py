"""What learning reads: features and texts of the products of training and validation."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sagemaker_jobs.pictures import captions, features
from sagemaker_jobs.pictures.config import LearnConfig
from sagemaker_jobs.pictures.figures import retrieval_hits, title_scores, validation_score
from sagemaker_jobs.pictures.products import load_products, rows_of
from sagemaker_jobs.pictures.projection import Projection
from sagemaker_jobs.pictures.wordings import TYPE_CAPTIONS


class Split(NamedTuple):
    """Products of a split: features (n, v, d), texts (n, 1 + c) with the title first, types."""

    features: Tensor
    texts: Tensor
    types: list[str]


class Data(NamedTuple):
    """Vectors (t, e) of all texts, and the two splits that learning reads.

    ``type_vectors`` (k, e) are those of the k article types of training, by the captions that name
    the type alone; ``own_types`` (n,) the type of each of its products.
    """

    vectors: Tensor
    train: Split
    validation: Split
    type_vectors: Tensor
    own_types: Tensor


def read_data(config: LearnConfig) -> Data:
    """The products of training and validation.

    Raises:
        ValueError: one of them has no product.
    """
    products = load_products(config.features_dir / features.PRODUCTS)
    values = features.load_features(config.features_dir)
    texts = captions.load_texts(config.captions_dir)
    numbers = np.concatenate([texts.titles[:, None], texts.captions], 1)

    def split(name: str) -> Split:
        rows = rows_of(products, name)
        if len(rows) < 2:  # a contrast needs two
            raise ValueError(f"features_dir: the split {name} has {len(rows)} products of 2")
        return Split(
            torch.from_numpy(values[rows].astype(np.float32)),
            torch.from_numpy(numbers[rows]),
            [products[row].type for row in rows],
        )

    vectors, train = torch.from_numpy(texts.vectors), split("train")
    type_vectors, own_types = _types(vectors, train)
    return Data(vectors, train, split("validation"), type_vectors, own_types)


def _types(vectors: Tensor, train: Split) -> tuple[Tensor, Tensor]:
    """The vectors of the article types of training, and the type of each product."""
    rows = {name: row for row, name in enumerate(train.types)}  # any product of the type
    numbers = {name: number for number, name in enumerate(rows)}
    texts = train.texts[list(rows.values())][:, -TYPE_CAPTIONS:]
    own = torch.tensor([numbers[name] for name in train.types])
    return nn.functional.normalize(vectors[texts].mean(1), dim=-1), own


@torch.no_grad()
def validate(projection: Projection, data: Data) -> dict[str, float]:
    """Recalls on validation, and the one score to choose by."""
    projection.eval()
    pictures = projection(data.validation.features[:, 0]).numpy()
    scores = title_scores(pictures, data.vectors.numpy(), data.validation.texts[:, 0].numpy())
    recalls = {name: float(hits.mean()) for name, hits in retrieval_hits(scores).items()}
    return {**recalls, "score": validation_score(scores)}
