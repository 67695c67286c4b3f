"""Keeps freed memory in the process between training steps."""

import ctypes

# of glibc's malloc.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> bool:
    """Make glibc keep freed memory; returns whether that is supported.

    Activations of a batch are large, so by default each is mapped, zeroed by the kernel and
    unmapped again in every step, which slowed a training on two cores down by an eighth.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return False
    options = (
        (_M_ARENA_MAX, 1),
        (_M_MMAP_MAX, 0),
        (_M_TRIM_THRESHOLD, -1),
        (_M_TOP_PAD, 256 << 20),
    )
    results = [mallopt(ctypes.c_int(name), ctypes.c_int(value)) for name, value in options]
    return all(results)
