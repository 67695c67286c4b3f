"""Reads an object: one dump, or an archive of dumps that is read member by member."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from lambdas.collection.reading.cpu_time import CPU_TIME_LIMIT
from lambdas.collection.reading.description import Description
from lambdas.collection.reading.marks import DumpMark
from lambdas.collection.reading.members import Copy, Failure, OpenFile, Source, open_source
from lambdas.collection.reading.options import Profile, ReadOptions
from lambdas.collection.reading.reader import (
    Batch,
    Dump,
    IndivisibleError,
    check_rejects,
    count_flaws,
)
from shared.errors import IngestError

_FATAL = frozenset({"decompression_limit", "object_too_large", "too_many_rejects", CPU_TIME_LIMIT})
_MAX_NAMES = 20
_MAX_NAME = 200
_MAX_DETAIL = 300


class Archive:
    """Iterates the batches of all members, in order; batches never span members.

    ``profile`` and ``warnings`` grow while it is read.
    """

    def __init__(self, source: Source, name: str, options: ReadOptions) -> None:
        self._source = source
        self._name = name
        self._options = options
        self._description = Description(source.state.compression)
        self._failures: list[Failure] = []
        self._records = self._rejected = 0
        self._dumps = self._open_dumps()
        self._first = next(self._dumps, None)
        self.is_resumable = False
        if self._first is None:
            raise self._no_dump()

    @property
    def profile(self) -> Profile:
        """What was detected so far; see Description."""
        return self._description.profile

    @property
    def warnings(self) -> list[str]:
        """What a user should know about the archive and its members."""
        return self._description.warnings(self._source.state.warnings, self._source.skipped)

    @property
    def own_warnings(self) -> list[str]:
        """Warnings about the archive itself."""
        return list(self._source.state.warnings)

    @property
    def skipped(self) -> list[str]:
        """Names of members that are not dumps; complete after the last member."""
        return self._source.skipped

    @property
    def file(self) -> str:
        """The name of the member that is being read."""
        return str(self._description.members[-1]["file"])

    def field_columns(self) -> dict[str, list[str]]:
        """The columns that each field comes from, in the first member."""
        return self._first.field_columns() if self._first else {}

    def __iter__(self) -> Iterator[Batch]:
        dump, described = self._first, self._description
        while dump is not None:
            entry = described.members[-1]
            try:
                for batch in dump:
                    self._records += batch.rows_read
                    entry["rows_read"] += batch.rows_read
                    self._rejected += count_flaws(batch.rejects)
                    entry["rejected"] += len(batch.rejects)
                    described.update(entry, dump.profile)
                    # the mark is that of the member: no run can begin in the middle of the archive
                    yield replace(batch, mark=None)
                    check_rejects(self._rejected, self._records, self._options.limits)
            except IngestError as error:
                self._failed(entry, error)
            described.warn(entry, dump.warnings)
            dump = next(self._dumps, None)
        if not any("error" not in entry or entry["rows_read"] for entry in described.members):
            raise self._no_dump()

    def members(self) -> Iterator[Dump]:
        """Yield each member to find its borders; read these to their end before the next.

        Raises:
            IndivisibleError: a member cannot be divided, or cannot be read.
            IngestError: a limit of the reader.
        """
        dump = self._first
        while dump is not None:
            if not self._failures and not dump.is_divisible:
                raise IndivisibleError(
                    f"no run can begin in the middle of its member {self.file[:_MAX_NAME]}"
                )
            if not self._failures:
                yield dump
                self._records = dump.records
                if dump.is_truncated:
                    raise IndivisibleError(f"its member {self.file[:_MAX_NAME]} is damaged")
            dump = next(self._dumps, None)
        if self._failures:
            name = self._failures[0].name
            raise IndivisibleError(f"its member {name[:_MAX_NAME]} cannot be read")
        if self._source.state.truncated:
            raise IndivisibleError("its bytes are damaged or incomplete")

    def _open_dumps(self) -> Iterator[Dump]:
        for member in self._source.members:
            name = member.name or ""
            entry = self._description.begin(name)
            if isinstance(member, Failure):
                self._failed(entry, member.error)
                continue
            try:
                dump = Dump(
                    member, f"{self._name}!{name}", self._options, records_before=self._records
                )
            except IngestError as error:
                self._failed(entry, error)
                continue
            self._description.open(entry, dump.profile)
            yield dump

    def _failed(self, entry: dict[str, Any], error: IngestError) -> None:
        if error.code in _FATAL:
            message = error.message
            if entry["file"] not in message:
                message = f"{entry['file']}: {message}"
            raise IngestError(error.code, message, details=error.details) from error
        self._description.fail(entry, error)
        self._failures.append(Failure(entry["file"], error))

    def _no_dump(self) -> IngestError:
        if not self._failures:
            skipped = ", ".join(repr(name[:80]) for name in self._source.skipped[:_MAX_NAMES])
            message = f"the archive has no dump; its members are {skipped or 'none'}"
            return IngestError("archive_unsupported", message)
        first = self._failures[0].error
        codes = {failure.error.code for failure in self._failures}
        code = first.code if len(codes) == 1 else "archive_unsupported"
        reasons = "; ".join(
            f"{failure.name[:80]}: {failure.error.message[:_MAX_DETAIL]}"
            for failure in self._failures[:_MAX_NAMES]
        )
        message = f"no member of the archive can be read: {reasons}"
        return IngestError(code, message, details=first.details)


def read_dump(
    stream: BinaryIO,
    *,
    name: str,
    options: ReadOptions,
    resume: DumpMark | None = None,
    records_before: int = 0,
    copy: Copy | None = None,
    open_file: OpenFile | None = None,
) -> Dump | Archive:
    """Open a dump of any known format, or an archive of dumps.

    Args:
        stream: the object's bytes; if it is seekable, a run that goes on does not read what is
            before, unless it is compressed.
        name: the file name in rejects; it does not affect how the file is read.
        options: mapping, secret, limits.
        resume: the mark of the last batch that an earlier run stored.
        records_before: records of earlier members, if the bytes are a member of an archive.
        copy: is given the text of a compressed dump, or of each member of an archive.
        open_file: opens the object as a file that is read anywhere, for formats that need one;
            without it, these are copied to the disk.

    Returns:
        The dump, to be iterated once. Only its first few hundred KiB have been read.

    Raises:
        IngestError: the object as a whole cannot be read (now, or while it is iterated when a
            limit is passed).
    """
    source = open_source(stream, options.limits, copy, open_file)
    if source.dump is not None:
        source.dump.state.truncated |= options.is_cut
        return Dump(source.dump, name, options, records_before=records_before, resume=resume)
    if resume is not None:
        raise ValueError("no run can begin in the middle of an archive")
    return Archive(source, name, options)
