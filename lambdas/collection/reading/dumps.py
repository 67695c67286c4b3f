"""Reads an object: one dump, or an archive of dumps that is read member by member."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from lambdas.collection.reading.agreement import Agreement
from lambdas.collection.reading.cpu_time import CPU_TIME_LIMIT
from lambdas.collection.reading.marks import DumpMark
from lambdas.collection.reading.members import Copy, Failure, Source, open_source
from lambdas.collection.reading.options import Profile, ReadOptions
from lambdas.collection.reading.reader import Batch, Dump, check_rejects, count_flaws
from shared.errors import IngestError

_FATAL = frozenset({"decompression_limit", "object_too_large", "too_many_rejects", CPU_TIME_LIMIT})
_MAX_NAMES = 20
_MAX_WARNINGS = 200
_MAX_DETAIL = 300


class Archive:
    """Iterates the batches of all members, in order; batches never span members.

    ``profile`` and ``warnings`` grow while it is read. ``profile.details["members"]`` has an entry
    for each member: its file, format, encoding, dump_schema and counts, or its error.
    """

    def __init__(self, source: Source, name: str, options: ReadOptions) -> None:
        self._source = source
        self._name = name
        self._options = options
        self._failure_warnings: list[str] = []
        self._warnings: dict[str, list[str]] = {}
        """Warnings of members, with the members that they are about."""
        self._members: list[dict[str, Any]] = []
        self._agreement = Agreement()
        self._failures: list[Failure] = []
        self._records = self._rejected = 0
        self.profile = Profile("unknown", source.state.compression, "", "unknown")
        self.profile.details["members"] = self._members
        self._dumps = self._open_dumps()
        self._first = next(self._dumps, None)
        self.is_resumable = False
        if self._first is None:
            raise self._no_dump()

    @property
    def warnings(self) -> list[str]:
        """What a user should know about the archive and its members."""
        warnings = [*self._source.state.warnings, *self._failure_warnings]
        if self._source.skipped:
            warnings.append(f"not read: {_listed(self._source.skipped)}")
        warnings += [f"{_listed(files)}: {warning}" for warning, files in self._warnings.items()]
        if len(warnings) > _MAX_WARNINGS:
            return [*warnings[:_MAX_WARNINGS], f"{len(warnings) - _MAX_WARNINGS} more warnings"]
        return warnings

    def field_columns(self) -> dict[str, list[str]]:
        """The columns that each field comes from, in the first member."""
        return self._first.field_columns() if self._first else {}

    def __iter__(self) -> Iterator[Batch]:
        dump = self._first
        while dump is not None:
            entry = self._members[-1]
            try:
                for batch in dump:
                    self._records += batch.rows_read
                    entry["rows_read"] += batch.rows_read
                    self._rejected += count_flaws(batch.rejects)
                    entry["rejected"] += len(batch.rejects)
                    self._describe(entry, dump.profile)
                    yield batch
                    check_rejects(self._rejected, self._records, self._options.limits)
            except IngestError as error:
                self._failed(entry, error)
            for warning in dump.warnings:
                self._warnings.setdefault(warning, []).append(entry["file"])
            dump = next(self._dumps, None)
        if not any("error" not in entry or entry["rows_read"] for entry in self._members):
            raise self._no_dump()

    def _open_dumps(self) -> Iterator[Dump]:
        for member in self._source.members:
            name = member.name or ""
            entry: dict[str, Any] = {"file": name}
            self._members.append(entry)
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
            entry |= {"rows_read": 0, "rejected": 0}
            if self._agreement.start_member():
                self.profile.compression = dump.profile.compression
            self._describe(entry, dump.profile)
            yield dump

    def _describe(self, entry: dict[str, Any], profile: Profile) -> None:
        """Update the entry of a member, and what all members have in common."""
        shared = {
            "format": profile.format,
            "encoding": profile.encoding,
            "dump_schema": profile.dump_schema,
        }
        entry |= {**shared, **profile.details}
        for field, value in shared.items():
            setattr(self.profile, field, value if self._agreement.holds(field, value) else "mixed")
        for key, detail in profile.details.items():
            if self._agreement.holds(key, detail):
                self.profile.details[key] = detail
            else:
                self.profile.details.pop(key, None)

    def _failed(self, entry: dict[str, Any], error: IngestError) -> None:
        if error.code in _FATAL:
            message = error.message
            if entry["file"] not in message:
                message = f"{entry['file']}: {message}"
            raise IngestError(error.code, message, details=error.details) from error
        detail = error.message[:_MAX_DETAIL]
        entry |= {"error": error.code, "detail": detail}
        rows = entry.setdefault("rows_read", 0)
        entry.setdefault("rejected", 0)
        self._failures.append(Failure(entry["file"], error))
        extent = f"is not read after {rows} rows" if rows else "is not read"
        self._failure_warnings.append(f"{entry['file']} {extent}: {detail}")

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


def _listed(names: list[str]) -> str:
    shown = ", ".join(name[:100] for name in names[:_MAX_NAMES])
    return shown + (f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else "")


def read_dump(
    stream: BinaryIO,
    *,
    name: str,
    options: ReadOptions,
    resume: DumpMark | None = None,
    copy: Copy | None = None,
) -> Dump | Archive:
    """Open a dump of any known format, or an archive of dumps.

    Args:
        stream: the object's bytes; if it is seekable, a run that goes on does not read what is
            before, unless it is compressed.
        name: the file name in rejects; it does not affect how the file is read.
        options: mapping, secret, limits.
        resume: the mark of the last batch that an earlier run stored.
        copy: is given the text of a compressed dump.

    Returns:
        The dump, to be iterated once. Only its first few hundred KiB have been read.

    Raises:
        IngestError: the object as a whole cannot be read (now, or while it is iterated when a
            limit is passed).
    """
    source = open_source(stream, options.limits, copy)
    if source.dump is not None:
        source.dump.state.truncated |= options.is_cut
        return Dump(source.dump, name, options, resume=resume)
    return Archive(source, name, options)
