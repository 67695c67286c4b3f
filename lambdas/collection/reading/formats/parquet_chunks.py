"""What a column chunk of a Parquet file takes in memory, by the headers of its pages."""

from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lambdas.collection.reading.formats.parquet_pages import Page, read_pages

BUFFER_BYTES = 64 * 2**10
_VALUE_BYTES = 16
_DICTIONARY_ENCODINGS = (2, 8)
_DELTA_BYTE_ARRAY = 7
_SHORT_DICTIONARY_BYTES = 2 * 2**10
"""The longest entry of a smaller dictionary does not matter."""
_LONG_DICTIONARY_BYTES = 16 * 2**20
"""A larger dictionary is not read ahead."""


@dataclass
class Chunk:
    """The pages of one column in one row group."""

    path: str
    is_text: bool
    """Whether values differ in length."""
    is_repeated: bool
    width: int
    """Bytes of a value of fixed length beyond those of a number."""
    largest_page: int = 0
    dictionary: int = 0
    entries: int = 0
    """Values in the dictionary."""
    values: int = 0
    values_of_dictionary: int = 0
    """The most values in a page of dictionary indices."""
    most: float = 0
    """The most bytes of a row in pages without a dictionary."""
    starts_with_dictionary: bool = False
    is_damaged: bool = False

    @property
    def is_held(self) -> bool:
        """Whether to read it as a dictionary, so that a repeated value is in memory once.

        Arrow would also keep all values that are not in the dictionary up to the end of the chunk.
        """
        return self.is_text and self.starts_with_dictionary and not self.most

    @property
    def open_bytes(self) -> int:
        """Bytes of the largest page and of the dictionary."""
        return self.largest_page + self.dictionary

    @property
    def intact_rows(self) -> int | None:
        """Rows before the first damaged page; None if all pages are intact."""
        if not self.is_damaged:
            return None
        return 0 if self.is_repeated else self.values

    def row_bytes(self, entry: int) -> float:
        """Most bytes of a row, where the longest entry of the dictionary has ``entry`` bytes."""
        most = max(self.most, self._row(0, 1))
        if not self.values_of_dictionary:
            return most
        is_counted = self.is_text and not self.is_held
        return max(most, self._row(entry if is_counted else 0, self.values_of_dictionary))

    def add(self, page: Page) -> None:
        """Count one page."""
        if page.is_dictionary:
            self.dictionary, self.entries = page.size, page.values
            return
        self.largest_page = max(self.largest_page, page.size)
        if page.encoding in _DICTIONARY_ENCODINGS:
            self.starts_with_dictionary |= self.values == 0
            self.values_of_dictionary = max(self.values_of_dictionary, page.values)
        else:
            # with delta encoding, every value may share almost all of the one before it
            shared = 1 if page.encoding == _DELTA_BYTE_ARRAY else page.values
            self.most = max(self.most, self._row(page.size / max(1, shared), page.values))
        self.values += page.values

    def _row(self, value: float, page_values: int) -> float:
        value += _VALUE_BYTES + self.width
        return value * page_values if self.is_repeated else value


def read_chunk(file: IO[bytes], metadata: Any, group: int, leaf: int) -> Chunk:
    """Read the page headers of a column chunk."""
    column, stored = metadata.schema.column(leaf), metadata.row_group(group).column(leaf)
    # the length of other types is not set
    width = column.length if column.physical_type == "FIXED_LEN_BYTE_ARRAY" else 0
    is_text = column.physical_type == "BYTE_ARRAY"
    chunk = Chunk(column.path, is_text, column.max_repetition_level > 0, width)
    start, dictionary = stored.data_page_offset, stored.dictionary_page_offset
    if dictionary and 0 < dictionary < start:
        start = dictionary
    end = start + stored.total_compressed_size
    try:
        for page in read_pages(file, start, end, stored.num_values):
            chunk.add(page)
    except (ValueError, OSError):
        chunk.is_damaged = True
    return chunk


def longest_entry(file: IO[bytes], metadata: Any, group: int, chunk: Chunk) -> int:
    """Bytes of the longest entry of the dictionary; of all of them where it is not read ahead."""
    is_nested = "." in chunk.path or chunk.is_repeated
    is_read = _SHORT_DICTIONARY_BYTES < chunk.dictionary <= _LONG_DICTIONARY_BYTES
    if is_nested or not is_read or not chunk.starts_with_dictionary:
        return chunk.dictionary
    try:
        reader = pq.ParquetFile(
            file, metadata=metadata, read_dictionary=[chunk.path], buffer_size=BUFFER_BYTES
        )
        # the first row comes with the whole dictionary
        batch = next(reader.iter_batches(1, row_groups=[group], columns=[chunk.path]))
        entries = batch.column(0).dictionary
    except (pa.ArrowException, OSError, ValueError, StopIteration):
        return chunk.dictionary
    if len(entries) != chunk.entries:
        return chunk.dictionary
    return pc.max(pc.binary_length(entries)).as_py() or 0
