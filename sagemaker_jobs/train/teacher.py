"""The unchanged base encoder: the reference of embeddings in training and evaluation."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.model import base_folder, new_model

_BATCH = 32


@torch.no_grad()
def base_embeddings(
    model_name: str, ids: Sequence[Sequence[int]], *, allow_unpinned: bool = False
) -> npt.NDArray[np.float32]:
    """Unit embeddings (n, d) of the base encoder in float32, in the order of the texts.

    Args:
        model_name: As in TrainConfig.
        ids: Token ids of n texts, from the base encoder's tokenizer.
        allow_unpinned: Whether a name on the hub may lack a commit.
    """
    model = new_model(base_folder(model_name, allow_unpinned=allow_unpinned)).eval()
    pooled, _ = reviews.map_batches(ids, _BATCH, model.deep)
    embeddings: npt.NDArray[np.float32] = model.embedding(pooled).numpy()
    return embeddings
