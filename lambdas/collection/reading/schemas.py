"""Which column of a dump is which field of a review."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lambdas.collection.reading.columns import choose_column, group_names
from shared.errors import IngestError
from shared.schemas.review import MAPPING_FIELDS, MAPPING_OPTIONS

_RARELY_THERE = ("source", "pictures")
"""Fields whose absence no dump needs to be warned of."""


@dataclass(frozen=True)
class Schema:
    """One family of dumps: its name, and the column (or columns, in order of preference)."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    constant_source: str | None = None
    own_ids: bool = False
    """Whether review_id is unique among reviews of this source."""
    identified_by_row: bool = False
    """Whether the whole row identifies a review, as its product or reviewer is not known."""

    def unused_columns(self, names: Iterable[str]) -> list[str]:
        """Columns of a dump that no field is read from."""
        used = {name for columns in self.columns.values() for name in columns}
        return [name for name in names if name not in used]

    def missing_fields(self, names: Iterable[str]) -> list[str]:
        """Fields that no column of a dump is read for."""
        existing = set(names)
        return [
            field
            for field in MAPPING_FIELDS
            if field not in _RARELY_THERE and existing.isdisjoint(self.columns.get(field, ()))
        ]


def _schema(name: str, *, own_ids: bool = False, **columns: str | tuple[str, ...]) -> Schema:
    return Schema(
        name=name,
        columns={k: (v,) if isinstance(v, str) else v for k, v in columns.items()},
        own_ids=own_ids,
    )


AMAZON_2014 = _schema(
    "amazon2014", text="reviewText", rating="overall", title="summary", product_id="asin",
    reviewer="reviewerID", date=("unixReviewTime", "reviewTime"), helpful_votes="helpful",
    brand="brand",
)  # fmt: skip
AMAZON_2018 = _schema(
    "amazon2018", text="reviewText", rating="overall", title="summary", product_id="asin",
    reviewer="reviewerID", date=("unixReviewTime", "reviewTime"), verified="verified",
    helpful_votes="vote", brand="brand", pictures="image",
)  # fmt: skip
AMAZON_2023 = _schema(
    "amazon2023", text="text", rating="rating", title="title", product_id=("parent_asin", "asin"),
    product_title="product_title", category=("main_category", "category"), reviewer="user_id",
    date=("timestamp", "sort_timestamp"), verified="verified_purchase",
    helpful_votes=("helpful_vote", "helpful_votes"), brand="brand", pictures="images",
)  # fmt: skip
AWS_TSV = _schema(
    "aws-tsv", own_ids=True, text="review_body", rating="star_rating",
    title="review_headline", product_id="product_id", product_title="product_title",
    category="product_category", reviewer="customer_id", date="review_date",
    review_id="review_id", verified="verified_purchase", helpful_votes="helpful_votes",
)  # fmt: skip
MULTIDOMAIN = _schema(
    "multidomain", text="review_text", rating="rating", title="title", product_id="asin",
    product_title="product_name", category="product_type", reviewer="reviewer", date="date",
    helpful_votes="helpful",
)  # fmt: skip
DATAFINITI = _schema(
    "datafiniti", text="reviews.text", rating="reviews.rating", title="reviews.title",
    product_id="id", product_title="name", category=("primaryCategories", "categories"),
    reviewer="reviews.username", date="reviews.date", helpful_votes="reviews.numHelpful",
    brand="brand",
)  # fmt: skip
FLIPKART = _schema(
    "flipkart", text="Summary", rating="Rate", title="Review",
    product_title=("product_name", "ProductName"),
)  # fmt: skip
SNAP = _schema(
    "snap", text="review/text", rating=("review/score", "review/overall"), title="review/summary",
    product_id=("product/productId", "beer/beerId", "wine/wineId"),
    product_title=("product/title", "beer/name", "wine/name"),
    reviewer=("review/userId", "review/profileName"), date="review/time",
    helpful_votes="review/helpfulness",
)  # fmt: skip

_MARKS = (
    (SNAP, {"review/text"}),
    (AWS_TSV, {"review_body", "star_rating", "review_id"}),
    (DATAFINITI, {"reviews.text", "reviews.rating"}),
    (MULTIDOMAIN, {"review_text", "asin", "rating", "unique_id"}),
    (MULTIDOMAIN, {"review_text", "asin", "rating", "product_type"}),
    (AMAZON_2023, {"text", "rating", "user_id", "asin"}),
    (AMAZON_2023, {"text", "rating", "parent_asin"}),
    (FLIPKART, {"Summary", "Rate", "Review"}),
)


