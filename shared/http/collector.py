"""Excludes long-lived objects from Python's cyclic garbage collection."""

import gc
from functools import cache


@cache
def freeze_heap() -> None:
    """Exclude all current objects from collections; call once all modules are loaded.

    Loaded libraries are about 100,000 objects. A full collection, which any large response may
    trigger, takes 80 ms to scan them and frees nothing.
    """
    gc.freeze()
