"""Memory between steps: kept, not given back and asked for again."""

import ctypes

# of glibc's malloc.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> bool:
    """Let glibc keep what is freed; whether it could be told.

    Activations of a batch are large, so by default each is mapped, filled with zeros by the kernel
    and unmapped again, step after step: a training on two cores took an eighth more time.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return False
    told = ((_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, -1), (_M_TOP_PAD, 256 << 20))
    done = [mallopt(ctypes.c_int(name), ctypes.c_int(value)) for name, value in told]
    return all(done)
