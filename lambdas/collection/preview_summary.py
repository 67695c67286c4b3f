"""What a preview shows of the rows of a dump: counts, languages, the first rows and rejects."""

from collections import Counter
from typing import Any

import pyarrow as pa

from lambdas.collection.reading import Batch
from lambdas.collection.shown import MAX_VALUE_CHARACTERS, shorten
from shared.language.detection import detect
from shared.schemas.ingest import Reject, RejectReason
from shared.schemas.preview import LANGUAGE_ROWS
from shared.schemas.review import model_text

_SHOWN_ROWS = 10
_SHOWN_REJECTS = 10
_HIDDEN = frozenset({"review_id", "record", "source", "reviewer_key"})
_CUT = RejectReason.TRUNCATED


class Summary:
    """Counts, first rows and first rejects of the batches read so far."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.rejects: list[Reject] = []
        self.reasons: Counter[str] = Counter()
        self.sources: set[str] = set()
        self.languages: Counter[str] = Counter()
        self.rows_read = self.accepted = self.rejected = 0
        self._ids: set[int] = set()
        self._last: Reject | None = None

    @property
    def stored(self) -> int:
        """Number of distinct reviews."""
        return len(self._ids)

    def add(self, batch: Batch) -> None:
        """Add the rows and rejects of a batch."""
        self.rows_read += batch.rows_read
        self.accepted += batch.table.num_rows
        self.rejected += len(batch.rejects)
        self.reasons.update(reject.reason.value for reject in batch.rejects)
        self.rejects += batch.rejects[: _SHOWN_REJECTS - len(self.rejects)]
        self._last = batch.rejects[-1] if batch.rejects else self._last
        self._ids.update(map(hash, batch.table["review_id"].to_pylist()))
        self.sources.update(batch.table["source"].unique().to_pylist()[:2])
        if missing := LANGUAGE_ROWS - self.languages.total():
            self.languages.update(map(detect, _texts(batch.table.slice(0, missing))))
        if len(self.rows) < _SHOWN_ROWS:
            self.rows += _shown(batch.table.slice(0, _SHOWN_ROWS - len(self.rows)))

    def drop_cut_record(self) -> None:
        """Forget the record in which the beginning of a dump ends; it is not an error."""
        last = self._last
        if last is None or last.record != self.rows_read or last.reason is not _CUT:
            return
        self.rows_read -= 1
        self.rejected -= 1
        self.reasons -= Counter([last.reason.value])
        self.rejects = [reject for reject in self.rejects if reject is not last]


def _texts(table: pa.Table) -> list[str]:
    titles, texts = (table[name].to_pylist() for name in ("title", "text"))
    return list(map(model_text, titles, texts))


def _shown(table: pa.Table) -> list[dict[str, Any]]:
    names = [
        name
        for name in table.column_names
        if name not in _HIDDEN and table[name].null_count < table.num_rows
    ]
    return [
        {
            name: shorten(value, MAX_VALUE_CHARACTERS)
            for name, value in row.items()
            if value is not None
        }
        for row in table.select(names).to_pylist()
    ]
