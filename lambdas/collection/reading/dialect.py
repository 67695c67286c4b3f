"""Detects the dialect of delimited text from a sample."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from lambdas.collection.reading.encoding import decode_text
from lambdas.collection.reading.formats.csv_lines import CsvDialect
from lambdas.collection.reading.formats.unquoted import drop_trailing
from lambdas.collection.reading.ratings import Mark, read_mark
from lambdas.collection.reading.schemas import AWS_TSV, Schema, choose_schema
from shared.errors import IngestError

_DELIMITERS = ("\t", ",", ";", "|")
_SAMPLE_LINES = 4000
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_IN_PROSE = ",;"
_MIN_STRAY_QUOTES = 3
_MAX_LINES_PER_SINGLE_QUOTED = 20
"""Single quotes are considered as quoting if at least one line in this many has them."""
_SEPARATOR_LINE = re.compile(rb'\s{0,9}"?sep=(.)"?[ \t,;]*(?:\r?\n|\r|\Z)', re.IGNORECASE)
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x0b\x1b")


@dataclass(frozen=True)
class Delimited:
    """The detected dialect, the header and its schema."""

    name: str
    dialect: CsvDialect
    columns: list[str]
    schema: Schema
    plausible: Callable[[list[str]], bool]
    headerless: bool = False


def split_separator_line(sample: bytes) -> tuple[bytes, str | None]:
    """Replace the line ``sep=;`` of Excel by a blank line, and return its delimiter."""
    line = _SEPARATOR_LINE.match(sample)
    if line is None:
        return sample, None
    return b"\n" + sample[line.end() :], decode_text(line[1])


def sniff_delimited(
    sample: bytes,
    mapping: Mapping[str, str] | None,
    *,
    whole: bool,
    separator: str | None = None,
    headerless: bool = False,
) -> Delimited:
    """Detect the delimiter from the header, and the quoting that fits most lines of the sample.

    Args:
        sample: the beginning of the dump.
        mapping: the column of each field; its columns are positions if ``headerless``.
        whole: whether the sample is the whole dump.
        separator: the delimiter that the dump names itself.
        headerless: whether the first line is a row; columns are then named 1, 2, 3 …

    Raises:
        IngestError: format_unknown, schema_unknown, mapping_invalid.
    """
    lines = list(io.StringIO(decode_text(sample), newline=""))
    if len(lines) > 1 and not whole:
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    lines = lines[:_SAMPLE_LINES]
    if not lines:
        raise _no_table()
    if headerless:
        return _sniff_headerless(lines, mapping, sample, separator)
    delimiter = separator or max(
        _DELIMITERS, key=lambda d: (lines[0].count(d), -_DELIMITERS.index(d))
    )
    header = lines[0].rstrip("\r\n").split(delimiter)
    if delimiter == "\t" and _is_aws(header) and not _written_quoted(lines):
        dialect, columns = CsvDialect("\t", None), header
    else:
        dialect, columns = _best_dialect(lines, delimiter)
    columns = [column.strip() for column in columns]
    schema = _schema_of(columns, mapping, sample)
    return Delimited(_name(delimiter), dialect, columns, schema, _plausible(columns, schema))


def _name(delimiter: str) -> str:
    return {"\t": "tsv", ",": "csv"}.get(delimiter, "delimited")


def _sniff_headerless(
    lines: list[str], mapping: Mapping[str, str] | None, sample: bytes, separator: str | None
) -> Delimited:
    """The dialect in which most rows have the same number of fields."""
    if mapping is None:
        raise IngestError(
            "mapping_invalid",
            "header=none requires the positions of the columns: --map header=none,text=2,rating=1",
        )
    dialects = [
        CsvDialect(delimiter, mark, escapechar=escape)
        for delimiter in ([separator] if separator else _DELIMITERS)
        for mark, escape in (
            (_quote_of(lines, delimiter), None),
            (_quote_of(lines, delimiter), "\\"),
            (None, None),
        )
    ]
    fits = [_fit_headerless(lines, dialect) for dialect in dialects]
    # without quoting, a delimiter in a text makes a row longer
    best = max(
        range(len(fits)),
        key=lambda place: (fits[place][0], dialects[place].quotechar is not None, fits[place][1]),
    )
    columns = [str(position + 1) for position in range(fits[best][1])]
    schema = _schema_of(columns, mapping, sample)
    dialect = _with_escapes(dialects[best], lines)
    name, plausible = _name(dialect.delimiter), _plausible(columns, schema)
    return Delimited(name, dialect, columns, schema, plausible, headerless=True)


def _fit_headerless(lines: list[str], dialect: CsvDialect) -> tuple[float, int]:
    """Share of the sample's rows that have the most frequent number of fields, and this number."""
    widths = Counter(len(fields) for fields, _ in _rows(lines, dialect))
    rows = widths.total() - widths[0]
    del widths[0]
    if not rows:
        return 0.0, 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return (count / rows if width > 1 else 0.0), width


def _is_aws(header: list[str]) -> bool:
    marks = {name for names in AWS_TSV.columns.values() for name in names}
    return len(marks & set(header)) >= 8


def _written_quoted(lines: list[str]) -> bool:
    """Whether an AWS TSV was rewritten with quoting: quotes are doubled and all are paired."""
    if any(line.count("\t") != lines[0].count("\t") for line in lines):
        return _fit(lines, CsvDialect("\t"))[0] == 1
    if not any('""' in line for line in lines):
        return False
    quoted = [f for line in lines for f in line.rstrip("\r\n").split("\t") if f.startswith('"')]
    if not all(_QUOTED.fullmatch(field) for field in quoted):
        return False
    return any('""' in field[1:-1] for field in quoted)