def choose_schema(columns: Iterable[str], mapping: Mapping[str, str] | None) -> Schema:
    """Find how to read a dump with these columns.

    Raises:
        IngestError: mapping_invalid or schema_unknown; the message lists the columns of the dump.
    """
    names = [str(column) for column in columns]
    schema = _recognised(names) if mapping is None else _mapped(names, mapping)
    missing = schema.missing_fields(names)
    by_row = "product_id" in missing or "reviewer" in missing
    if schema.own_ids and "review_id" not in missing:
        by_row = False
    return replace(schema, identified_by_row=by_row)


def _recognised(names: list[str]) -> Schema:
    present = set(names)
    for schema, marks in _MARKS:
        if marks <= present:
            return _with_well_known(schema, names)
    if {"reviewText", "overall"} <= present or {"reviewerID", "overall", "asin"} <= present:
        newer = present & {"verified", "vote", "style", "image"}
        return _with_well_known(AMAZON_2018 if newer else AMAZON_2014, names)
    return _guessed(names)


def _with_well_known(schema: Schema, names: list[str]) -> Schema:
    """Add well-known columns for fields that a dump of this family lacks.

    The review_id stays out: the family defines what identifies its reviews.
    """
    columns = dict(schema.columns)
    free = group_names(schema.unused_columns(names))
    for field in schema.missing_fields(names):
        candidates = choose_column(field, free) if field != "review_id" else []
        if len(candidates) == 1:
            columns[field] = (*columns.get(field, ()), *candidates)
    return replace(schema, columns=columns)


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:40])
    return shown + (f" and {len(names) - 40} more" if len(names) > 40 else "")


def _mapped(names: list[str], mapping: Mapping[str, str]) -> Schema:
    unknown = sorted(set(mapping) - set(MAPPING_FIELDS))
    if unknown:
        raise IngestError(
            "mapping_invalid",
            f"the mapping has unknown fields {_listed(unknown)}; "
            f"fields are {', '.join(MAPPING_FIELDS)}; options are {', '.join(MAPPING_OPTIONS)}",
        )
    if "text" not in mapping:
        raise IngestError("mapping_invalid", "the mapping must name the column of the text")
    columns: dict[str, tuple[str, ...]] = {}
    source: str | None = None
    for name, column in mapping.items():
        actual = _column(names, column)
        if actual is not None:
            columns[name] = (actual,)
        elif name == "source":
            source = column  # a name for the whole dump
        else:
            raise IngestError(
                "mapping_invalid",
                f"the mapping takes {name} from {column!r}, which is not a column of the dump; "
                f"its columns are {_listed(names)}",
                details={"column": column, "columns": names[:100]},
            )
    return Schema("mapped", columns, constant_source=source, own_ids="review_id" in columns)


def _column(names: list[str], name: str) -> str | None:
    """The column with this name, or the only one that differs in case or spaces."""
    if name in names:
        return name
    alike = [n for n in names if n.strip().lower() == name.strip().lower()]
    return alike[0] if len(alike) == 1 else None


def _guessed(names: list[str]) -> Schema:
    columns: dict[str, tuple[str, ...]] = {}
    reasons = []
    groups = group_names(names)
    for field in MAPPING_FIELDS:
        candidates = choose_column(field, groups)
        if len(candidates) > 1:
            reasons.append(f"several columns could be the {field}: {_listed(candidates)}")
        elif candidates:
            columns[field] = (candidates[0],)
        elif field == "text":
            reasons.append("no column is known to hold the text")
    if "text" in columns and columns["text"] == columns.get("rating"):
        reasons.append(f"{columns['text'][0]!r} could be the text or the rating")
        del columns["text"], columns["rating"]
    if reasons:
        raise _unknown(names, reasons[0], columns)
    return Schema("mapped", columns, own_ids="review_id" in columns)


def _unknown(names: list[str], reason: str, known: Mapping[str, tuple[str, ...]]) -> IngestError:
    return IngestError(
        "schema_unknown",
        f"{reason}; the columns are {_listed(names)}. Map them with "
        "--map text=COLUMN,rating=COLUMN",
        details={
            "columns": names[:100],
            "mapping": {field: list(columns) for field, columns in known.items()},
        },
    )
