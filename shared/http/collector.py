"""Python's cyclic garbage collector, kept away from what stays for the life of a process."""

import gc
from functools import cache


@cache
def settle() -> None:
    """Call once all modules are loaded; what is there then is never looked at again.

    Loaded libraries are some 100,000 objects. A full collection, which any large answer may
    trigger, takes 80 ms to look at them all, and finds nothing.
    """
    gc.freeze()
