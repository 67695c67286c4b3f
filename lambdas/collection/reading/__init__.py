"""Streaming reader of review dumps: from bytes of any known format to batches of clean rows."""

from lambdas.collection.reading.description import Description
from lambdas.collection.reading.dumps import Archive, read_dump
from lambdas.collection.reading.marks import DumpMark
from lambdas.collection.reading.options import Limits, Profile, ReadOptions, split_mapping
from lambdas.collection.reading.reader import Batch, Border, Dump, IndivisibleError, check_rejects
from lambdas.collection.reading.rows import MakerMark
from lambdas.collection.reading.summary import add_marks

__all__ = [
    "Archive",
    "Batch",
    "Border",
    "Description",
    "Dump",
    "DumpMark",
    "IndivisibleError",
    "Limits",
    "MakerMark",
    "Profile",
    "ReadOptions",
    "add_marks",
    "check_rejects",
    "read_dump",
    "split_mapping",
]
