"""Where a later run goes on with a dump, and what it needs to know for that."""

from dataclasses import dataclass

from lambdas.collection.reading.cpu_time import CpuMark
from lambdas.collection.reading.place import PlaceMark
from lambdas.collection.reading.rows import MakerMark


@dataclass(frozen=True)
class DumpMark:
    """The border after a batch; what was counted until there is not counted again."""

    place: PlaceMark
    maker: MakerMark
    cpu: CpuMark
    records: int
    """Records that are read, with those of earlier members of an archive."""
    rejected: int
