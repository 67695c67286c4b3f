"""What the parts share: options, dumps, and one stack with an index."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks import dumps, stacks
from benchmarks.dumps import Dumps
from benchmarks.uploads import ingest
from local.stack.client import StackClient
from local.state import StateFolder

INDEXED = 30_000


@dataclass
class Context:
    """Options of the command line, and what is made for them on first use."""

    data: Path | None
    rounds: int
    rows: int | None
    requests: int
    large_mib: int
    state: Path | None
    scratch: Path
    cleanup: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def dumps(self) -> Dumps:
        """The two dumps."""
        return dumps.find(self.data, self.scratch, self.rows)

    @cached_property
    def texts(self) -> list[str]:
        """What the encoder reads of the reviews that are indexed."""
        return dumps.encoder_texts(self._to_index)

    @property
    def indexed_folder(self) -> StateFolder:
        """State folder of the stack with an index."""
        return StateFolder(self.state or self.scratch / "indexed")

    @cached_property
    def indexed(self) -> StackClient:
        """A stack that answers from an index of 30,000 reviews (fewer with --rows).

        What a kept state folder holds is used again.
        """
        client = self.cleanup.enter_context(stacks.whole_stack(self.indexed_folder.root))
        if stacks.index_count(client) < self._wanted * 0.95:
            ingest(client, self._to_index)
        stacks.wait_for_index(client)
        return client

    @property
    def _wanted(self) -> int:
        return min(self.rows or INDEXED, INDEXED)

    @cached_property
    def _to_index(self) -> Path:
        software = self.dumps.software
        lines = dumps.lines_with(software, self._wanted)
        return dumps.head_of(software, self.scratch / "to-index.tsv.gz", lines)
