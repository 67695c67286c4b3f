"""The public data sets: what a model is trained on, and what is only for evaluation."""

from collections.abc import Callable, Iterator
from pathlib import Path

from sources import sentences, shops, stars
from sources.rows import Row, reviewer_key

__all__ = ["HELD_OUT", "TRAINED", "Row", "reviewer_key"]

Reader = Callable[[Path], Iterator[Row]]

TRAINED: tuple[Reader, ...] = (
    stars.multidomain,
    stars.clothing,
    stars.amazon2018,
    stars.datafiniti_full,
    stars.datafiniti,
    stars.alexa,
    shops.earphones,
    shops.kindle_devices,
    shops.kindle_books,
    shops.restaurants,
    shops.medicines,
    shops.grocery,
    stars.aws_software,
    stars.polarity,
    sentences.sst,
    sentences.semeval14_trained,
    sentences.medicine_columns,
    sentences.pros_cons,
    sentences.contrast,
)
HELD_OUT: tuple[Reader, ...] = (
    stars.cellphones,
    sentences.dynasent,
    sentences.semeval14,
    sentences.contrast_test,
    sentences.tweets,
)