_NO_HEADER = "If the first line is not a header, map positions: --map header=none,text=2"


def _no_table() -> IngestError:
    return IngestError(
        "format_unknown",
        "the object is neither JSON, Parquet, review blocks nor a table with a header",
    )


def _schema_of(columns: list[str], mapping: Mapping[str, str] | None, sample: bytes) -> Schema:
    try:
        return choose_schema(columns, mapping)
    except IngestError as error:
        if mapping is None and error.code == "schema_unknown":
            error = IngestError(error.code, f"{error.message}. {_NO_HEADER}", details=error.details)
        head = sample[:4096]
        binary = sum(byte in _CONTROL for byte in head) > 4 + 0.02 * len(head)
        if binary or (len(columns) < 2 and mapping is None):
            raise _no_table() from error
        raise error from None


def _best_dialect(lines: list[str], delimiter: str) -> tuple[CsvDialect, list[str]]:
    """The first of the dialects that read the most rows with as many fields as the header."""
    mark = _quote_of(lines, delimiter)
    single = _quoted_with("'", lines, delimiter)
    spaced = sum(f"{delimiter} {mark}" in line for line in lines) * 2 > len(lines)
    usual = CsvDialect(delimiter, mark, skipinitialspace=spaced)
    fit, columns = _fit(lines, usual)
    if fit == 1:
        return _with_escapes(usual, lines), columns
    candidates = [
        usual,
        CsvDialect(delimiter, mark, escapechar="\\", skipinitialspace=spaced),
        CsvDialect(delimiter, None),
        CsvDialect(delimiter, None, escapechar="\\"),
    ]
    if single * _MAX_LINES_PER_SINGLE_QUOTED > len(lines) and mark != "'":
        candidates.append(CsvDialect(delimiter, "'"))
    trailing = [replace(dialect, trailing=True) for dialect in candidates[:3]]
    candidates += [dialect for dialect in trailing if _ends_with_delimiter(lines, dialect)]
    scored = [((fit, columns), usual)]
    scored += [(_fit(lines, dialect), dialect) for dialect in candidates[1:]]
    (fit, columns), best = max(scored, key=lambda pair: pair[0][0])
    unquoted = best == CsvDialect(delimiter, None) and delimiter in _IN_PROSE
    # one or two stray quotes do not mean that the file has no quoting
    if unquoted and (fit < 1 or sum(line.count(mark) % 2 for line in lines) < _MIN_STRAY_QUOTES):
        (_, columns), best = scored[0]
    return _with_escapes(best, lines), columns


def _quote_of(lines: list[str], delimiter: str) -> str:
    single = _quoted_with("'", lines, delimiter)
    return "'" if single > _quoted_with('"', lines, delimiter) and single * 2 > len(lines) else '"'


def _with_escapes(dialect: CsvDialect, lines: list[str]) -> CsvDialect:
    """The dialect with escaped quotes, if fewer quotes are then left without a partner."""
    if dialect.quotechar is None or dialect.escapechar is not None:
        return dialect
    if not any("\\" + dialect.quotechar in line for line in lines):
        return dialect
    escaped = replace(dialect, escapechar="\\")
    return escaped if _errors(lines, escaped) < _errors(lines, dialect) else dialect


def _errors(lines: list[str], dialect: CsvDialect) -> int:
    """Number of rows whose quotes do not match."""
    reader, errors = dialect.reader(iter(lines), strict=True), 0
    while True:
        try:
            next(reader)
        except StopIteration:
            return errors
        except csv.Error:
            errors += 1


def _quoted_with(mark: str, lines: list[str], delimiter: str) -> int:
    return sum(line.startswith(mark) or delimiter + mark in line for line in lines)


def _fit(lines: list[str], dialect: CsvDialect) -> tuple[float, list[str]]:
    """Share of the sample's rows that have as many fields as the header, and the header."""
    columns: list[str] = []
    good = bad = 0
    for fields, used in _rows(lines, dialect):
        if not columns:
            columns = fields
            continue
        if dialect.trailing:
            drop_trailing(fields, len(columns))
        if len(fields) == len(columns):
            good += 1
        elif fields or used > 1:
            bad += 1
    return good / ((good + bad) or 1), columns or [""]


def _rows(lines: list[str], dialect: CsvDialect) -> Iterator[tuple[list[str], int]]:
    """Yield the fields of each row (none where quotes do not match) and its number of lines."""
    reader = dialect.reader(iter(lines), strict=True)
    before = 0
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            fields = []
        used, before = reader.line_num - before, reader.line_num
        yield fields, used


def _ends_with_delimiter(lines: list[str], dialect: CsvDialect) -> bool:
    """Whether most rows have one empty field more than the header."""
    if sum(line.rstrip("\r\n").endswith(dialect.delimiter) for line in lines[1:]) * 2 < len(lines):
        return False
    rows = [fields for fields, _ in _rows(lines, dialect) if fields]
    longer = [fields for fields in rows[1:] if len(fields) == len(rows[0]) + 1 and not fields[-1]]
    return len(longer) * 2 > len(rows) - 1


def _plausible(columns: list[str], schema: Schema) -> Callable[[list[str]], bool]:
    """Make the check whether fields look like a review: a valid rating, or enough fields."""
    names = schema.columns.get("rating", ())
    place = next((columns.index(name) for name in names if name in columns), None)

    def plausible(fields: list[str]) -> bool:
        if place is None:
            return len(fields) > 3
        return isinstance(read_mark(fields[place]), Mark)

    return plausible
