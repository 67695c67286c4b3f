"""Products with a picture: their list, their split, their pictures."""

import csv
import hashlib
import logging
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

log = logging.getLogger("pictures")
_COLUMNS = {
    "product_id": "id",
    "title": "productDisplayName",
    "type": "articleType",
    "colour": "baseColour",
    "gender": "gender",
    "use": "usage",
    "file": "image",
}
"""Our names and those of products.csv."""
_PICTURE = "picture_sha256"
_TEST_BYTES, _VALIDATION_BYTES = 26, 52
"""Of 256 first bytes of a hash: a tenth is held out, and a tenth is for validation."""


class Product(NamedTuple):
    """A product: its title, its attributes (empty if unknown) and the name of its picture."""

    product_id: str
    title: str
    type: str
    colour: str
    gender: str
    use: str
    file: str

    @property
    def split(self) -> str:
        """The split: test, validation or train, by a hash of the id alone."""
        first = hashlib.sha256(self.product_id.encode()).digest()[0]
        if first < _TEST_BYTES:
            return "test"
        return "validation" if first < _VALIDATION_BYTES else "train"


def read_products(folder: Path) -> tuple[list[Product], int]:
    """All products of products.csv, once each, in the order of the file; and the incomplete rows.

    A row without an id, a title, a type or a picture is left out and counted.

    Raises:
        ValueError: a column is missing.
    """
    path = folder / "products.csv"
    products: dict[str, Product] = {}
    incomplete = 0
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        if missing := set(_COLUMNS.values()) - set(reader.fieldnames or ()):
            raise ValueError(f"{path}: missing columns: {', '.join(sorted(missing))}")
        for row in reader:
            values = [(row[column] or "").strip() for column in _COLUMNS.values()]
            product = Product(*values)
            if not (product.product_id and product.title and product.type and product.file):
                log.warning(
                    "%s, line %d: id, productDisplayName, articleType or image is empty",
                    path,
                    reader.line_num,
                )
                incomplete += 1
                continue
            products.setdefault(product.product_id, product)
    return list(products.values()), incomplete


def read_pictures(folder: Path, files: Sequence[str]) -> Iterator[bytes | None]:
    """The bytes of pictures in images.zip, in the order of their names.

    None for one that is missing, and no bytes for one that the archive has damaged.
    """
    with zipfile.ZipFile(folder / "images.zip") as archive:
        members = {name.rsplit("/", 1)[-1]: name for name in archive.namelist()}
        for file in files:
            name = members.get(file)
            try:
                yield None if name is None else archive.read(name)
            except (zipfile.BadZipFile, zlib.error):  # this member is damaged
                yield b""


def write_products(path: Path, products: Sequence[Product], pictures: Sequence[str]) -> None:
    """Write products with their split and the SHA-256 of their pictures."""
    columns = {
        name: [product[place] for product in products] for place, name in enumerate(Product._fields)
    }
    extra = {"split": [each.split for each in products], _PICTURE: list(pictures)}
    pq.write_table(pa.table({**columns, **extra}), path)


def load_products(path: Path) -> list[Product]:
    """Products that ``write_products`` wrote, in their order."""
    table = pq.read_table(path, columns=list(Product._fields)).to_pydict()
    return [Product(*row) for row in zip(*table.values(), strict=True)]


def load_picture_hashes(path: Path) -> list[str]:
    """The SHA-256 of the pictures of these products."""
    hashes: list[str] = pq.read_table(path, columns=[_PICTURE])[_PICTURE].to_pylist()
    return hashes


def rows_of(products: Sequence[Product], split: str) -> list[int]:
    """The rows of a split."""
    return [row for row, product in enumerate(products) if product.split == split]
