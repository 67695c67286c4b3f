"""Reads a dump as batches of clean rows and rejects."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from lambdas.collection.reading.cleaning import TooComplexError
from lambdas.collection.reading.cpu_time import CPU_TIME_LIMIT
from lambdas.collection.reading.detect import open_parser
from lambdas.collection.reading.encoding import is_wide
from lambdas.collection.reading.excluded import EXCLUDED, Excluded
from lambdas.collection.reading.marks import DumpMark
from lambdas.collection.reading.members import Member
from lambdas.collection.reading.naming import source_of
from lambdas.collection.reading.options import Limits, Profile, ReadOptions
from lambdas.collection.reading.place import PlaceMark
from lambdas.collection.reading.records import RAW_LIMIT, Bad, Record, raw_text
from lambdas.collection.reading.rows import TEXT, MakerMark, RowMaker
from lambdas.collection.reading.sampling import Sample
from lambdas.collection.reading.summary import row_details, row_warnings
from shared.errors import IngestError
from shared.schemas.ingest import Reject, RejectReason
from shared.storage.shard_schemas import CLEAN_SCHEMA

_MAX_BATCH_BYTES = 48 * 2**20
"""A batch ends early at this amount of text, so that long texts cannot fill the memory."""
_ROW_OVERHEAD_BYTES = 200
_CELL_OVERHEAD_BYTES = 32
"""What a number and the punctuation take in the JSON of a rejected row."""
_AHEAD_BYTES = 4 * 2**20
"""How far a parser may be ahead of its last record: a block and a part of a record, or the rows of
a Parquet file that are decoded at a time."""


@dataclass(frozen=True)
class Batch:
    """Consecutive records: ``rows_read`` = accepted rows in ``table`` + ``rejects``."""

    table: pa.Table
    rejects: list[Reject]
    rows_read: int
    file: str = ""
    """The dump, as in rejects: ``archive.zip!member.csv`` for a member of an archive."""
    mark: DumpMark | None = None
    """Where a later run goes on after this batch; None if it cannot."""


class IndivisibleError(Exception):
    """A dump cannot be divided before its rows are made."""


class Border(NamedTuple):
    """The end of a batch: the records until there, and the mark to go on at, if there is one."""

    records: int
    mark: DumpMark | None


class Dump:
    """Iterates batches; ``profile`` is complete after the first, ``warnings`` after the last."""

    def __init__(
        self,
        member: Member,
        name: str,
        options: ReadOptions,
        *,
        records_before: int = 0,
        resume: DumpMark | None = None,
    ) -> None:
        """Open a dump.

        Args:
            member: its bytes.
            name: its name in rejects.
            options: how to read it.
            records_before: records of earlier members of an archive.
            resume: the mark of a batch, to begin with the next one.

        Raises:
            IngestError: see open_parser.
        """
        self._name = name
        self._options = options
        self._records_before = records_before
        self.records = records_before
        """Records until the last border that was found, with those of earlier members."""
        self._excluded = Excluded(options.excluded, options.reviewer_key)
        self._cpu = member.size.cpu
        self.resume = resume
        """Where it begins; None: at the first record."""
        self._opened = open_parser(member, options, resume.place if resume else None)
        self._is_plain = member.restart is not None
        self._has_file = member.open_file is not None
        self._maker: RowMaker | None = None
        self.profile: Profile = self._opened.profile
        if resume is not None:
            self.count(resume.maker)

    @property
    def warnings(self) -> list[str]:
        """What a user should know about this dump; complete after the last batch."""
        warnings = list(self._opened.state.warnings)
        if self._maker:
            warnings += row_warnings(self._maker, self.profile)
        return warnings

    @property
    def _is_parquet(self) -> bool:
        return self.profile.format == "parquet"

    @property
    def is_resumable(self) -> bool:
        """Whether a later run can go on in the middle of it."""
        return self._opened.place is not None

    def count(self, mark: MakerMark) -> None:
        """Describe the dump as one whose rows have counted this for warnings."""
        self._maker = self._make_maker(None)
        self._maker.restore(mark)
        self.profile.details |= row_details(self._maker, self.profile)

    def maker_mark(self) -> MakerMark | None:
        """What was counted for warnings so far; None if no record could be read."""
        return self._maker.mark() if self._maker else None

    @property
    def is_divisible(self) -> bool:
        """Whether several workers can read its text, each without what is before its part."""
        place = self._opened.place
        if place is None or not place.is_near or is_wide(self._opened.state.encoding):
            return False
        if self._is_parquet:
            return self._has_file
        return self._is_plain or self.is_compressed

    @property
    def is_compressed(self) -> bool:
        """Whether its text has to be decompressed from the beginning."""
        return self.profile.compression != "none"

    @property
    def is_truncated(self) -> bool:
        """Whether its compressed bytes end too early, or are damaged; complete after the last."""
        return self._opened.state.truncated

    def field_columns(self) -> dict[str, list[str]]:
        """The columns of the dump that each field comes from; complete after the first batch."""
        return self._maker.field_columns(self.profile.columns) if self._maker else {}

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches.

        Raises:
            IngestError: too_many_rejects, cpu_time_limit, or another limit of the reader.
        """
        collector = _Collector(self._name, self._records_before, self._excluded)
        if self.resume is not None:
            collector.total, collector.rejected = self.resume.records, self.resume.rejected
            self._cpu.resume(self.resume.cpu)
        try:
            for batch in self._batches(collector):
                with self._cpu.paused():
                    yield batch
        except IngestError as error:
            if error.code != CPU_TIME_LIMIT:
                raise
            if collector.read:  # what was read is not lost
                yield collector.batch()
            message = f"{error.message}; reading stopped after {collector.place()}"
            raise IngestError(error.code, message) from error

    def borders(self) -> Iterator[Border]:
        """Read the dump without making rows; yield the borders between the batches.

        Their number, their records and their marks are those of the batches of ``__iter__``. The
        last border is the end of the dump.

        Raises:
            IndivisibleError: the borders depend on the rows.
            IngestError: cpu_time_limit, or another limit of the reader.
        """
        counted = self._opened.state.bytes_out if self._is_parquet else 0  # the file as it is
        records, ahead = self._begin()
        if self._maker is None:
            raise IndivisibleError("none of the first records can be read")
        maker, rows = self._maker.mark(), self._options.batch_rows
        total, before = self._records_before, counted
        if self.resume is not None:
            total, before = self.resume.records, _bytes_before(self.resume.place)
        ahead += total
        while last := deque(enumerate(islice(records, rows), 1), maxlen=1):
            count, record = last[0]
            total += count
            self._cpu.check()
            size = self._opened.state.bytes_out - before + _AHEAD_BYTES
            if size + rows * self._row_overhead() > _MAX_BATCH_BYTES:
                raise IndivisibleError("its records are so long that a batch may end early")
            before = self._opened.state.bytes_out
            mark = None
            if count == rows and total >= ahead and (place := self._place_after(record, total)):
                cpu = self._cpu.mark_at(_bytes_before(place), total - self._records_before)
                mark = DumpMark(place, maker, cpu, total, 0)
            self.records = total
            yield Border(total, mark)

    def _row_overhead(self) -> int:
        """What a row may take besides its bytes, also as the raw text of a reject."""
        if not self._is_parquet:
            return _ROW_OVERHEAD_BYTES
        names = sum(len(name.encode()) + _CELL_OVERHEAD_BYTES for name in self.profile.columns)
        return _ROW_OVERHEAD_BYTES + min(names, RAW_LIMIT)

    def _place_after(self, record: Record, total: int) -> PlaceMark | None:
        """The place after a record, if a later run can go on there; ``total``: as in Batch.mark."""
        if self._opened.place is None:
            return None
        if self._is_parquet:
            return self._opened.place.at(total - self._records_before)
        return self._opened.place.at(record.line) if record.line is not None else None

    def _batches(self, collector: "_Collector") -> Iterator[Batch]:
        records, sampled = self._begin()
        sampled += collector.total
        maker = self._maker
        collector.columns = maker.columns if maker else ()
        last = self._options.batch_rows
        record: Record | None = None
        try:
            for record in records:
                collector.read += 1
                if record.values.__class__ is Bad:
                    collector.reject(record, record.values)
                else:
                    if maker is None:
                        maker = self._maker = self._learn([record])
                        collector.columns = maker.columns
                    try:
                        row: Any = maker.make(record.values, collector.total + collector.read)
                    except TooComplexError as error:
                        row = error.bad
                    if row.__class__ is Bad:
                        collector.reject(record, row)
                    else:
                        collector.accept(row)
                if collector.read >= last or collector.size > _MAX_BATCH_BYTES:
                    is_ahead = collector.total + collector.read < sampled
                    yield self._batch(collector, None if is_ahead else record)
                    rows = collector.total - self._records_before
                    check_rejects(collector.rejected, rows, self._options.limits)
                    self._cpu.check()
        finally:
            collector.line = record.line if record else None
        if collector.read or collector.total == self._records_before:
            yield self._batch(collector, None)

    def _begin(self) -> tuple[Iterator[Record], int]:
        """The records, and how many of them the parser is ahead."""
        if self.resume is not None:
            return self._opened.records, 0
        sample = Sample(self._opened.records)
        readable = [record for record in sample.records if record.values.__class__ is not Bad]
        self._maker = self._learn(readable) if readable else None
        ahead = len(sample.records)
        return sample.replay(), ahead

    def _batch(self, collector: "_Collector", last: Record | None) -> Batch:
        """The batch that ends with a record, marked if a later run can go on after it."""
        batch, place = collector.batch(), self._opened.place
        self._cpu.accept_rows(batch.table.num_rows)
        mark = None
        if last and place:
            row = collector.total - self._records_before
            mark = place.at(row if last.line is None else last.line)
        if mark is None or self._maker is None:
            return batch
        state = (self._maker.mark(), self._cpu.mark, collector.total, collector.rejected)
        return replace(batch, mark=DumpMark(mark, *state))

    def _make_maker(self, first: Record | None) -> RowMaker:
        maker = self._opened.maker_for(first)
        maker.name_source(source_of(self._name))
        maker.exclude(self._excluded)
        return maker

    def _learn(self, sample: Sequence[Record]) -> RowMaker:
        """Make the row maker for the columns and conventions of the first readable records."""
        maker = self._make_maker(sample[0])
        maker.learn([record.values for record in sample], self._options.hints)
        self.profile.details |= row_details(maker, self.profile)
        return maker


