"""State shared by the parts: options, dumps, and one stack with an index."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks import dumps, stacks
from benchmarks.dumps import Dumps
from benchmarks.earlier import extract_version
from benchmarks.uploads import ingest
from local.stack.client import StackClient
from local.state import StateFolder

INDEXED_REVIEWS = 30_000


@dataclass
class Context:
    """Options of the command line, and resources created on first use."""

    data: Path | None
    rounds: int
    rows: int | None
    requests: int
    large_mib: int
    state: Path | None
    scratch: Path
    against: str = ""
    models: Path | None = None
    labelled: Path | None = None
    added: str = ""
    cleanup: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def dumps(self) -> Dumps:
        """The two dumps."""
        return dumps.find_dumps(self.data, self.scratch, self.rows)

    @cached_property
    def earlier(self) -> Path:
        """The files of the version of --against."""
        return extract_version(self.against, self.scratch / "earlier")

    @cached_property
    def texts(self) -> list[str]:
        """Encoder input of the indexed reviews."""
        return dumps.encoder_texts(self._dump_to_index)

    @property
    def indexed_folder(self) -> StateFolder:
        """State folder of the stack with an index."""
        return StateFolder(self.state or self.scratch / "indexed")

    @cached_property
    def indexed(self) -> StackClient:
        """A stack with an index of 30,000 reviews (fewer with --rows).

        An existing state folder is reused.
        """
        client = self.cleanup.enter_context(stacks.whole_stack(self.indexed_folder.root))
        if stacks.index_count(client) < self._review_count * 0.95:
            ingest(client, self._dump_to_index)
        stacks.wait_for_index(client)
        return client

    @property
    def _review_count(self) -> int:
        return min(self.rows or INDEXED_REVIEWS, INDEXED_REVIEWS)

    @cached_property
    def _dump_to_index(self) -> Path:
        software = self.dumps.software
        lines = dumps.count_lines_for(software, self._review_count)
        return dumps.head_of(software, self.scratch / "to-index.tsv.gz", lines)
