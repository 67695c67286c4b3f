"""A sentiment from a text and a picture: two linear sides, a gate, vectors for a missing side."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def text_features(vectors: Floats, logits: Floats) -> Floats:
    """What the head reads of texts (n, d + 3): the vectors, and the encoder's log probabilities."""
    shifted = logits - logits.max(-1, keepdims=True)
    sure = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    features: Floats = np.concatenate([vectors, sure], 1).astype(np.float32)
    return features


class Side(NamedTuple):
    """Vectors (n, d) of texts or pictures to scores (n, 3)."""

    weights: Floats
    bias: Floats

    def scores(self, vectors: Floats) -> Floats:
        """The scores of a batch."""
        scores: Floats = vectors @ self.weights + self.bias
        return scores


def doubt(scores: Floats) -> Floats:
    """How little the scores (n, 3) of a side prefer a sentiment to another: 0 to 1, (n, 1)."""
    apart = scores.max(-1, keepdims=True) - scores.min(-1, keepdims=True)
    unsure: Floats = np.clip(1 - apart, 0, 1)
    return unsure


class FusionHead(NamedTuple):
    """The scores of both sides, weighed by ``gates`` (3, 3, 3), and ``bias`` (3,).

    The third of the gates weighs the picture's scores by the doubt of the text. ``no_text`` and
    ``no_picture`` (3,) were learned, and stand for a side that is missing.
    """

    text: Side
    picture: Side
    gates: Floats
    bias: Floats
    no_text: Floats
    no_picture: Floats

    def logits(self, text: Floats | None, picture: Floats | None) -> Floats:
        """The logits (n, 3) of rows that have a text, a picture or both.

        Args:
            text: the features of the texts, by ``text_features``; None: there are none.
            picture: the vectors of the pictures; None: there are none.
        """
        logits = self.bias
        unsure = np.ones((1, 1), np.float32)
        if text is None:
            logits = logits + self.no_text
        else:
            scores = self.text.scores(text)
            logits, unsure = logits + scores @ self.gates[0], doubt(scores)
        if picture is None:
            return logits + self.no_picture
        scores = self.picture.scores(picture)
        result: Floats = logits + scores @ self.gates[1] + unsure * scores @ self.gates[2]
        return result