def _bytes_before(place: PlaceMark) -> int:
    """Bytes of a dump that were counted before a place."""
    return place.offset if place.expanded is None else place.expanded


def count_flaws(rejects: Iterable[Reject]) -> int:
    """Number of rejects, without those that are only excluded."""
    return sum(reject.reason is not RejectReason.EXCLUDED for reject in rejects)


def check_rejects(rejected: int, rows: int, limits: Limits) -> None:
    """Stop an object that is not worth reading: each reject takes work and is stored.

    Raises:
        IngestError: too_many_rejects.
    """
    if rejected > limits.max_rejects and rejected * 2 > rows:
        raise IngestError(
            "too_many_rejects",
            f"{rejected} of the first {rows} rows were rejected; the rest is not read: "
            f"the limit is {limits.max_rejects} rejects if they are more than half of the rows",
        )


class _Collector:
    """Collects the rows and rejects of one batch after another."""

    def __init__(self, name: str, records_before: int, excluded: Excluded) -> None:
        self._name = name
        self._excluded = excluded
        self.columns: tuple[str, ...] = ()
        self._rows: list[tuple[Any, ...]] = []
        self._rejects: list[Reject] = []
        self.read = 0
        self.line: int | None = None
        """Line of the last record, once reading has ended."""
        self.rejected = 0
        self.total = records_before
        self.size = 0

    def accept(self, row: tuple[Any, ...]) -> None:
        self._rows.append(row)
        self.size += len(row[TEXT]) + _ROW_OVERHEAD_BYTES

    def reject(self, record: Record, bad: Bad) -> None:
        raw = "" if bad is EXCLUDED else raw_text(record.raw)
        if raw and self._excluded and self._excluded.names(raw):
            bad, raw = EXCLUDED, ""
        reject = Reject(
            file=self._name,
            line=record.line,
            record=self.total + self.read,
            reason=bad.reason,
            detail=bad.detail,
            raw=raw,
        )
        self._rejects.append(reject)
        self.size += len(raw) + _ROW_OVERHEAD_BYTES

    def place(self) -> str:
        """Where reading has ended."""
        number = self.total + self.read
        return f"record {number}" if self.line is None else f"line {self.line} (record {number})"

    def batch(self) -> Batch:
        batch = Batch(_table(self._rows, self.columns), self._rejects, self.read, self._name)
        self.total += self.read
        self.rejected += count_flaws(batch.rejects)
        self._rows, self._rejects, self.read, self.size = [], [], 0, 0
        return batch


def _table(rows: list[tuple[Any, ...]], names: tuple[str, ...]) -> pa.Table:
    if not rows:
        return CLEAN_SCHEMA.empty_table()
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    arrays = [_array(columns.get(field.name), field.type, len(rows)) for field in CLEAN_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=CLEAN_SCHEMA)


def _array(values: tuple[Any, ...] | None, kind: pa.DataType, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, kind)
    if pa.types.is_timestamp(kind):
        return pa.array(values, type=pa.int64()).cast(kind)
    return pa.array(values, type=kind)
