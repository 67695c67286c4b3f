"""Ways to damage a file, from a seed."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Damage:
    """``apply(path, rng)`` damages a file; random ones are tried ``attempts`` times."""

    apply: Callable
    attempts: int = 1


def flip(path, rng):
    """Flip one bit of one byte."""
    body = bytearray(path.read_bytes())
    if body:
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    path.write_bytes(body)


def truncate(path, rng):
    """Cut the file off somewhere."""
    body = path.read_bytes()
    path.write_bytes(body[: rng.randrange(len(body))] if body else b"")


def scramble(path, rng):
    """Replace the content with as many random bytes."""
    path.write_bytes(rng.randbytes(path.stat().st_size))


DAMAGES = {
    "flipped": Damage(flip, attempts=8),
    "truncated": Damage(truncate, attempts=3),
    "scrambled": Damage(scramble),
    "emptied": Damage(lambda path, _: path.write_bytes(b"")),
    "deleted": Damage(lambda path, _: path.unlink()),
}
