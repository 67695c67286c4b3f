"""The fields of a review, declared once; every schema, table and query of reviews is derived.

``REVIEW_FIELDS`` has one entry for each field. From it come the Arrow schemas
(shared/storage/shards.py), the SQL of PostgreSQL (shared/db/), the side file of an index and its
filters (shared/index/), and the names that a mapping may use (lambdas/collection/reading/). The
read path imports this module: it loads neither pyarrow nor a database driver.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.schemas.documented import Documented
from shared.schemas.star_titles import says_only_stars


class FieldType(StrEnum):
    """How the values of a field are cleaned, stored and compared."""

    IDENTIFIER = "identifier"
    """Text of at most 200 characters, compared byte by byte."""
    NAME = "name"
    """Text of at most 200 characters."""
    TEXT = "text"
    REAL = "real"
    """32 bits."""
    COUNT = "count"
    """Integer of 32 bits."""
    POSITION = "position"
    """Integer of 64 bits."""
    MOMENT = "moment"
    """UTC, in microseconds."""
    FLAG = "flag"
    URLS = "urls"
    """Addresses, separated by spaces."""
    SENTIMENT = "sentiment"


class Table(StrEnum):
    """The table that keeps a field."""

    REVIEWS = "reviews"
    PRODUCTS = "products"
    ANALYSES = "analyses"
    """A model computes the field: it is not part of a clean shard."""


class Filter(StrEnum):
    """How POST /search_similar filters by a field."""

    EQUALS = "equals"
    """One value, in the filter of the same name."""
    AMONG = "among"
    """One value, or several in the filter ``<name>s``."""
    RANGE = "range"
    """Between the two filters in ``bounds``."""


@dataclass(frozen=True, slots=True)
class ReviewField:
    """One field of a review.

    Args:
        name: column of clean shards and, if served, of analysis shards and indexes.
        type: how its values are stored.
        required: whether every review has it.
        table: the table that keeps it.
        column: its column there, if another name.
        dump_name: its name in mappings; None where collection computes it.
        served: whether an index holds it for results and filters.
        listed: whether GET /reviews shows it.
        api_name: its name in search results, if another one.
        filter: how a search filters by it; None: not at all.
        bounds: names of the lower and upper filter of a range.
    """

    name: str
    type: FieldType
    required: bool = False
    table: Table = Table.REVIEWS
    column: str = ""
    dump_name: str | None = None
    served: bool = False
    listed: bool = False
    api_name: str = ""
    filter: Filter | None = None
    bounds: tuple[str, str] = ("", "")

    @property
    def sql_column(self) -> str:
        """Its column in its table."""
        return self.column or self.name

    @property
    def result_name(self) -> str:
        """Its name in search results."""
        return self.api_name or self.name


ProductFact = Annotated[str | None, Field(max_length=512)]


class ProductFacts(Documented):
    """Facts about a product in dumps: each is shown with products and results and filters both."""

    category: ProductFact = None
    """Category of the product in dumps, word for word. In an answer, null if none has one; as a
    filter, null or absent selects all."""
    brand: ProductFact = None
    """Brand or maker of the product in dumps, word for word. In an answer, null if none has one; as
    a filter, null or absent selects all."""


def _product_facts() -> tuple[ReviewField, ...]:
    return tuple(
        ReviewField(
            name,
            FieldType.NAME,
            table=Table.PRODUCTS,
            dump_name=name,
            served=True,
            filter=Filter.EQUALS,
        )
        for name in ProductFacts.model_fields
    )


REVIEW_FIELDS = (
    ReviewField(
        "review_id",  # the source and its id for the review, or "h:" and a hash of the content
        FieldType.IDENTIFIER,
        required=True,
        dump_name="review_id",
        served=True,
        listed=True,
    ),
    ReviewField("record", FieldType.POSITION, required=True),  # 1-based among the file's records
    ReviewField(
        "source",  # family of the dump: amazon2018, aws-tsv, mapped, …
        FieldType.NAME,
        required=True,
        dump_name="source",
        served=True,
        listed=True,
    ),
    ReviewField(
        "product_id",
        FieldType.IDENTIFIER,
        dump_name="product_id",
        served=True,
        listed=True,
        filter=Filter.AMONG,
    ),
    ReviewField(
        "product_title",
        FieldType.TEXT,
        table=Table.PRODUCTS,
        column="title",
        dump_name="product_title",
    ),
    *_product_facts(),
    # keyed hash (HMAC-SHA-256) of the reviewer's identity, 32 hex digits
    ReviewField("reviewer_key", FieldType.NAME, dump_name="reviewer"),
    ReviewField(
        "rating",  # stars, 1..5
        FieldType.REAL,
        dump_name="rating",
        served=True,
        listed=True,
        filter=Filter.RANGE,
        bounds=("min_rating", "max_rating"),
    ),
    ReviewField("title", FieldType.TEXT, dump_name="title", served=True, listed=True),
    ReviewField(
        "text",  # cleaned: NFC, no markup, no control characters, single spaces
        FieldType.TEXT,
        required=True,
        dump_name="text",
        served=True,
        listed=True,
        api_name="review_text",
    ),
    ReviewField("original_text", FieldType.TEXT),  # the text of the dump, where cleaning changed it
    ReviewField(
        "reviewed_at",
        FieldType.MOMENT,
        dump_name="date",
        served=True,
        listed=True,
        filter=Filter.RANGE,
        bounds=("date_from", "date_to"),
    ),
    ReviewField("verified", FieldType.FLAG, dump_name="verified", listed=True),
    ReviewField("helpful_votes", FieldType.COUNT, dump_name="helpful_votes", listed=True),
    ReviewField("picture_urls", FieldType.URLS, dump_name="pictures"),
    ReviewField(
        "sentiment",
        FieldType.SENTIMENT,
        required=True,
        table=Table.ANALYSES,
        served=True,
        filter=Filter.AMONG,
    ),
    ReviewField("confidence", FieldType.REAL, required=True, table=Table.ANALYSES, served=True),
    ReviewField(
        "language",  # ISO 639-1, or "und" where the text is too short to decide
        FieldType.NAME,
        table=Table.ANALYSES,
        served=True,
        filter=Filter.AMONG,
    ),
    # whether the model knows the language and most tokens; if not, its sentiment is not shown
    ReviewField("understood", FieldType.FLAG, table=Table.ANALYSES, served=True),
)


def _select(accept: Callable[[ReviewField], bool]) -> tuple[ReviewField, ...]:
    return tuple(field for field in REVIEW_FIELDS if accept(field))


CLEAN_FIELDS = _select(lambda field: field.table != Table.ANALYSES)
"""Columns of a clean shard: what collection makes of a dump."""
SERVED_FIELDS = _select(lambda field: field.served)
"""Columns of an analysis shard and of an index: what results show and filters need."""
PRODUCT_FIELDS = _select(lambda field: field.table == Table.PRODUCTS)
"""Columns of the table products, but for product_id."""
STORED_FIELDS = _select(lambda field: field.table == Table.REVIEWS)
"""Columns of the table reviews, but for ingest_id."""
LISTED_FIELDS = _select(lambda field: field.listed)
"""What GET /reviews shows of a stored review."""
DUMP_FIELDS = _select(lambda field: field.dump_name is not None)
"""What a dump may have a column for."""
MAPPING_FIELDS = tuple(field.dump_name for field in DUMP_FIELDS if field.dump_name is not None)
"""Names of fields in mappings."""
MAPPING_OPTIONS = ("rating_scale", "date_order", "records", "sheet", "header")
"""What a mapping may state about a dump beside the columns of fields."""


def model_text(title: str | None, text: str) -> str:
    """The string that the encoder reads for a review: ``title. text``, or the text alone.

    A title that says only the stars is left out.
    """
    if not title or says_only_stars(title):
        return text
    return f"{title} {text}" if title[-1] in ".!?…" else f"{title}. {text}"
