"""Streaming reader of review dumps: bytes of any known format in, batches of clean rows out."""

from lambdas.collection.reading.options import Limits, Profile, ReadOptions
from lambdas.collection.reading.reader import Batch, Dump, read_dump

__all__ = ["Batch", "Dump", "Limits", "Profile", "ReadOptions", "read_dump"]
